"""Phantoms as DICOM: a series of slices for each image of a case, in one study and one frame of reference.

Every value follows from the case alone, so that the same case gives the same files. PET is written as scanners write it:
activity in Bq/ml with a rescale slope of its own for each slice, corrected for decay to the series' time, and with dose,
weight and times in the header, from which SUVbw follows again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import PET, Image
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.imaging.pet_decay import decayed_dose

from .phantom import PhantomCase, random_stream

UID_ROOT = "2.25"
"""Root of identifiers that are derived from a number alone (ITU-T X.667), here a hash."""
MADE = "Computer-made phantom: no patient."
_SCANNED = datetime(2000, 1, 1, 10)
"""When the PET is said to begin."""
_F18_HALF_LIFE_S = 6586.2
_FRAME_MS = 180_000
"""Duration of each bed position."""
_GREATEST_STORED = 32767


@dataclass(frozen=True)
class Injection:
    """What SUVbw follows from.

    Attributes:
        weight_kg: of the patient.
        dose_bq: injected activity of fluorine-18.
        time: when it was injected.
    """

    weight_kg: float
    dose_bq: float
    time: datetime

    @property
    def bq_per_ml(self) -> float:
        """Activity concentration at the scan's start that is SUVbw 1."""
        seconds = (_SCANNED - self.time).total_seconds()
        return decayed_dose(self.dose_bq, seconds, _F18_HALF_LIFE_S) / (self.weight_kg * 1000)


def draw_injection(seed: int) -> Injection:
    """A patient's weight, about 3.5 MBq for each kilogram, and about an hour of waiting."""
    rng = random_stream(seed, "injection")
    weight = round(float(rng.uniform(52, 98)), 1)
    dose = round(weight * float(rng.uniform(3.0, 4.2))) * 1e6
    return Injection(weight, dose, _SCANNED - timedelta(minutes=int(rng.integers(55, 75))))


def series_uid(case: PhantomCase, modality: str = "") -> str:
    """The series UID of a case's image of this modality (empty: the main one); follows from name, seed and settings."""
    main = modality in ("", case.image.modality)
    return uid_of(case, "series" if main else f"{modality} series")


def uid_of(case: PhantomCase, part: str) -> str:
    text = f"{case.image.name}|{case.seed}|{case.settings!r}|{part}"
    return f"{UID_ROOT}.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:15], 'big')}"


def write_series(case: PhantomCase, modality: str, folder: Path) -> None:
    """The slices of one image of a case, ``0001.dcm`` and following, into a folder that is made."""
    image = case.images[modality]
    folder.mkdir(parents=True)
    for k in range(image.shape_kji[0]):
        slice_of = _pet_slice if modality == PET else _ct_slice
        slice_of(case, image, k).save_as(folder / f"{k + 1:04d}.dcm", enforce_file_format=True)


def _ct_slice(case: PhantomCase, image: Image, k: int) -> Any:
    from pydicom.uid import CTImageStorage

    ds = _slice(case, image, k, CTImageStorage, f"slice {k}")
    ds.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
    ds.SliceThickness = _decimal(case.settings.slice_thickness_mm)
    ds.AcquisitionNumber = 1
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 15, 0
    ds.WindowCenter, ds.WindowWidth = "-600", "1500"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.PixelData = (image.voxels[k].astype(np.int32) + 1024).astype("<u2").tobytes()
    return ds


