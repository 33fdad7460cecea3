"""What several methods say of the scan that they were given, as sentences beside their results."""

from __future__ import annotations

from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, PET, SUV_BW, Image

_WHAT = {
    (CT, HU): "a CT in Hounsfield units",
    (PET, SUV_BW): "a PET in standardized uptake values",
    (PET, BQ_PER_ML): "a PET in Bq/ml",
}


UNLIKE = 1.1
"""By this factor a scan's voxels may lie beyond those that a model learned from."""


def unlike(mm: float, learned_mm: tuple[float, float]) -> bool:
    """Whether a size lies clearly beyond the lowest and highest that a model learned from; not where these are not known (0)."""
    low, high = learned_mm
    return high > 0 and not low / UNLIKE <= mm <= high * UNLIKE


def told_range(range_mm: tuple[float, float]) -> str:
    """``0.6 to 0.98``, or one number."""
    low, high = (f"{mm:.3g}" for mm in range_mm)
    return low if low == high else f"{low} to {high}"


def unsaid_kind(image: Image, modality: str, unit: str) -> tuple[str, ...]:
    """A sentence where the image does not say that it is of this modality and unit, as NRRD and NIfTI files do not."""
    if image.modality == modality and image.unit == unit:
        return ()
    return (f"“{image.name}” does not say that it is {_WHAT[modality, unit]}; it was taken for one.",)
