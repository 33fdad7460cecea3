"""A lesion from the two diameters that a person drew, made by the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.core.progress import Progress

from .worker.requests import Request

Line = tuple[Point, Point]
"""Its two ends, RAS mm."""


@dataclass(frozen=True)
class RecistRequest(Request):
    """Outline and measure the lesion with these diameters. Images: one, by ``modality``. Result: Lesion.

    Attributes:
        modality: under which name the image is given.
        lines_ras_mm: the two diameters, in any order.
        way: how the mask is made, see :data:`LesionDetectionLib.imaging.recist_mask.WAYS`.
        carry: on to the neighbouring slices.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.recist_request:lesion_from_diameters"

    modality: str
    lines_ras_mm: tuple[Line, Line]
    way: str = "best"
    carry: bool = True

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RecistRequest:
        first, second = value["lines_ras_mm"]
        return cls(**{**value, "lines_ras_mm": (_line(first), _line(second))})

    @staticmethod
    def result_to_json(result: Lesion) -> Any:
        return result.to_json()

    @staticmethod
    def result_from_json(value: Any) -> Lesion:
        return Lesion.from_json(value)


def lesion_from_diameters(
    request: RecistRequest, images: Mapping[str, Image], _kept: object, progress: Progress
) -> Lesion:
    """
    Raises:
        InputError: there is no such image.
        UsageError: see :func:`~LesionDetectionLib.imaging.recist_lines.recist_from_lines` and
            :func:`~LesionDetectionLib.imaging.recist_mask.recist_lesion`.
    """
    from LesionDetectionLib.imaging.recist_lines import recist_from_lines
    from LesionDetectionLib.imaging.recist_mask import recist_lesion

    if request.modality not in images:
        raise InputError("There is no image to measure in. Choose a volume.")
    recist = recist_from_lines(*request.lines_ras_mm)
    return recist_lesion(images[request.modality], recist, request.way, request.carry, progress)


def _line(value: Any) -> Line:
    (a, b, c), (d, e, f) = value
    return (float(a), float(b), float(c)), (float(d), float(e), float(f))
