"""Exporting findings as DICOM: whole or not at all, and from the command line."""

from __future__ import annotations

import errno
import importlib.util
import os
import sys
import types
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.app import dicom_export
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.app.dicom_export import SEG, SR, export_dicom
from LesionDetectionLib.app.export import DICOM, write_results
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import DependencyError, ModalityError, OutputError
from LesionDetectionLib.core.finding import CLICKED, Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import read_image, write_image
from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

NAME = "Doe^Jane"
SHAPE = (12, 40, 40)


@pytest.fixture
def series(tmp_path):
    """A CT of water with a ball of 6 mm radius at R -20, A -20, S 6, as files in a folder."""
    folder = tmp_path / "series"
    folder.mkdir()
    k, j, i = np.indices(SHAPE)
    ball = (k - 6.0) ** 2 + (j - 20.0) ** 2 + (i - 20.0) ** 2 < 36
    noise = np.random.default_rng(0).normal(0, 5, SHAPE)
    voxels = np.rint(np.where(ball, 80, -800) + noise).astype(np.int16)
    study, uid, frame = generate_uid(), generate_uid(), generate_uid()
    for n, pixels in enumerate(voxels):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        dataset.PatientName, dataset.PatientID, dataset.Modality = NAME, "4711", "CT"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, uid, frame
        dataset.SeriesDescription, dataset.SeriesNumber, dataset.InstanceNumber = "thin", 2, n + 1
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, n], [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness = [1, 1], 1
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 1
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(folder / f"{NAME}-{n:02d}.dcm")
    return folder


@pytest.fixture
def findings(series):
    return Findings.of(detections_on(read_image(series)))


def detections_on(image, *, outlined=True, at=(5, 6, 3)):
    mask = Mask(np.ones((2, 3, 4), dtype=bool), at)
    lesion = Lesion(mask.centroid_ras_mm(image.geometry), 5.0, 0.8, mask=mask if outlined else None, method="m")
    return Detections((lesion,), image.geometry, "m", image.name, image.modality, image.unit)


def files_of(series):
    return sorted(series.iterdir())


def _synthetic_dicom():
    """The series of the readers' own tests."""
    path = Path(__file__).parents[1] / "io" / "conftest.py"
    spec = importlib.util.spec_from_file_location("synthetic_dicom", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["synthetic_dicom"] = module
    spec.loader.exec_module(module)
    return module.SyntheticDicom


@pytest.fixture
def study(tmp_path):
    """A folder with a CT and a PET of one examination, each on a grid of its own."""
    made = _synthetic_dicom()(tmp_path / "study")
    made.series((0.0, 2.5, 5.0, 7.5), prefix="ct")
    made.pet(SeriesInstanceUID="1.2.826.0.1.11.6001", SeriesNumber=9, SeriesDescription="FDG", prefix="pet")
    return made.folder


@pytest.fixture
def the_pair(monkeypatch):
    """``--method pair`` outlines a block in the PET."""
    module = types.ModuleType("stand_in_pair_of_dicom")
    module.create = lambda bundle, device: types.SimpleNamespace(
        detect=lambda images, settings, progress: detections_on(images["PT"], at=(2, 3, 0))
    )
    module.settings_for = lambda bundle: PairSettings()
    monkeypatch.setitem(sys.modules, "stand_in_pair_of_dicom", module)
    places = ("stand_in_pair_of_dicom:settings_for", "stand_in_pair_of_dicom:create")
    info = MethodInfo("pair", "A pair", ("PT", "CT"), False, "", "", "", *places, optional=("CT",))
    monkeypatch.setattr("LesionDetectionLib.app.commands.detect.method", lambda name: info)


@dataclass(frozen=True)
class PairSettings:
    operating_point: str = ""


def test_results_of_a_pair_refer_to_the_series_that_they_lie_on(study, the_pair, tmp_path):
    out = tmp_path / "out"
    command = ["detect", str(study), str(study), "--series", "thorax/lung", "--series", "fdg", "--method", "pair"]
    assert main([*command, "--dicom", "-q", "-o", str(out)]) == 0
    seg, sr = dcmread(out / DICOM / SEG), dcmread(out / DICOM / SR)
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.826.0.1.11.6001"
    assert (seg.Rows, seg.Columns) == (7, 9)
    pets = {dcmread(path).SOPInstanceUID for path in study.glob("pet*")}
    (evidence,) = sr.CurrentRequestedProcedureEvidenceSequence
    named = {uid for one in evidence.ReferencedSeriesSequence for uid in [one.SeriesInstanceUID]}
    assert "1.2.826.0.1.11.6001" in named
    assert "1.2.826.0.1.11.5001" not in named
    instances = {one.ReferencedSOPInstanceUID for one in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert instances <= pets


def test_only_the_image_with_the_findings_must_be_dicom(study, the_pair, tmp_path, capsys):
    ct, pet = read_image(study, series="thorax/lung"), read_image(study, series="fdg")
    write_image(ct, tmp_path / "ct.nrrd")
    write_image(pet, tmp_path / "pet.nrrd")
    command = ["detect", "--method", "pair", "--dicom", "-q"]
    # The series is of the folder: a file holds none.
    scans = [str(tmp_path / "ct.nrrd"), str(study), "--series", "fdg"]
    assert main([*command, *scans, "-o", str(tmp_path / "b")]) == 0
    assert (tmp_path / "b" / DICOM / SEG).exists()
    scans = [str(study), str(tmp_path / "pet.nrrd"), "--series", "thorax/lung"]
    assert main([*command, *scans, "-o", str(tmp_path / "c")]) == 2
    said = capsys.readouterr().err
    assert "pet.nrrd is no DICOM" in said
    assert "Findings lie on the PET" in said
    assert not (tmp_path / "c").exists()


def test_files_of_the_other_modality_are_refused_though_the_grid_is_the_same(series, tmp_path):
    on_pet = Findings.of(replace(detections_on(read_image(series)), modality="PT"))
    with pytest.raises(ModalityError, match="lie on the PET, and these DICOM files are of modality CT"):
        export_dicom(tmp_path / "out", files_of(series), on_pet)
    assert not (tmp_path / "out").exists()


def test_both_files_or_none(series, findings, tmp_path, monkeypatch):
    out = tmp_path / "out"
    write = Path.write_bytes

    def full(path, data):
        if path.name == SR:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=f"The disk is full: {out}"):
        export_dicom(out, files_of(series), findings)
    assert not out.exists()
    monkeypatch.undo()
    assert export_dicom(out, files_of(series), findings) == dicom_export.DicomExport(out / SEG, out / SR)


def test_an_earlier_export_is_replaced_only_when_wanted(series, findings, tmp_path):
    out = tmp_path / "out"
    first = dcmread(export_dicom(out, files_of(series), findings).sr).SOPInstanceUID
    (out / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="already holds lesions"):
        export_dicom(out, files_of(series), findings)
    assert dcmread(out / SR).SOPInstanceUID == first
    second = dcmread(export_dicom(out, files_of(series), findings, overwrite=True).sr).SOPInstanceUID
    assert first != second
    points = Findings.of(detections_on(read_image(series), outlined=False))
    assert export_dicom(out, files_of(series), points, overwrite=True).seg is None
    assert sorted(path.name for path in out.iterdir()) == [SR, "mine.txt"]  # no segmentation of an earlier export


def test_a_folder_that_cannot_be_made_is_told_before_the_work(series, findings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = []
    with pytest.raises(OutputError, match="is a file"):
        export_dicom(
            tmp_path / "file", files_of(series), findings, progress=Progress(lambda _, text: said.append(text))
        )
    with pytest.raises(OutputError):
        export_dicom(tmp_path / "file" / "out", files_of(series), findings)
    assert not said


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="every folder can be written here")
def test_a_folder_without_permission(series, findings, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="no permission"):
        export_dicom(closed / "out", files_of(series), findings)


def test_without_highdicom_the_sentence_names_it(series, findings, tmp_path, monkeypatch):
    export_dicom(tmp_path / "first", files_of(series), findings)
    for name in ("dicom_seg", "dicom_sr"):
        monkeypatch.delitem(sys.modules, f"LesionDetectionLib.io.{name}")
        monkeypatch.delattr(f"LesionDetectionLib.io.{name}")
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(DependencyError, match="highdicom"):
        export_dicom(tmp_path / "out", files_of(series), findings)


def test_results_with_dicom_are_one_folder(series, tmp_path):
    image = read_image(series)
    written = write_results(
        tmp_path / "out",
        image,
        detections_on(image),
        scene=False,
        pictures=False,
        report=False,
        sources=files_of(series),
        origin=CLICKED,
    )
    assert list(written) == ["detections.json", "lesions.csv", DICOM]
    assert sorted(path.name for path in written[DICOM].iterdir()) == [SEG, SR]
    assert dcmread(written[DICOM] / SEG).SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"
    again = write_results(
        tmp_path / "out", image, detections_on(image), scene=False, pictures=False, report=False, overwrite=True
    )
    assert DICOM not in again
    assert not (tmp_path / "out" / DICOM).exists()


def test_measuring_with_dicom(series, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["measure", str(series), "--at=-20,-20,6", "--output", str(out), "--dicom", "-q"]) == 0
    seg = dcmread(out / DICOM / SEG)
    assert seg.PatientName == NAME
    assert 700 < np.unpackbits(np.frombuffer(seg.PixelData, np.uint8)).sum() < 1200  # 905 mm3 in the ball
    assert (out / "report.html").is_file()
    for path in out.rglob("*"):
        if path.is_file() and path.suffix != ".dcm":
            assert NAME.encode() not in path.read_bytes()
    assert NAME not in capsys.readouterr().err


def test_what_is_no_dicom_cannot_be_exported_as_dicom(series, tmp_path, capsys):
    image = read_image(series)
    write_image(Image(image.voxels, image.ijk_to_ras), tmp_path / "scan.nrrd")
    out = tmp_path / "out"
    assert main(["measure", str(tmp_path / "scan.nrrd"), "--at=-20,-20,6", "-o", str(out), "--dicom"]) == 2
    assert "is no DICOM" in capsys.readouterr().err
    command = ["detect", str(tmp_path / "scan.nrrd"), "--method", "nodule-ct", "-o", str(out), "--dicom"]
    assert main(command) == 2
    assert "leave out --dicom" in capsys.readouterr().err
    assert main(["detect", "phantoms:chest?seeds=1", "--method", "nodule-ct", "-o", str(out), "--dicom"]) == 2
    assert "--dicom is for a single scan" in capsys.readouterr().err
    assert not out.exists()
