"""Synthetic DICOM: small series whose values are a linear function of the position, so that any slip shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)

PATIENT = "Doe^Jane"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ROWS, COLUMNS, ROW_MM, COLUMN_MM = 7, 9, 0.8, 0.5


@dataclass(frozen=True)
class SyntheticDicom:
    """Writes slices into ``folder``; every method returns what it wrote."""

    folder: Path

    @staticmethod
    def hounsfield(lps):
        """The linear field that every slice samples, in HU, of LPS mm [..., 3]."""
        return np.asarray(lps) @ np.array([3.0, -2.0, 5.0]) + 40.0

    def dataset(self, position=(0.0, 0.0, 0.0), orientation=AXIAL, **changes) -> FileDataset:
        """A CT slice; ``changes`` set or (None) delete attributes; ``pixels`` are stored values."""
        pixels = changes.pop("pixels", None)
        row, column = np.array(orientation[:3]), np.array(orientation[3:])
        j, i = np.mgrid[: changes.get("Rows", ROWS), : changes.get("Columns", COLUMNS)]
        places = np.array(position) + i[..., None] * COLUMN_MM * row + j[..., None] * ROW_MM * column
        if pixels is None:
            pixels = np.rint(self.hounsfield(places) + 1024).astype(np.uint16)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = changes.get("SOPClassUID", CTImageStorage)
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, generate_uid()
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.PatientName, dataset.PatientID = PATIENT, "secret-4711"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.826.0.1.11", "1.2.826.0.1.11.5001"
        dataset.FrameOfReferenceUID = "1.2.826.0.1.11.9"
        dataset.Modality, dataset.SeriesDescription, dataset.SeriesNumber = "CT", "Thorax/lung", 3
        dataset.StudyDate, dataset.SliceThickness = "20200102", "2.5"
        dataset.ImagePositionPatient = [f"{n:.6f}" for n in position]
        dataset.ImageOrientationPatient = [f"{n:.8f}" for n in orientation]
        dataset.PixelSpacing = [ROW_MM, COLUMN_MM]
        dataset.Rows, dataset.Columns = pixels.shape[-2:]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
        dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, int(pixels.dtype.kind == "i")
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "-1024"
        dataset.PixelData = pixels.tobytes()
        for key, value in changes.items():
            if value is not None:
                setattr(dataset, key, value)
            elif key in dataset:
                delattr(dataset, key)
        return dataset

    def save(self, dataset: Dataset, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path)
        return path

    def series(self, distances, orientation=AXIAL, origin=(-20.0, 30.0, 100.0), slide=(0.0, 0.0, 0.0), **changes):
        """One slice at each distance along the normal, plus ``slide`` mm a mm; names and numbers in shuffled order.

        A change that is a list gives each slice its own.
        """
        normal = np.cross(orientation[:3], orientation[3:])
        shuffled = np.random.default_rng(0).permutation(len(distances))
        prefix = changes.pop("prefix", "image")
        paths = []
        for k, distance in enumerate(distances):
            position = np.array(origin) + distance * (normal + np.array(slide))
            own = {key: value[k] if isinstance(value, list) else value for key, value in changes.items()}
            own.setdefault("InstanceNumber", int(shuffled[k]) + 1)
            paths.append(self.save(self.dataset(position, orientation, **own), f"{prefix}-{shuffled[k]:03d}.dcm"))
        return paths

    def pet(self, distances=(0.0, 3.0, 6.0), **changes):
        """A PET series in Bq/ml that has all that SUV needs: 70 kg, 350 MBq at 10:00, scan at 11:00, F-18."""
        dose = Dataset()
        dose.RadiopharmaceuticalStartTime = "100000.00"
        dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = "350000000", "6588"
        for key in [key for key in changes if key.startswith("Radio") and not key.endswith("Sequence")]:
            value = changes.pop(key)
            if value is None:
                delattr(dose, key)
            else:
                setattr(dose, key, value)
        settings = {
            "SOPClassUID": PositronEmissionTomographyImageStorage,
            "Modality": "PT",
            "Units": "BQML",
            "CorrectedImage": ["DECY", "ATTN", "SCAT"],
            "DecayCorrection": "START",
            "PatientWeight": "70",
            "SeriesDate": "20200102",
            "SeriesTime": "110000",
            "AcquisitionDate": "20200102",
            "AcquisitionTime": "110000",
            "RescaleIntercept": "0",
            "RescaleSlope": [str(2.0 + k) for k in range(len(distances))],
            "RadiopharmaceuticalInformationSequence": [dose],
            "pixels": np.arange(63, dtype=np.int16).reshape(7, 9) * 100,
            **changes,
        }
        # A list is one value a slice to series(); these two are a list in each slice.
        for key in ("CorrectedImage", "RadiopharmaceuticalInformationSequence"):
            settings[key] = [settings[key]] * len(distances)
        return self.series(distances, **settings)

    def enhanced(self, distances, **changes) -> Path:
        """One enhanced multi-frame CT with a frame at each distance, stored in shuffled order."""
        order = np.random.default_rng(1).permutation(len(distances))
        planes = [self.dataset((-20.0, 30.0, 100.0 + distances[k])) for k in order]
        whole = self.dataset(SOPClassUID=EnhancedCTImageStorage, **changes)
        for key in (
            "ImagePositionPatient",
            "ImageOrientationPatient",
            "PixelSpacing",
            "RescaleSlope",
            "RescaleIntercept",
        ):
            delattr(whole, key)
        shared, measures, orientation, transformation = Dataset(), Dataset(), Dataset(), Dataset()
        measures.PixelSpacing, measures.SliceThickness = [ROW_MM, COLUMN_MM], "2.5"
        orientation.ImageOrientationPatient = list(AXIAL)
        transformation.RescaleSlope, transformation.RescaleIntercept, transformation.RescaleType = "1", "-1024", "HU"
        shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
        shared.PixelValueTransformationSequence = [transformation]
        whole.SharedFunctionalGroupsSequence = [shared]
        frames = []
        for plane in planes:
            frame, place = Dataset(), Dataset()
            place.ImagePositionPatient = plane.ImagePositionPatient
            frame.PlanePositionSequence = [place]
            frames.append(frame)
        whole.PerFrameFunctionalGroupsSequence = frames
        whole.NumberOfFrames = len(planes)
        whole.PixelData = b"".join(plane.PixelData for plane in planes)
        return self.save(whole, "enhanced.dcm")

    def check_field(self, image, tolerance=1.0, outside=None) -> None:
        """Every voxel has the field's value at its place; ``outside`` marks voxels that were never scanned."""
        k, j, i = np.indices(image.shape_kji)
        ras = image.geometry.ras_from_ijk(np.stack([i, j, k], axis=-1))
        expected = self.hounsfield(ras * np.array([-1.0, -1.0, 1.0]))
        wrong = np.abs(image.voxels - expected) > tolerance
        if outside is not None:
            wrong &= image.voxels != outside
        assert not wrong.any(), f"{wrong.sum()} of {wrong.size} voxels are wrong"


@pytest.fixture
def dicom(tmp_path):
    """Synthetic DICOM in a folder of its own."""
    folder = tmp_path / "series"
    folder.mkdir()
    return SyntheticDicom(folder)
