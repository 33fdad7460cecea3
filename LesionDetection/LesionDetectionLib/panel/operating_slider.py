"""The slider that shows fewer or more findings: by false marks per scan where the model knows them, else by score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from LesionDetectionLib.app.operating import OperatingCurve
from LesionDetectionLib.app.session.thresholds import MOST_FALSE_PER_SCAN
from LesionDetectionLib.core.finding import DETECTED, Findings

from .context import quietly

_STEPS = 1000
_WAIT_MS = 30
"""Between two changes while the slider is dragged: a hundred segments take as long to show or hide."""
_FEWEST = 0.05
"""False marks per scan at the left end, where the curve begins at none and was measured on fewer than 20 scans."""


class Scale:
    """Slider positions, 0 (few) to 1 (many), and thresholds.

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


class OperatingSlider:
    """Args:
    on_threshold: called with the new threshold, a little after the slider rested.
    """

    def __init__(self, slider: Any, on_threshold: Callable[[float], None]) -> None:
        self._slider, self._on_threshold = slider, on_threshold
        self._scale: Scale | None = None
        slider.setRange(0, _STEPS)
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.connect("timeout()", self._settled)
        slider.connect("valueChanged(int)", self._on_value)

    def close(self) -> None:
        self._timer.stop()
        self._timer.disconnect("timeout()", self._settled)
        self._slider.disconnect("valueChanged(int)", self._on_value)

    def show(self, findings: Findings, curve: OperatingCurve | None) -> None:
        """Stand where the findings' threshold is, unless the person is moving the slider."""
        self._scale = Scale(findings, curve)
        if self._timer.isActive() or self._slider.isSliderDown():
            return
        with quietly(self._slider):
            self._slider.setValue(round(_STEPS * self._scale.position(findings.threshold)))

    def _on_value(self, _value: int) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _settled(self) -> None:
        if self._scale is not None:
            self._on_threshold(self._scale.threshold(self._slider.value / _STEPS))
