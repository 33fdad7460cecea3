"""Two scans aligned by the worker: seconds of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.alignment import Alignment, align

from .worker.requests import Request

BASELINE, FOLLOW_UP = "baseline", "follow_up"
"""The names under which the two images are given."""


@dataclass(frozen=True)
class AlignRequest(Request):
    """Find the rigid move from one scan to another. Images: ``baseline`` and ``follow_up``. Result: Alignment."""

    TASK: ClassVar[str] = "LesionDetectionLib.app.alignment_request:align_images"

    @staticmethod
    def result_to_json(result: Alignment) -> Any:
        return {**vars(result), "matrix": result.matrix.tolist()}

    @staticmethod
    def result_from_json(value: Any) -> Alignment:
        return Alignment(**{**value, "matrix": np.array(value["matrix"], dtype=np.float64)})


def align_images(_request: AlignRequest, images: Mapping[str, Image], _kept: object, progress: Progress) -> Alignment:
    """Raises InputError where an image is missing; else as :func:`~LesionDetectionLib.imaging.alignment.align`."""
    if BASELINE not in images or FOLLOW_UP not in images:
        raise InputError("Two scans are needed to align them. Load both volumes again.")
    return align(images[BASELINE], images[FOLLOW_UP], progress)
