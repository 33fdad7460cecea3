"""Widgets of CTK and MRML for two numbers, low and high."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from .members import passed_on, stored


class ctkRangeWidget(QtWidgets.QWidget):
    minimumValueChanged = QtCore.Signal(float)
    maximumValueChanged = QtCore.Signal(float)
    minimumValueIsChanging = QtCore.Signal(float)
    maximumValueIsChanging = QtCore.Signal(float)
    valuesChanged = QtCore.Signal(float, float)
    rangeChanged = QtCore.Signal(float, float)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._low, self._high = QtWidgets.QDoubleSpinBox(self), QtWidgets.QDoubleSpinBox(self)
        for box in (self._low, self._high):
            layout.addWidget(box)
            box.valueChanged.connect(self._changed)
        self._range = (0.0, 99.0)
        self._apply_range()
        self._high.setValue(99.0)

    def _apply_range(self) -> None:
        for box in (self._low, self._high):
            box.setRange(*self._range)
        self.rangeChanged.emit(*self._range)

    def _changed(self, _value: float) -> None:
        low, high = self._low.value(), self._high.value()
        if low > high:
            (self._high if self.sender() is self._low else self._low).setValue(
                low if self.sender() is self._low else high
            )
            return
        self.minimumValueChanged.emit(low)
        self.maximumValueChanged.emit(high)
        self.valuesChanged.emit(low, high)

    def setValues(self, low: float, high: float) -> None:
        blocked = self.blockSignals(True)
        self._high.setValue(high)
        self._low.setValue(low)
        self.blockSignals(blocked)
        self._changed(low)

    def setRange(self, low: float, high: float) -> None:
        self._range = (low, high)
        self._apply_range()

    def setMinimumValue(self, value: float) -> None:
        self._low.setValue(value)

    def setMaximumValue(self, value: float) -> None:
        self._high.setValue(value)

    def setDecimals(self, decimals: int) -> None:
        self._low.setDecimals(decimals)
        self._high.setDecimals(decimals)

    def _set_step(self, step: float) -> None:
        self._low.setSingleStep(step)
        self._high.setSingleStep(step)

    minimumValue = passed_on(float, "_low", "value", "setValue")
    maximumValue = passed_on(float, "_high", "value", "setValue")
    minimum = QtCore.Property(float, lambda self: self._range[0], lambda self, v: self.setRange(v, self._range[1]))
    maximum = QtCore.Property(float, lambda self: self._range[1], lambda self, v: self.setRange(self._range[0], v))
    singleStep = QtCore.Property(float, lambda self: self._low.singleStep(), _set_step)
    decimals = QtCore.Property(int, lambda self: self._low.decimals(), setDecimals)
    prefix = passed_on(str, "_low", "prefix", "setPrefix")
    suffix = passed_on(str, "_high", "suffix", "setSuffix")
    tracking = stored(bool, True)
    tickInterval = stored(float, 0.0)
    spinBoxAlignment = stored(int, 0)
    spinBoxTextAlignment = stored(int, 0)
    symmetricMoves = stored(bool, False)
    autoSpinBoxWidth = stored(bool, True)


class qMRMLRangeWidget(ctkRangeWidget):
    quantity = stored(str, "")
    unitAwareProperties = stored(int, 63)

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def mrmlScene(self) -> Any:
        return getattr(self, "_scene", None)


class ctkDoubleRangeSlider(ctkRangeWidget):
    """Two handles on one slider; drawn as two boxes here."""

    positionsChanged = QtCore.Signal(float, float)
    orientation = stored(int, 1)
