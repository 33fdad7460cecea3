"""The slider that shows fewer or more findings: by false marks per scan where the model knows them, else by score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from LesionDetectionLib.app.operating import OperatingCurve
from LesionDetectionLib.app.operating_scale import STEPS, WAIT_S, Scale
from LesionDetectionLib.core.finding import Findings

from .context import quietly


class OperatingSlider:
    """Args:
    on_threshold: called with the new threshold, a little after the slider rested.
    """

    def __init__(self, slider: Any, on_threshold: Callable[[float], None]) -> None:
        self._slider, self._on_threshold = slider, on_threshold
        self._scale: Scale | None = None
        slider.setRange(0, STEPS)
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(round(1000 * WAIT_S))
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
            self._slider.setValue(self._scale.step_of(findings.threshold))

    def _on_value(self, _value: int) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _settled(self) -> None:
        if self._scale is not None:
            self._on_threshold(self._scale.threshold_of(self._slider.value))
