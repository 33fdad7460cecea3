"""Small DICOM files for the tests of DICOM cohorts: CT and PET series, SEG, RTSTRUCT, and a database like Slicer's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from highdicom.sr.coding import CodedConcept
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    RTStructureSetStorage,
    generate_uid,
)

NAME = "Doe^Jane"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
NODULE = ("27925004", "SCT", "Nodule")


class DicomFiles:
    """Writes into ``folder``; series are found again by their Series Instance UID."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.paths: dict[str, list[Path]] = {}

    def image(
        self, *, modality="CT", shape=(10, 24, 20), spacing=(0.9, 0.7, 2.5), origin=(-30.0, 12.0, 100.0), **changes
    ):
        """An image series of ``shape`` (k, j, i); its files are in shuffled order. Returns its UID.

        Args:
            spacing: along i, j, k. changes: attributes; ``order`` the slices' order, ``orientation`` six cosines.
        """
        orientation = changes.pop("orientation", AXIAL)
        folder = self.folder / changes.pop("into", modality)
        folder.mkdir(parents=True, exist_ok=True)
        uid = changes.setdefault("SeriesInstanceUID", generate_uid())
        normal = np.cross(orientation[:3], orientation[3:])
        rng = np.random.default_rng(len(self.paths))
        for n, k in enumerate(rng.permutation(shape[0])):
            pixels = rng.integers(0, 2000, shape[1:]).astype(np.uint16)
            dataset = self._header(modality, origin + normal * spacing[2] * k, orientation, spacing)
            dataset.Rows, dataset.Columns = pixels.shape
            dataset.InstanceNumber, dataset.PixelData = n + 1, pixels.tobytes()
            for key, value in changes.items():
                setattr(dataset, key, value)
            self._save(dataset, folder / f"{uid[-6:]}-{n:03d}.dcm", uid)
        return uid

    def _header(self, modality, position, orientation, spacing):
        storage = CTImageStorage if modality == "CT" else PositronEmissionTomographyImageStorage
        dataset = self._common(storage, modality)
        dataset.ImagePositionPatient = [f"{n:.6f}" for n in position]
        dataset.ImageOrientationPatient = [f"{n:.9f}" for n in orientation]
        dataset.PixelSpacing, dataset.SliceThickness = [spacing[1], spacing[0]], str(spacing[2])
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 0
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "-1024"
        return dataset

    @staticmethod
    def _common(storage, modality):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = storage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = storage, meta.MediaStorageSOPInstanceUID
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = NAME, "P-4711", "", ""
        dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = "1.2.826.0.1.11", "1.2.826.0.1.11.9"
        dataset.StudyDate, dataset.StudyTime, dataset.StudyID, dataset.AccessionNumber = "20200102", "101500", "1", ""
        dataset.ReferringPhysicianName, dataset.StudyDescription = "", "Follow-up"
        dataset.Modality, dataset.SeriesDescription, dataset.SeriesNumber = modality, f"Thorax {modality}", 3
        return dataset

    def _save(self, dataset, path, uid):
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path)
        self.paths.setdefault(uid, []).append(path)

    def datasets(self, uid):
        """The files of a series by rising position, with their paths forgotten."""
        return sorted((dcmread(path) for path in self.paths[uid]), key=lambda d: float(d.ImagePositionPatient[2]))

    def segmentation(self, uid, pixels, *, kind="BINARY", labels=("Tumour",), slices=None, name="seg.dcm", **changes):
        """A SEG of the image series ``uid``.

        Args:
            pixels: [k, j, i], or [k, j, i, segments]; of a label map its numbers.
            slices: the image slices that ``pixels`` are of, in that order (all of them).
        """
        sources = self.datasets(uid)
        sources = [sources[k] for k in slices] if slices is not None else sources
        segments = [self._segment(n, label) for n, label in enumerate(labels, 1)]
        seg = hd.seg.Segmentation(
            source_images=sources,
            pixel_array=pixels,
            segmentation_type=kind,
            segment_descriptions=segments,
            series_instance_uid=generate_uid(),
            series_number=100,
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer="Test",
            manufacturer_model_name="Test",
            software_versions="1",
            device_serial_number="1",
        )
        for key, value in changes.items():
            if value is None:
                delattr(seg, key)
            else:
                setattr(seg, key, value)
        return self.save_label(seg, name)

    @staticmethod
    def _segment(number, label):
        return hd.seg.SegmentDescription(
            number,
            label,
            codes.SCT.MorphologicallyAbnormalStructure,
            CodedConcept(*NODULE),
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )

    def save_label(self, dataset, name):
        path = self.folder / name
        self._save(dataset, path, str(dataset.SeriesInstanceUID))
        return path

    def structures(self, uid, contours, *, types=(), name="rt.dcm", referring="series", **changes):
        """An RTSTRUCT of the image series ``uid``.

        Args:
            contours: name -> list of [n, 3] LPS mm (a single point is a POINT), or (geometric type, points).
            types: interpreted type of each. referring: "series", "images" or "" (to the frame of reference alone).
        """
        images = self.datasets(uid)
        dataset = self._common(RTStructureSetStorage, "RTSTRUCT")
        dataset.SeriesInstanceUID, dataset.StructureSetLabel = generate_uid(), "test"
        frame = Dataset()
        frame.FrameOfReferenceUID = changes.pop("frame", images[0].FrameOfReferenceUID)
        if referring == "series":
            series, study = Dataset(), Dataset()
            series.SeriesInstanceUID = changes.pop("refers_to", uid)
            study.RTReferencedSeriesSequence = [series]
            frame.RTReferencedStudySequence = [study]
        dataset.ReferencedFrameOfReferenceSequence = [frame]
        dataset.FrameOfReferenceUID = frame.FrameOfReferenceUID
        rois, drawn, observed = [], [], []
        for number, (label, items) in enumerate(contours.items(), 1):
            roi, contour, observation = Dataset(), Dataset(), Dataset()
            roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, label, frame.FrameOfReferenceUID
            contour.ReferencedROINumber = observation.ReferencedROINumber = number
            contour.ContourSequence = [self._contour(item, images[0], referring) for item in items]
            observation.ObservationNumber, observation.ROIObservationLabel = number, ""
            observation.RTROIInterpretedType = types[number - 1] if types else "GTV"
            rois.append(roi)
            drawn.append(contour)
            observed.append(observation)
        dataset.StructureSetROISequence, dataset.ROIContourSequence = rois, drawn
        dataset.RTROIObservationsSequence = observed
        for key, value in changes.items():
            setattr(dataset, key, value)
        return self.save_label(dataset, name)

    @staticmethod
    def _contour(item, image, referring):
        kind, points = item if isinstance(item, tuple) else ("POINT" if len(item) == 1 else "CLOSED_PLANAR", item)
        contour = Dataset()
        contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
        contour.ContourData = [f"{n:.6f}"[:16] for n in np.asarray(points, dtype=float).ravel()]
        if referring == "images":
            reference = Dataset()
            reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = (
                image.SOPClassUID,
                image.SOPInstanceUID,
            )
            contour.ContourImageSequence = [reference]
        return contour

    def database(self, *, absolute=False, folder=None):
        """A database of all that was written, in Slicer's tables (schema 0.8.1, the columns that matter)."""
        file = (folder or self.folder) / "ctkDICOM.sql"
        connection = sqlite3.connect(file)
        connection.executescript(
            """
            CREATE TABLE SchemaInfo (Version VARCHAR(1024) NOT NULL);
            CREATE TABLE Patients (UID INTEGER PRIMARY KEY AUTOINCREMENT, PatientsName VARCHAR(255), PatientID VARCHAR(255));
            CREATE TABLE Studies (StudyInstanceUID VARCHAR(64), PatientsUID INT, StudyDate DATE, StudyDescription VARCHAR(255));
            CREATE TABLE Series (SeriesInstanceUID VARCHAR(64), StudyInstanceUID VARCHAR(64), SeriesNumber INT,
                SeriesDescription VARCHAR(255), Modality VARCHAR(20), FrameOfReferenceUID VARCHAR(64));
            CREATE TABLE Images (SOPInstanceUID VARCHAR(64) PRIMARY KEY, Filename VARCHAR(1024), URL VARCHAR(2048),
                SeriesInstanceUID VARCHAR(64) NOT NULL);
            INSERT INTO SchemaInfo VALUES ('0.8.1');
            """
        )
        patients, studies = {}, set()
        for uid, paths in self.paths.items():
            for n, path in enumerate(paths):
                header = dcmread(path, stop_before_pixels=True)
                if n == 0:
                    row = patients.get(header.PatientID)
                    if row is None:
                        cursor = connection.execute(
                            "INSERT INTO Patients (PatientsName, PatientID) VALUES (?, ?)",
                            (str(header.PatientName), header.PatientID),
                        )
                        row = patients[header.PatientID] = cursor.lastrowid
                    if header.StudyInstanceUID not in studies:
                        studies.add(header.StudyInstanceUID)
                        study = (header.StudyInstanceUID, row, header.StudyDate, header.get("StudyDescription"))
                        connection.execute("INSERT INTO Studies VALUES (?, ?, ?, ?)", study)
                    series = (uid, header.StudyInstanceUID, int(header.SeriesNumber), header.get("SeriesDescription"))
                    series += (header.Modality, header.get("FrameOfReferenceUID"))
                    connection.execute("INSERT INTO Series VALUES (?, ?, ?, ?, ?, ?)", series)
                name = str(path) if absolute else str(path.relative_to(self.folder))
                connection.execute("INSERT INTO Images VALUES (?, ?, '', ?)", (header.SOPInstanceUID, name, uid))
        connection.commit()
        connection.close()
        return file


@pytest.fixture
def files(tmp_path):
    """A writer of DICOM files into a folder of its own."""
    folder = tmp_path / "dicom"
    folder.mkdir()
    return DicomFiles(folder)


@pytest.fixture
def blobs():
    """``blobs(shape)`` -> a mask with two separate rough balls, one of them with a hole in it."""

    def make(shape=(10, 24, 20), seed=0):
        k, j, i = np.indices(shape)
        rough = np.random.default_rng(seed).uniform(-0.7, 0.7, shape)
        first = np.hypot(np.hypot((k - 3) * 1.6, j - 7), i - 6) + rough < 4.2
        hole = np.hypot(np.hypot((k - 3) * 1.6, j - 7), i - 6) < 1.5
        second = np.hypot(np.hypot((k - 7) * 1.6, j - 17), i - 14) + rough < 3.2
        return (first & ~hole) | second

    return make
