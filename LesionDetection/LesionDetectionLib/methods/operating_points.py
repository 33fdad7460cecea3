"""Which scores are shown: the points that a model's maker chose, by name, or a score that the user gives."""

from __future__ import annotations

import math
from typing import Any

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import OperatingPoint
from LesionDetectionLib.core.errors import BundleError, UsageError


def operating_points(bundle: Bundle) -> tuple[OperatingPoint, ...]:
    """The points of the model, its default first, the others in rising threshold.

    Raises:
        BundleError: there are none, or they are not numbers by name.
    """
    settings = bundle.manifest.settings
    points: Any = settings.get("operating_points")
    try:
        found = [OperatingPoint(str(name), float(threshold)) for name, threshold in points.items()]
    except (AttributeError, TypeError, ValueError):
        found = []
    if not found or not all(math.isfinite(point.threshold) for point in found):
        raise BundleError(f"The model “{bundle.manifest.name}” does not say from which score on a lesion is shown.")
    default = settings.get("default_operating_point", found[0].name)
    if default not in {point.name for point in found}:
        raise BundleError(f"The default operating point “{default}” of “{bundle.manifest.name}” is none of its points.")
    return tuple(sorted(found, key=lambda point: (point.name != default, point.threshold)))


def choose_operating_point(bundle: Bundle, wanted: str) -> OperatingPoint:
    """The point called ``wanted``; the model's default where that is empty; the score itself where it is a number.

    Raises:
        UsageError: neither a name of this model nor a number.
        BundleError: see :func:`operating_points`.
    """
    points = operating_points(bundle)
    if not wanted:
        return points[0]
    for point in points:
        if point.name == wanted:
            return point
    try:
        threshold = float(wanted)
    except ValueError:
        threshold = math.nan
    if not math.isfinite(threshold):
        names = ", ".join(point.name for point in points)
        raise UsageError(
            f"The model “{bundle.manifest.name}” has no operating point “{wanted}”. Choose {names}, or a least score."
        )
    return OperatingPoint("chosen score", threshold)
