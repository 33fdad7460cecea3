"""What a threshold let through when the model was measured: false marks, lesions found, by size and by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from LesionDetectionLib.core.bundle import Manifest
from LesionDetectionLib.core.detections import Control, Detections

from ..operating import MEASURED_ON, curve_of
from .words import inside, number_in

_SAME = 1e-6
"""Thresholds that differ by less are one: files keep six digits."""
_NEAR = 0.1
"""Of the sensitivity: at a point that is farther away, sizes and kinds would be found in quite other shares."""


@dataclass(frozen=True)
class Share:
    """Lesions found, of how many there were."""

    name: str
    found: int
    lesions: int


@dataclass(frozen=True)
class Rates:
    """What is known of the threshold in force, on the scans that the model was measured on.

    Attributes:
        false_marks: per scan.
        sensitivity: share of the lesions.
        interval: of the sensitivity at this number of false marks; None where nobody computed it.
        level: of the interval.
        scans, lesions: measured on; 0 where that is not known.
        found: of the lesions, where they were counted at just this threshold; None where a curve was read.
        point: the measured operating point that ``sizes`` and ``kinds`` are of; empty for none.
        exact: whether that point is the threshold in force, not the nearest one.
        near: whether about as many lesions were found at that point.
        beyond: a sentence where the threshold lies beyond what was measured; empty otherwise.
        sizes, kinds: lesions found of each.
    """

    false_marks: float
    sensitivity: float
    interval: tuple[float, float] | None = None
    level: float = 0.0
    scans: int = 0
    lesions: int = 0
    found: int | None = None
    point: str = ""
    exact: bool = False
    near: bool = False
    beyond: str = ""
    sizes: tuple[Share, ...] = ()
    kinds: tuple[Share, ...] = ()


def rates_of(detections: Detections, model: Manifest) -> Rates | None:
    """None where the model was not measured, or not with these thresholds."""
    test = inside(model.metrics, MEASURED_ON)
    threshold = detections.operating_point.threshold
    points = _points(test)
    if detections.controls:
        # A curve over scores says nothing where other thresholds decide too: only what was measured just so is known.
        name = detections.operating_point.name
        if name not in points or not _as_made(detections.controls, model):
            return None
        return _measured(test, name, points[name])
    same = [name for name, point in points.items() if abs(point["threshold"] - threshold) <= _SAME]
    if same:
        name = detections.operating_point.name
        name = name if name in same else same[0]
        return _measured(test, name, points[name])
    return _read(test, threshold, points, model)


def rate_text(rate: float) -> str:
    """False marks per scan, with as many digits as mean something."""
    if rate < 0.005:
        return "0"
    return f"{rate:.2f}" if rate < 0.95 else f"{rate:.1f}" if rate < 9.5 else f"{rate:.0f}"


def _measured(test: Any, name: str, point: Mapping[str, Any]) -> Rates:
    found, lesions = int(point["found"]), int(point["lesions"])
    rate = float(point["false_positives_per_scan"])
    sensitivity = found / lesions
    return Rates(
        rate,
        sensitivity,
        *_interval(test, rate, sensitivity),
        scans=int(number_in(test, "scans") or 0),
        lesions=lesions,
        found=found,
        point=name,
        exact=True,
        near=True,
        sizes=_sizes(test, point),
        kinds=_kinds(point),
    )


def _read(test: Any, threshold: float, points: Mapping[str, Mapping[str, Any]], model: Manifest) -> Rates | None:
    """From the curve; sizes and kinds as at the nearest point that was measured."""
    curve = curve_of(model)
    if curve is None:
        return None
    low, high = curve.threshold_limits
    rate, sensitivity = curve.fp_at(threshold), curve.sensitivity_of(threshold)
    beyond = ""
    if threshold > high:
        beyond = f"No mark scored as much as {threshold:.3g} when the model was measured; the highest had {high:.3g}."
    elif threshold < low - _SAME:
        beyond = f"The curve ends at a score of {low:.3g}: below that, there may be more false marks and more lesions."
    nearest = min(points, key=lambda name: abs(float(points[name]["threshold"]) - threshold), default="")
    at = points.get(nearest, {})
    return Rates(
        rate,
        sensitivity,
        *_interval(test, rate, sensitivity),
        scans=curve.scans,
        lesions=int(at.get("lesions", 0)),
        point=nearest,
        near=bool(at) and abs(at["found"] / at["lesions"] - sensitivity) <= _NEAR,
        beyond=beyond,
        sizes=_sizes(test, at),
        kinds=_kinds(at),
    )


def _points(test: Any) -> dict[str, Mapping[str, Any]]:
    """The measured operating points that have all their numbers."""
    points = inside(test, "operating_points")
    if not isinstance(points, Mapping):
        return {}
    return {str(name): point for name, point in points.items() if _is_whole(point)}


def _is_whole(point: Any) -> bool:
    names = ("threshold", "false_positives_per_scan", "found", "lesions")
    numbers = [number_in(point, name) for name in names]
    if any(value is None or value < 0 for value in numbers):
        return False
    return bool(0 < point["lesions"] >= point["found"])


def _as_made(controls: tuple[Control, ...], model: Manifest) -> bool:
    """Whether the controls stand where the model puts them: its settings have a value of each one's name (with a unit)."""
    values = {
        name: number_in(value)
        for settings in model.settings.values()
        if isinstance(settings, Mapping)
        for name, value in settings.items()
    }
    default = str(model.settings.get("default_operating_point", ""))
    return bool(default) and all(
        any(
            name.startswith(control.name) and value is not None and abs(value - control.value) <= _SAME
            for name, value in values.items()
        )
        for control in controls
    )


