"""``--name-patient``: whose scan it is stands in the report where a person asks for it, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.io.dicom_patient import Patient, read_patient
from LesionDetectionLib.io.files import write_image
from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from read_page import Page
from read_pdf import Pdf

SHAPE = (10, 24, 24)
AT = "-12,-12,5"


@pytest.fixture
def series(tmp_path):
    """``series(PatientName="Doe^Jane")`` -> the files of a CT with a ball in its middle, and what the headers are to say."""

    def make(**said):
        folder = tmp_path / "series"
        folder.mkdir()
        k, j, i = np.indices(SHAPE)
        ball = (k - 5.0) ** 2 + (j - 12.0) ** 2 + (i - 12.0) ** 2 < 16
        voxels = np.where(ball, 80, -800).astype(np.int16)
        study, uid, frame = generate_uid(), generate_uid(), generate_uid()
        for n, pixels in enumerate(voxels):
            meta = FileMetaDataset()
            meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
            dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
            dataset.SpecificCharacterSet, dataset.Modality = "ISO_IR 192", "CT"
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, uid, frame
            dataset.SeriesDescription, dataset.InstanceNumber = "thin", n + 1
            dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, n], [1, 0, 0, 0, 1, 0]
            dataset.PixelSpacing, dataset.SliceThickness = [1, 1], 1
            dataset.Rows, dataset.Columns = pixels.shape
            dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
            dataset.BitsAllocated = dataset.BitsStored = 16
            dataset.HighBit, dataset.PixelRepresentation = 15, 1
            dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
            for name, value in said.items():
                setattr(dataset, name, value)
            dataset.PixelData = pixels.tobytes()
            dataset.save_as(folder / f"{n}.dcm", enforce_file_format=True)
        return sorted(folder.iterdir())

    return make


JANE = {"PatientName": "Doe^Jane", "PatientID": "4711", "PatientBirthDate": "19700131"}


@pytest.mark.filterwarnings("ignore:Invalid value")
@pytest.mark.parametrize(
    ("said", "patient", "line"),
    [
        (JANE, Patient("Doe, Jane", "4711", "1970-01-31"), "Doe, Jane · ID 4711 · born 1970-01-31"),
        ({"PatientID": "7"}, Patient(id="7"), "ID 7"),
        (
            {"PatientName": "Yamada^Tarou=山田^太郎"},
            Patient("Yamada, Tarou = 山田, 太郎"),
            "Yamada, Tarou = 山田, 太郎",
        ),
        ({"PatientName": "Müller^^^Dr", "PatientBirthDate": "1970"}, Patient("Müller, Dr"), "Müller, Dr"),
    ],
)
def test_who_it_is_as_the_headers_say(series, said, patient, line):
    found = read_patient(series(**said))
    assert found == patient
    assert found.line == line


def test_headers_that_name_nobody_or_several_are_refused_without_a_name(series):
    files = series(PatientName="", PatientID=" ")
    with pytest.raises(InputError, match="name no patient"):
        read_patient(files)
    with pytest.raises(InputError, match="name no patient"):
        read_patient([])
    other = dcmread(files[3])
    other.PatientName, other.PatientID = "Roe^Richard", "12"
    other.save_as(files[3])
    with pytest.raises(InputError, match="2 different patients") as caught:
        read_patient(files)
    assert "Roe" not in str(caught.value)


def test_the_report_names_the_patient_where_it_was_asked_for_and_nothing_else_does(series, tmp_path, capsys):
    folder, out = series(**JANE)[0].parent, tmp_path / "out"
    assert main(["measure", str(folder), f"--at={AT}", "-o", str(out), "--name-patient"]) == 0
    told = "".join(capsys.readouterr())
    for name in ("Doe", "4711"):
        assert name not in told
        assert not [path for path in out.rglob("*") if name in path.name]
        assert not [path for path in out.rglob("*") if path.suffix in (".json", ".csv") and name in path.read_text()]
    page, pdf = Page((out / "report.html").read_text(encoding="utf-8")), Pdf(out / "report.pdf")
    for text in (page.text, pdf.text):
        assert "Doe, Jane · ID 4711 · born 1970-01-31" in text


def test_a_scan_without_headers_is_refused_before_any_work(tmp_path, capsys):
    write_image(Image(np.zeros((4, 8, 8), np.int16), np.eye(4)), tmp_path / "scan.nrrd")
    for command in (["measure", f"--at={AT}"], ["detect", "--method", "nodule-ct"]):
        name, *options = command
        assert main([name, str(tmp_path / "scan.nrrd"), *options, "--name-patient", "-o", str(tmp_path / "out")]) == 2
        assert "is no DICOM: its file does not say whose scan it is" in capsys.readouterr().err
    cohort = [
        "detect",
        "phantoms:chest?seeds=0-1",
        "--method",
        "nodule-ct",
        "--name-patient",
        "-o",
        str(tmp_path / "out"),
    ]
    assert main(cohort) == 2
    assert "--name-patient is for the report of one scan" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_real_series_names_its_patient(real_data):
    files = sorted(real_data("sts-001/FDG_PET/image").glob("*.dcm"))
    assert read_patient(files).line == "STS_001 · ID STS_001"
