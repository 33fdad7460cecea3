"""What shows fewer or more findings of a result: a slider over its scores, or the controls of its method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from LesionDetectionLib.core.detections import Control
from LesionDetectionLib.core.finding import DETECTED, Findings

from .operating import OperatingCurve
from .session.thresholds import MOST_FALSE_PER_SCAN
from .translation import tr as _

STEPS = 1000
"""Of a slider, from few findings to many."""
WAIT_S = 0.03
"""Between two changes while a slider is dragged: a hundred segments take as long to show or hide."""
BY_SCORE, BY_CONTROLS, BY_NOTHING = "score", "controls", ""
_FEWEST = 0.05
"""False marks per scan at the left end, where the curve begins at none and was measured on fewer than 20 scans."""


def moved_by(findings: Findings | None) -> str:
    """What is moved to show fewer or more of these: the least score, the result's own controls where it has some, or nothing,
    where no method found any of them: :data:`BY_SCORE`, :data:`BY_CONTROLS`, :data:`BY_NOTHING`."""
    if findings is None or not any(item.origin == DETECTED for item in findings.items):
        return BY_NOTHING
    return BY_CONTROLS if findings.run.controls else BY_SCORE


def end_labels() -> tuple[str, str]:
    """Of a slider's ends."""
    return _("Fewer"), _("More")


class Scale:
    """Slider positions, 0 (few) to 1 (many), and thresholds: by false marks per scan where the model knows them, else by score.

    Args:
        findings: of a method.
        curve: of its model, or None.
    """

    def __init__(self, findings: Findings, curve: OperatingCurve | None) -> None:
        scores = [item.lesion.score for item in findings.items if item.origin == DETECTED]
        self._curve = curve
        self._lowest = findings.run.operating_point.threshold
        self._highest = max([*scores, self._lowest])
        if curve is not None:
            fewest, most = curve.limits
            self._few = max(fewest, 1 / curve.scans if curve.scans else _FEWEST)
            self._many = max(min(most, MOST_FALSE_PER_SCAN, curve.fp_at(self._lowest)), 2 * self._few)

    def threshold(self, position: float) -> float:
        """The least score that is shown at a position."""
        if self._curve is None:
            return self._highest + (self._lowest - self._highest) * position
        return max(self._curve.threshold_at(self._few * (self._many / self._few) ** position), self._lowest)

    def position(self, threshold: float) -> float:
        """The nearest position."""
        low, high = 0.0, 1.0
        for _half in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if self.threshold(middle) > threshold else (low, middle)
        return (low + high) / 2

    def threshold_of(self, step: int) -> float:
        """The least score that is shown at one of the slider's :data:`STEPS`."""
        return self.threshold(step / STEPS)

    def step_of(self, threshold: float) -> int:
        """The nearest step."""
        return round(STEPS * self.position(threshold))


def moved_values(controls: Sequence[Control], values: Sequence[Any]) -> tuple[float, ...]:
    """The controls' values after sliders were moved: within their limits, and as they were where a slider stands where its
    control was rounded to, as a value may have more decimals than a slider shows. What is no number moves nothing."""
    return tuple(_moved(control, value) for control, value in zip(controls, values, strict=True))


def _moved(control: Control, value: Any) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return control.value
    if round(control.value, control.decimals) == round(value, control.decimals):
        return control.value
    return min(max(float(value), control.lowest), control.highest)
