"""What is said of a lesion whose mask is known: volume, diameters, mean and largest value, centre, box."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from LesionDetectionLib.core.errors import GeometryError
from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, SUV_BSA, SUV_BW, SUV_LBM, Image
from LesionDetectionLib.core.lesion import Mask, Point, Recist

from .geometry import AxialOrder
from .recist import recist_of_mask

_UNIT_SUFFIX = {HU: "hu", SUV_BW: "suvbw", BQ_PER_ML: "bqml"}
_UNIT_OF_MODALITY = {CT: HU}
"""Where only the modality is known. Values of a PET without a unit may be counts, which no name may pass off as SUV."""
_OTHER_SUV = {SUV_LBM: ("mean_sulbm", "max_sulbm"), SUV_BSA: ("max_suvbsa",)}
"""What is told of a lesion in SUV of other types, each the value by body weight times the patient's own factor."""


@dataclass(frozen=True, eq=False)
class MaskMeasurements:
    """Measurements of one mask, as a :class:`~LesionDetectionLib.core.lesion.Lesion` takes them.

    Attributes:
        center_ras_mm: centroid of the mask.
        box_ras_mm: lowest and highest corner of the box around all of its voxels (edges, not centres).
        recist: its diameters.
        values: ``volume_mm3``, ``equivalent_diameter_mm`` (of the sphere of this
            volume), ``mean_hu`` and ``max_hu`` (``_suvbw``, ``_bqml``; ``_value`` where the unit is not known).
            Of a PET in SUV by body weight whose patient's size is known (``Image.suv_factors``) also ``mean_sulbm`` and
            ``max_sulbm``, SUV by lean body mass in g/ml, and ``max_suvbsa``, by body surface area in cm2/ml.
        touches_border: whether the mask reaches the first or last row, column or slice of the image.
    """

    center_ras_mm: Point
    box_ras_mm: tuple[Point, Point]
    recist: Recist
    values: dict[str, float]
    touches_border: bool


def measure_mask(image: Image, mask: Mask) -> MaskMeasurements:
    """Measure ``mask``, which lies on the grid of ``image``.

    Raises:
        GeometryError: the mask does not lie inside the image.
    """
    size_ijk = np.array(mask.voxels.shape[::-1])
    start, stop = np.array(mask.start_ijk), np.array(mask.start_ijk) + size_ijk
    if (start < 0).any() or (stop > np.array(image.shape_kji[::-1])).any():
        raise GeometryError(f"The mask does not lie inside “{image.name}”: was it made on another image?")
    inside = image.voxels[mask.slices_kji][mask.voxels].astype(np.float64)
    volume = mask.count * image.geometry.voxel_volume_mm3
    recist = recist_of_mask(mask, image.geometry)
    suffix = _unit_suffix(image)
    values = {
        "volume_mm3": volume,
        "equivalent_diameter_mm": equivalent_diameter_mm(volume),
        f"mean_{suffix}": float(inside.mean()),
        f"max_{suffix}": float(inside.max()),
    }
    values |= _other_suv(image, values)
    touches = bool((start == 0).any() or (stop == np.array(image.shape_kji[::-1])).any())
    return MaskMeasurements(
        mask.centroid_ras_mm(image.geometry), mask.box_ras_mm(image.geometry), recist, values, touches
    )


def extent_note(image: Image, touches_border: bool) -> str:
    """What a user should know of a measured lesion's extent, a sentence; empty where it lies inside a volume."""
    if image.shape_kji[AxialOrder.of(image.geometry).axes[0]] == 1:
        return "Volume from one slice."
    return "The lesion reaches the edge of the image: it may be larger." if touches_border else ""


def equivalent_diameter_mm(volume_mm3: float) -> float:
    """The diameter of the sphere of this volume."""
    return 2 * math.pow(3 * volume_mm3 / (4 * math.pi), 1 / 3)


def _other_suv(image: Image, values: dict[str, float]) -> dict[str, float]:
    if image.unit != SUV_BW:
        return {}
    known = {kind: names for kind, names in _OTHER_SUV.items() if kind in image.suv_factors}
    return {
        name: values[f"{name.split('_')[0]}_suvbw"] * image.suv_factors[kind]
        for kind, names in known.items()
        for name in names
    }


def _unit_suffix(image: Image) -> str:
    unit = image.unit or _UNIT_OF_MODALITY.get(image.modality, "")
    return _UNIT_SUFFIX.get(unit, "value")
