"""``lesion suv``: what the header gives, why there is no SUV, and nothing that names the patient. (Here, for the DICOM.)"""

from __future__ import annotations

import json

import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.io.files import write_image

SIZE = {"PatientSize": "1.75", "PatientSex": "M"}


def test_what_suv_follows_from(dicom, capsys):
    dicom.pet(**SIZE)
    assert main(["suv", str(dicom.folder), "--quiet"]) == 0
    told = capsys.readouterr().out
    for text in (
        "BQML",
        "70 kg, 1.75 m, M",
        "350 MBq",
        "corrected to the scan's start, 60.00 min from the injection to the series' time: 239.65 MBq left",
        "value x 0.000292097",
        "(SUL, Janmahasatian) = that x 0.7980",
        "by body surface area, cm2/ml = that x 0.2640",
    ):
        assert text in told
    assert not [text for text in ("Doe", "secret", "2020", "11:00", "110000") if text in told]


def test_the_same_as_json(dicom, capsys):
    dicom.pet(PatientSize="1.75", DecayCorrection="ADMIN")
    assert main(["suv", str(dicom.folder), "--json", "--quiet"]) == 0
    account = json.loads(capsys.readouterr().out)
    assert account["factor"] == pytest.approx(70_000 / 350e6)
    assert (account["unit"], account["decay_s"], account["dose_left_bq"]) == ("SUVbw", 0.0, 350e6)
    assert list(account["suv_factors"]) == ["SUVbsa"]
    assert "sex is not in the file" in account["not_known"][0]
    assert account["highest"] == pytest.approx(6200 * 4 * 70_000 / 350e6)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"PatientWeight": "0"}, "none; the values are in Bq/ml"),
        ({"RadionuclideTotalDose": "350"}, "is it in MBq?"),
        ({"DecayCorrection": "NONE"}, "not corrected"),
        ({"Units": "GML", "RescaleSlope": "5"}, "which cannot be right"),
        ({"Units": "GML", "SUVType": "IBW", "RescaleSlope": "0.01"}, "height is not in the file"),
    ],
)
def test_why_there_is_none(dicom, changes, told, capsys):
    dicom.pet(**changes)
    assert main(["suv", str(dicom.folder), "--quiet"]) == 0
    out = capsys.readouterr().out
    assert told in out
    assert "Factor         none" in out


def test_what_is_no_pet_in_dicom_is_refused(dicom, tmp_path, capsys):
    dicom.series([0.0, 2.0, 4.0])
    assert main(["suv", str(dicom.folder), "--quiet"]) == 3
    assert "of modality CT, not PET" in capsys.readouterr().err
    write_image(Image(np.ones((2, 3, 4), np.float32), np.eye(4)), tmp_path / "pet.nrrd")
    assert main(["suv", str(tmp_path / "pet.nrrd"), "--quiet"]) == 3
    assert "is no DICOM" in capsys.readouterr().err
    assert main(["suv", str(tmp_path / "nothing"), "--quiet"]) == 3
    assert "no file or folder" in capsys.readouterr().err


def test_the_only_pet_of_a_study_is_meant(dicom, capsys):
    dicom.pet()
    dicom.series([0.0, 2.0, 4.0], prefix="ct", SeriesInstanceUID="1.2.3")
    assert main(["suv", str(dicom.folder), "--quiet"]) == 0
    assert "BQML" in capsys.readouterr().out


def test_the_lesions_of_a_cohort(tmp_path, capsys):
    pytest.importorskip("LesionTrainingLib")
    voxels = np.ones((8, 9, 10), np.float32)
    voxels[2:5, 3:6, 4:7] = 4.0
    voxels[3, 4, 5] = 8.0
    write_image(Image(voxels, np.eye(4), "PT", "SUVbw"), tmp_path / "one_pet.nrrd")
    write_image(Image((voxels > 1).astype(np.uint8), np.eye(4)), tmp_path / "one_mask.nrrd")
    spec = f"folder:{tmp_path}"
    assert main(["suv", spec, "--json", "--quiet"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["lesions"]
    assert (row["volume_mm3"], row["max_suvbw"]) == (27.0, 8.0)
    assert row["mean_suvbw"] == pytest.approx(112 / 27)
    assert main(["suv", spec, "--series", "1", "--quiet"]) == 2


def test_a_real_tumour_by_hand(real_data, capsys):
    """Polygons filled at voxel centres and SUV by pydicom and numpy alone: 5095 voxels, highest 7.9107, mean 2.5552."""
    pytest.importorskip("LesionTrainingLib")
    spec = f"dicom:{real_data('sts-001')}?modality=PT&structures=GTV_Mass"
    assert main(["suv", spec, "--json", "--quiet"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["lesions"]
    assert row["volume_mm3"] == pytest.approx(366_079, rel=1e-4)
    assert row["max_suvbw"] == pytest.approx(7.9107, abs=1e-4)
    assert row["mean_suvbw"] == pytest.approx(2.5552, abs=1e-4)
    assert row["max_sulbm"] == pytest.approx(7.9107 * 52.856 / 71, abs=1e-3)
