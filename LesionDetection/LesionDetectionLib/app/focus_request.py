"""The uptake that a person pointed at in a PET, in space or on a projection, made by the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.image import PET, Image
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.core.progress import Progress

from .worker.requests import Request

CORONAL, SAGITTAL, AXIAL = "coronal", "sagittal", "axial"
EITHER = "either"
"""The coronal or the sagittal projection, whichever shows the higher uptake there: for a point that lies in both."""


@dataclass(frozen=True)
class FocusRequest(Request):
    """Outline and measure the uptake at a point. Images: one, by ``modality``. Result: Lesion.

    Attributes:
        modality: under which name the image is given.
        point_ras_mm: the point, RAS mm.
        through: the projection that was pointed at: ``coronal``, ``sagittal``, ``axial`` or :data:`EITHER`; the uptake is then
            the highest one behind and before the point, seen in that direction. Empty for the point itself.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.focus_request:lesion_at_focus"
    BESIDE: ClassVar[bool] = True

    modality: str
    point_ras_mm: Point
    through: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FocusRequest:
        r, a, s = (float(n) for n in value["point_ras_mm"])
        return cls(**{**value, "point_ras_mm": (r, a, s), "through": str(value["through"])})

    @staticmethod
    def result_to_json(result: Lesion) -> Any:
        return result.to_json()

    @staticmethod
    def result_from_json(value: Any) -> Lesion:
        return Lesion.from_json(value)


def lesion_at_focus(request: FocusRequest, images: Mapping[str, Image], _kept: object, progress: Progress) -> Lesion:
    """
    Raises:
        InputError: there is no such image, or nothing stands out there.
        UsageError, ModalityError: see :func:`resolved` and :func:`~LesionDetectionLib.imaging.pet_focus.focus_at`.
    """
    from LesionDetectionLib.imaging.pet_focus import FocusSettings, focus_at

    if request.modality not in images:
        raise InputError("There is no image to measure in. Choose a volume.")
    image = images[request.modality]
    point = resolved(image, request.point_ras_mm, request.through)
    progress(0.2)
    return focus_at(image, point, FocusSettings())


def resolved(image: Image, point_ras_mm: Point, through: str) -> Point:
    """The point that is meant by one on a projection (``through`` as in :class:`FocusRequest`), RAS mm.

    Raises:
        ModalityError: the image is no PET.
        UsageError, InputError: see :func:`~LesionDetectionLib.imaging.pet_focus.point_through`.
    """
    from LesionDetectionLib.imaging.pet_focus import point_through

    if image.modality != PET:
        raise ModalityError(
            f"“{image.name}” is not known to be a PET, so no uptake is looked for in it. Choose a PET, or say that it is one "
            "(on the command line: --modality PT)."
        )
    if not through:
        return point_ras_mm
    views = (CORONAL, SAGITTAL) if through == EITHER else (through,)
    points = [point_through(image, point_ras_mm, view) for view in views]
    return max(points, key=lambda point: _value_at(image, point))


def _value_at(image: Image, point_ras_mm: Point) -> float:
    i, j, k = (round(float(n)) for n in image.geometry.ijk_from_ras(point_ras_mm))
    return float(image.voxels[k, j, i])
