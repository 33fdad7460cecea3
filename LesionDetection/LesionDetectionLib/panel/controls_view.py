"""The thresholds of a result that can be moved after the run: a slider with a number for each, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from LesionDetectionLib.app.operating_scale import WAIT_S, moved_values
from LesionDetectionLib.core.detections import Control

from .context import quietly


class ControlsView:
    """Args:
        ui: the widgets by name.
        on_values: called with the values of all controls, a little after a slider rested.

    Attributes:
        sliders: one a control, in their order.
    """

    def __init__(self, ui: Any, on_values: Callable[[tuple[float, ...]], None]) -> None:
        self._ui, self._on_values = ui, on_values
        self._controls: tuple[Control, ...] = ()
        self._first: tuple[float, ...] = ()
        self.sliders: list[Any] = []
        self._page: Any = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(round(1000 * WAIT_S))
        self._timer.connect("timeout()", self._settled)
        ui.controlsResetButton.connect("clicked()", self._on_reset)

    def close(self) -> None:
        self._timer.stop()
        self._timer.disconnect("timeout()", self._settled)
        self._ui.controlsResetButton.disconnect("clicked()", self._on_reset)
        self._clear()

    def show(self, controls: Sequence[Control], first: Sequence[float], text: str) -> None:
        """Show the controls as they stand, unless the person is moving one.

        Args:
            first: their values when the result was made.
            text: what they mean, and how many findings they show.
        """
        ui = self._ui
        if _scales(controls) != _scales(self._controls):
            self._make(controls)
        self._controls, self._first = tuple(controls), tuple(first)
        ui.controlsBox.setVisible(bool(controls))
        ui.controlsText.setText(text)
        ui.controlsResetButton.setEnabled(tuple(control.value for control in controls) != self._first)
        if not self._timer.isActive():
            for slider, control in zip(self.sliders, controls, strict=True):
                with quietly(slider):
                    slider.value = control.value

    def _make(self, controls: Sequence[Control]) -> None:
        self._clear()
        self._page = qt.QWidget()
        form = qt.QGridLayout(self._page)
        form.setContentsMargins(0, 0, 0, 0)
        form.setColumnStretch(1, 1)
        for row, control in enumerate(controls):
            slider, label = ctk.ctkSliderWidget(), qt.QLabel(f"{control.title}:")
            slider.setObjectName(f"control_{control.name}")
            slider.setDecimals(control.decimals)
            slider.minimum, slider.maximum = control.lowest, control.highest
            slider.singleStep = 10.0**-control.decimals
            slider.pageStep = (control.highest - control.lowest) / 10
            slider.suffix = f" {control.unit}" if control.unit else ""
            slider.synchronizeSiblings = slider.SynchronizeWidth
            slider.toolTip = label.toolTip = _(
                "Show fewer findings, or more: they appear and vanish at once, as all were found already. "
                "What you decided on stays."
            )
            slider.connect("valueChanged(double)", self._on_value)
            form.addWidget(label, row, 0)
            form.addWidget(slider, row, 1)
            self.sliders.append(slider)
        self._ui.controlsPageLayout.addWidget(self._page)

    def _clear(self) -> None:
        self._timer.stop()
        for slider in self.sliders:
            slider.disconnect("valueChanged(double)", self._on_value)
        self.sliders, self._controls, self._first = [], (), ()
        if self._page is not None:
            self._page.hide()
            self._page.deleteLater()
            self._page = None

    def _on_value(self, _value: float) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _settled(self) -> None:
        self._on_values(moved_values(self._controls, [float(slider.value) for slider in self.sliders]))

    def _on_reset(self) -> None:
        self._timer.stop()
        self._on_values(self._first)


def _scales(controls: Sequence[Control]) -> tuple[Control, ...]:
    """All that a slider is made from: the controls without their values."""
    return tuple(replace(control, value=0.0) for control in controls)
