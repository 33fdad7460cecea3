"""What several methods say of the scan that they were given, as sentences beside their results."""

from __future__ import annotations

from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, PET, SUV_BW, Image

_WHAT = {
    (CT, HU): "a CT in Hounsfield units",
    (PET, SUV_BW): "a PET in standardized uptake values",
    (PET, BQ_PER_ML): "a PET in Bq/ml",
}


def unsaid_kind(image: Image, modality: str, unit: str) -> tuple[str, ...]:
    """A sentence where the image does not say that it is of this modality and unit, as NRRD and NIfTI files do not."""
    if image.modality == modality and image.unit == unit:
        return ()
    return (f"“{image.name}” does not say that it is {_WHAT[modality, unit]}; it was taken for one.",)
