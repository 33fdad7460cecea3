"""``lesion measure`` in a PET: a point on a projection, and the uptake above a share of its maximum."""

from __future__ import annotations

import json

import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.imaging.pet_focus import FocusSettings
from LesionDetectionLib.io.files import write_image

CENTER = (-40.0, -72.0, 48.0)
"""RAS mm; the first sign must not be taken for an option."""


@pytest.fixture(scope="module")
def a_pet(tmp_path_factory):
    """Uptake of 10 in a smooth ball, above 0.5, in voxels of 4 mm."""
    k, j, i = np.indices((24, 32, 28)) * 4.0
    distance2 = (i + CENTER[0]) ** 2 + (j + CENTER[1]) ** 2 + (k - CENTER[2]) ** 2
    voxels = (0.5 + 10 * np.exp(-distance2 / 150)).astype(np.float32)
    path = tmp_path_factory.mktemp("pet") / "pet.nii.gz"
    write_image(Image(voxels, np.diag([-4.0, -4.0, 4.0, 1.0]), PET, SUV_BW), path)
    return path


@pytest.fixture
def measure(a_pet, tmp_path):
    def measured(*options, modality="PT"):
        known = ["--modality", modality] if modality else []
        return main(["measure", str(a_pet), *options, *known, "-q", "--overwrite", "-o", str(tmp_path / "out")])

    return measured


@pytest.fixture
def written(tmp_path):
    return lambda: json.loads((tmp_path / "out" / "detections.json").read_text())


def test_a_point_on_a_projection_finds_the_depth_and_the_share_the_size(measure, written):
    volumes = []
    for through, at, share in (("coronal", "-40,0,48", []), ("sagittal", "-100,-72,48", ["0.7"])):
        assert measure("--at", at, "--through", through, "--uptake", *share) == 0
        (lesion,) = written()["lesions"]
        assert lesion["center_ras_mm"] == pytest.approx(CENTER, abs=0.5)
        assert written()["provenance"]["seed_ras_mm"] == pytest.approx(CENTER)
        assert written()["provenance"]["uptake_share"] == (0.7 if share else FocusSettings().share)
        volumes.append(lesion["measurements"]["volume_mm3"])
    # Of a Gaussian: (log of one share over log of the other) to the power of 3/2; the 0.5 beneath shifts it a little.
    assert volumes[0] / volumes[1] == pytest.approx((np.log(0.4) / np.log(0.7)) ** 1.5, rel=0.2)
    assert measure("--at", "-40,0,48", "--through", "coronal") == 0, "the border at the depth that was found"
    assert written()["lesions"][0]["method"] == "click"
    assert "uptake_share" not in written()["provenance"]


def test_what_cannot_be_is_one_sentence(measure, capsys, tmp_path):
    for options, modality, code, words in (
        (["--at", "-40,-72,48", "--uptake", "1.5"], "PT", 2, "Shares of a focus lie above 0"),
        (["--at", "-40,-72,48", "--uptake"], "CT", 3, "--modality PT"),
        (["--at", "-40,-72,48", "--through", "coronal"], "", 3, "--modality PT"),
        (["--at", "500,-72,48", "--through", "coronal", "--uptake"], "PT", 2, "does not lie"),
        (["--at", "-100,-4,4", "--uptake"], "PT", 3, "Nothing stands out"),
    ):
        assert measure(*options, modality=modality) == code
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit):
        measure("--at", "1,2,3", "--through", "oblique")