def _pet_slice(case: PhantomCase, image: Image, k: int) -> Any:
    from pydicom.dataset import Dataset
    from pydicom.uid import PositronEmissionTomographyImageStorage

    injection = draw_injection(case.seed)
    ds = _slice(case, image, k, PositronEmissionTomographyImageStorage, f"PT slice {k}")
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SeriesType = ["WHOLE BODY", "IMAGE"]
    ds.SeriesNumber, ds.SeriesDescription = 2, f"{image.name} PET"
    ds.PatientWeight = _decimal(injection.weight_kg)
    ds.SliceThickness = _decimal(image.spacing_mm[2])
    ds.Units, ds.CountsSource, ds.DecayCorrection = "BQML", "EMISSION", "START"
    ds.CorrectedImage = ["ATTN", "DECY", "SCAT", "NORM", "DTIM", "RAN"]
    ds.CollimatorType, ds.NumberOfSlices, ds.ImageIndex = "NONE", image.shape_kji[0], k + 1
    ds.RandomsCorrectionMethod, ds.AttenuationCorrectionMethod = "SIMULATED", "SIMULATED"
    ds.ScatterCorrectionMethod, ds.ReconstructionMethod = "SIMULATED", "SIMULATED"
    ds.FrameReferenceTime, ds.ActualFrameDuration, ds.DecayFactor = str(_FRAME_MS // 2), str(_FRAME_MS), "1"
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(ds, f"{name}Date", f"{_SCANNED:%Y%m%d}")
        setattr(ds, f"{name}Time", f"{_SCANNED:%H%M%S}")
    nuclide = Dataset()
    nuclide.CodeValue, nuclide.CodingSchemeDesignator, nuclide.CodeMeaning = "77004003", "SCT", "^18^Fluorine"
    drug = Dataset()
    drug.CodeValue, drug.CodingSchemeDesignator = "35321007", "SCT"
    drug.CodeMeaning = "Fluorodeoxyglucose F^18^"
    dose = Dataset()
    dose.Radiopharmaceutical = "Fluorodeoxyglucose"
    dose.RadiopharmaceuticalStartTime = f"{injection.time:%H%M%S}"
    dose.RadiopharmaceuticalStartDateTime = f"{injection.time:%Y%m%d%H%M%S}"
    dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = f"{injection.dose_bq:.0f}", str(_F18_HALF_LIFE_S)
    dose.RadionuclidePositronFraction = "0.97"
    dose.RadionuclideCodeSequence, dose.RadiopharmaceuticalCodeSequence = [nuclide], [drug]
    ds.RadiopharmaceuticalInformationSequence = [dose]
    ds.PatientGantryRelationshipCodeSequence, ds.PatientOrientationCodeSequence = [], []
    activity = image.voxels[k].astype(np.float64) * injection.bq_per_ml
    slope = float(f"{max(float(activity.max()), 1.0) / (_GREATEST_STORED - 1):.10g}")
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 15, 1
    ds.RescaleIntercept, ds.RescaleSlope = "0", f"{slope:.10g}"
    ds.WindowCenter, ds.WindowWidth = _decimal(3 * injection.bq_per_ml), _decimal(6 * injection.bq_per_ml)
    ds.PixelData = np.rint(activity / slope).astype("<i2").tobytes()
    return ds


def _slice(case: PhantomCase, image: Image, k: int, storage: str, part: str) -> Any:
    """What slices of all modalities have, as a pydicom data set."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    directions = np.diag([-1.0, -1.0, 1.0]) @ image.ijk_to_ras[:3, :3] / np.array(image.spacing_mm)
    position = lps(image.geometry.ras_from_ijk((0, 0, k)))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(storage)
    meta.MediaStorageSOPInstanceUID = UID(uid_of(case, part))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(f"{UID_ROOT}.{int.from_bytes(b'lesion', 'big')}")
    ds = Dataset()
    ds.file_meta = meta
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    time = f"{_SCANNED:%H%M%S}" if PET in case.others else "000000"  # one study has one time
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = f"{_SCANNED:%Y%m%d}"
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = time
    ds.AccessionNumber, ds.ReferringPhysicianName = "", ""
    ds.Modality, ds.Manufacturer = image.modality, "Phantom"
    ds.QualityControlImage = "YES"  # PS3.3 C.7.6.1: "a quality control or phantom image"
    ds.StudyDescription, ds.SeriesDescription, ds.ImageComments = "Phantom", image.name, MADE
    anatomy = image.name.split("-phantom-", maxsplit=1)[0]
    ds.PatientName, ds.PatientID = f"Phantom^{anatomy.capitalize()}", image.name
    ds.PatientBirthDate, ds.PatientSex = "", ""
    ds.BodyPartExamined = "CHEST" if anatomy == "chest" else "WHOLEBODY"
    ds.PatientPosition = "HFS"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid_of(case, "study"), series_uid(case, image.modality)
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = uid_of(case, "frame"), ""
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "1", 1, k + 1
    ds.ImagePositionPatient = [_decimal(n) for n in position]
    ds.ImageOrientationPatient = [_decimal(n) for n in (*directions[:, 0], *directions[:, 1])]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = image.shape_kji[1:]
    # Row spacing first: DICOM's order.
    ds.PixelSpacing = [_decimal(image.spacing_mm[1]), _decimal(image.spacing_mm[0])]
    ds.BitsAllocated = 16
    return ds


def _decimal(value: float) -> str:
    """A decimal string of at most 16 characters, as DICOM wants it."""
    return f"{round(float(value), 6) + 0.0:.10g}"


def lps(ras_mm: Point | npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """A position in LPS mm."""
    r, a, s = ras_mm
    return -float(r), -float(a), float(s)