def _interval(test: Any, rate: float, sensitivity: float) -> tuple[tuple[float, float] | None, float]:
    """Confidence interval of the sensitivity at a number of false marks, and its level; none beyond what was computed, nor
    where it does not hold the sensitivity (it is that of the curve, read between its points)."""
    level = number_in(test, "confidence", "level")
    try:
        table = np.array(inside(test, "confidence", "froc"), dtype=np.float64)
    except (TypeError, ValueError):
        return None, 0.0
    if level is None or table.ndim != 2 or table.shape[1] != 3 or not len(table) or not np.isfinite(table).all():
        return None, 0.0
    rates, low, high = table.T
    if not (np.diff(rates) > 0).all() or not rates[0] <= rate <= rates[-1]:
        return None, 0.0
    interval = float(np.interp(rate, rates, low)), float(np.interp(rate, rates, high))
    return (interval, level) if 0 <= interval[0] <= sensitivity <= interval[1] <= 1 else (None, 0.0)


def _sizes(test: Any, point: Mapping[str, Any]) -> tuple[Share, ...]:
    bands, counts = inside(test, "size_bands_mm"), point.get("by_size")
    if not isinstance(bands, (list, tuple)) or not isinstance(counts, (list, tuple)) or len(bands) != len(counts):
        return ()
    shares = [_share(_band(band), count) for band, count in zip(bands, counts, strict=True)]
    return tuple(share for share in shares if share is not None) if None not in shares else ()


def _kinds(point: Mapping[str, Any]) -> tuple[Share, ...]:
    kinds = point.get("by_kind")
    if not isinstance(kinds, Mapping):
        return ()
    shares = [_share(str(name), count) for name, count in kinds.items()]
    return tuple(share for share in shares if share is not None)


def _share(name: str, count: Any) -> Share | None:
    if not isinstance(count, (list, tuple)) or len(count) != 2:
        return None
    found, lesions = (number_in(value) for value in count)
    if not name or found is None or lesions is None or not 0 <= found <= lesions:
        return None
    return Share(name, int(found), int(lesions))


def _band(band: Any) -> str:
    """``below 6 mm``, ``6 to 10 mm``, ``20 mm and more``; empty for what is no band."""
    if not isinstance(band, (list, tuple)) or len(band) != 2:
        return ""
    low, high = number_in(band[0]), number_in(band[1])
    if low is None or (high is None and band[1] is not None):
        return ""
    if high is None:
        return f"{low:g} mm and more"
    return f"{low:g} to {high:g} mm" if low > 0 else f"below {high:g} mm"
