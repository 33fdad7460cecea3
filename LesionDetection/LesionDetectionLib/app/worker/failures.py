"""What went wrong, as a sentence for the user, wherever it went wrong."""

from __future__ import annotations

import traceback
from typing import Any

from LesionDetectionLib.app.packages import explained
from LesionDetectionLib.core import errors
from LesionDetectionLib.core.errors import (
    DependencyError,
    DeviceError,
    LesionDetectionError,
    kind_and_text,
    without_files,
)


def told(error: BaseException) -> LesionDetectionError:
    """The error for the user: one of ours as it is, a sentence for any other."""
    if isinstance(error, LesionDetectionError):
        return error
    if isinstance(error, ImportError):
        return DependencyError(explained(error))
    if isinstance(error, MemoryError):
        return DeviceError(
            "The computer's memory is full. Close other programs, or choose a smaller region, and try again."
        )
    return LesionDetectionError(
        f"An unexpected error: {kind_and_text(error)}. This is a fault of the program; its log says where."
    )


def details_of(error: BaseException) -> str:
    """Where an unexpected error happened, without names of files that it was about, as it goes to logs; empty for one of ours,
    whose sentence says all."""
    if isinstance(error, LesionDetectionError):
        return ""
    return without_files("".join(traceback.format_exception(type(error), error, error.__traceback__)), error)


def error_to_json(error: LesionDetectionError) -> dict[str, Any]:
    return {"kind": type(error).__name__, "text": str(error)}


def error_from_json(value: Any) -> LesionDetectionError:
    """An error of the same kind and text; of the base kind where that is not known here.

    Raises:
        TypeError, KeyError: the value is none of :func:`error_to_json`.
    """
    kind = getattr(errors, str(value["kind"]), None)
    known = isinstance(kind, type) and issubclass(kind, LesionDetectionError)
    made: LesionDetectionError = (kind if known else LesionDetectionError)(str(value["text"]))  # type: ignore[misc]
    return made
