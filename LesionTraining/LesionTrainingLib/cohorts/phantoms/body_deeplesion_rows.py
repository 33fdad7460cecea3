"""Rows of ``DL_info.csv`` for body phantoms: what each says of lesion, image and patient, in the genuine set's form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.imaging.recist import recist_of_mask

from ..deeplesion import PHANTOM_PATIENT
from .body_settings import REGIONS
from .phantom import random_stream

COLUMNS = (
    "File_name", "Patient_index", "Study_index", "Series_ID", "Key_slice_index", "Measurement_coordinates", "Bounding_boxes",
    "Lesion_diameters_Pixel_", "Normalized_lesion_location", "Coarse_lesion_type", "Possibly_noisy", "Slice_range",
    "Spacing_mm_px_", "Image_size", "DICOM_windows", "Patient_gender", "Patient_age", "Train_Val_Test",
)  # fmt: skip
_BEYOND_PX = 5.0
"""A bounding box reaches so far beyond the diameters."""
_LEAST_PX = 2
"""A section of fewer pixels is not listed."""
TOP_MM, _HEIGHT_MM = 205.0, 673.0
"""Heights, in mm for a patient of size 1, that slice numbers and the normalized places count from, and run through."""
_WINDOWS = {"lung": "-1500, 500", "bone": "-500, 1300"}
_ABDOMEN_WINDOW = "-175, 275"


@dataclass(frozen=True)
class Series:
    """One series to be written.

    Attributes:
        patient: from 1.
        number: of the series, from 1.
        split: 1 training, 2 validation, 3 test.
        seed: of its phantom.
    """

    patient: int
    number: int
    split: int
    seed: int

    @property
    def name(self) -> str:
        return f"{PHANTOM_PATIENT}{self.patient:06d}_01_{self.number:02d}"


def number_of(image: Image, first: int, k: int) -> int:
    """Slices count downwards in DeepLesion."""
    return first + image.shape_kji[0] - 1 - k


def section_of(lesion: Lesion, k: int) -> Mask | None:
    """The lesion's mask in one slice; None where it has fewer than 2 pixels there."""
    mask = lesion.mask
    assert mask is not None
    n = k - mask.start_ijk[2]
    if not 0 <= n < mask.voxels.shape[0] or np.count_nonzero(mask.voxels[n]) < _LEAST_PX:
        return None
    return Mask(mask.voxels[n : n + 1], (mask.start_ijk[0], mask.start_ijk[1], k))


def section_values(series: Series, image: Image, section: Mask, k: int, first: int, size: float) -> dict[str, str]:
    """What the row says of the section and of the image."""
    ends = _ends(section, image.geometry)
    last_column, last_row = image.shape_kji[2], image.shape_kji[1]
    low, high = ends.min(axis=0) - _BEYOND_PX, ends.max(axis=0) + _BEYOND_PX
    low, high = np.maximum(low, 1), np.minimum(high, (last_column, last_row))
    spacing = image.geometry.spacing_mm
    diameters = [float(np.linalg.norm(ends[n] - ends[n + 1])) for n in (0, 2)]
    middle = (low + high) / 2
    height = float(image.geometry.ras_from_ijk((0, 0, k))[2])
    place = (*(middle / (last_column, last_row)), (TOP_MM * size - height) / (_HEIGHT_MM * size))
    return {
        "File_name": f"{series.name}_{number_of(image, first, k):03d}.png",
        "Key_slice_index": str(number_of(image, first, k)),
        "Measurement_coordinates": _joined(ends.ravel()),
        "Bounding_boxes": _joined([*low, *high]),
        "Lesion_diameters_Pixel_": _joined(diameters),
        "Normalized_lesion_location": _joined(np.clip(place, 0, 1)),
        "Slice_range": f"{first}, {first + image.shape_kji[0] - 1}",
        "Spacing_mm_px_": _joined(spacing),
        "Image_size": f"{last_column}, {last_row}",
    }


def _ends(section: Mask, geometry: Geometry) -> np.ndarray:
    """[4, 2]: column and row, from 1, of the ends of the longer and of the shorter diameter."""
    recist = recist_of_mask(section, geometry)
    points = [*recist.long_axis_ras_mm, *recist.short_axis_ras_mm]
    return np.asarray(geometry.ijk_from_ras(points))[:, :2] + 1


def case_values(series: Series, region: str, female: bool) -> dict[str, str]:
    """What the row says of patient and lesion."""
    age = random_stream(series.seed - series.number, "age").integers(28, 88)
    return {
        "Patient_index": str(series.patient),
        "Study_index": "1",
        "Series_ID": str(series.number),
        "Coarse_lesion_type": str(-1 if series.split == 1 else REGIONS.index(region) + 1),
        "Possibly_noisy": "0",
        "DICOM_windows": _WINDOWS.get(region, _ABDOMEN_WINDOW),
        "Patient_gender": "F" if female else "M",
        "Patient_age": f"{age:.1f}",
        "Train_Val_Test": str(series.split),
    }


def _joined(values: Any) -> str:
    return ", ".join(f"{float(value):.6g}" for value in values)
