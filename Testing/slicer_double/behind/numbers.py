"""Spin boxes and sliders of CTK and MRML for one number."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .members import passed_on, stored

_SYNCHRONIZE_WIDTH = 1
"""Of ``ctkSliderWidget::SynchronizeSiblings``."""


class ctkDoubleSpinBox(QtWidgets.QWidget):
    """A spin box inside a widget (no QDoubleSpinBox: QDoubleSpinBox's other members are missing)."""

    valueChanged = QtCore.Signal(float)
    editingFinished = QtCore.Signal()
    decimalsChanged = QtCore.Signal(int)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._box = QtWidgets.QDoubleSpinBox(self)
        self._box.setObjectName("qt_spinbox")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(self.valueChanged)
        self._box.editingFinished.connect(self.editingFinished)

    value = passed_on(float, "_box", "value", "setValue")
    minimum = passed_on(float, "_box", "minimum", "setMinimum")
    maximum = passed_on(float, "_box", "maximum", "setMaximum")
    singleStep = passed_on(float, "_box", "singleStep", "setSingleStep")
    decimals = passed_on(int, "_box", "decimals", "setDecimals")
    prefix = passed_on(str, "_box", "prefix", "setPrefix")
    suffix = passed_on(str, "_box", "suffix", "setSuffix")
    readOnly = passed_on(bool, "_box", "isReadOnly", "setReadOnly")
    frame = passed_on(bool, "_box", "hasFrame", "setFrame")
    cleanText = QtCore.Property(str, lambda self: self._box.cleanText())
    alignment = stored(int, 1)
    decimalsOption = stored(int, 0)
    setMode = stored(int, 1)
    sizeHintPolicy = stored(int, 0)
    invertedControls = stored(bool, False)

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def setValueIfDifferent(self, value: float) -> None:
        self._box.setValue(value)

    def setDecimals(self, decimals: int) -> None:
        self._box.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)

    def setReadOnly(self, read_only: bool) -> None:
        self._box.setReadOnly(read_only)

    def stepUp(self) -> None:
        self._box.stepUp()

    def stepDown(self) -> None:
        self._box.stepDown()


class qMRMLSpinBox(ctkDoubleSpinBox):
    quantity = stored(str, "")
    unitAwareProperties = stored(int, 63)

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def mrmlScene(self) -> Any:
        return getattr(self, "_scene", None)


class _Steps(QtWidgets.QSlider):
    """A slider over real numbers: its integers count single steps."""


class ctkDoubleSlider(QtWidgets.QWidget):
    valueChanged = QtCore.Signal(float)
    rangeChanged = QtCore.Signal(float, float)
    sliderMoved = QtCore.Signal(float)
    sliderPressed = QtCore.Signal()
    sliderReleased = QtCore.Signal()

    def __init__(self, *arguments: Any) -> None:
        orientation = next((a for a in arguments if isinstance(a, QtCore.Qt.Orientation)), None)
        super().__init__(*[a for a in arguments if a is not orientation])
        self._slider = _Steps(orientation or QtCore.Qt.Orientation.Vertical, self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        self._low, self._high, self._step, self._value = 0.0, 99.0, 1.0, 0.0
        self._slider.valueChanged.connect(self._moved)
        self._slider.sliderPressed.connect(self.sliderPressed)
        self._slider.sliderReleased.connect(self.sliderReleased)
        self._rescale()

    def _rescale(self) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, round((self._high - self._low) / self._step)))
        self._slider.setValue(round((self._value - self._low) / self._step))
        self._slider.blockSignals(blocked)

    def _moved(self, steps: int) -> None:
        self._take(self._low + steps * self._step)

    def _take(self, value: float) -> None:
        value = min(max(value, self._low), self._high)
        if value != self._value:
            self._value = value
            self._rescale()
            self.valueChanged.emit(value)

    def setValue(self, value: float) -> None:
        self._take(value)

    def _set_low(self, low: float) -> None:
        self._low, self._high = low, max(low, self._high)
        self._changed_range()

    def _set_high(self, high: float) -> None:
        self._low, self._high = min(self._low, high), high
        self._changed_range()

    def _changed_range(self) -> None:
        self._rescale()
        self.rangeChanged.emit(self._low, self._high)
        self._take(self._value)

    def _set_step(self, step: float) -> None:
        self._step = step or 1.0
        self._rescale()

    def setOrientation(self, orientation: int) -> None:
        self._slider.setOrientation(QtCore.Qt.Orientation(orientation))

    value = QtCore.Property(float, lambda self: self._value, setValue)
    sliderPosition = QtCore.Property(float, lambda self: self._value, setValue)
    minimum = QtCore.Property(float, lambda self: self._low, _set_low)
    maximum = QtCore.Property(float, lambda self: self._high, _set_high)
    singleStep = QtCore.Property(float, lambda self: self._step, _set_step)
    orientation = QtCore.Property(QtCore.Qt.Orientation, lambda self: self._slider.orientation(), setOrientation)
    pageStep = stored(float, 10.0)
    tickInterval = stored(float, 0.0)
    tickPosition = stored(int, 0)
    handleToolTip = stored(str, "")
    invertedAppearance = stored(bool, False)
    invertedControls = stored(bool, False)
    tracking = passed_on(bool, "_slider", "hasTracking", "setTracking")


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box that show the same number."""

    valueChanged = QtCore.Signal(float)
    valueIsChanging = QtCore.Signal(float)
    decimalsChanged = QtCore.Signal(int)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = ctkDoubleSlider(QtCore.Qt.Orientation.Horizontal, self)
        self._box = QtWidgets.QDoubleSpinBox(self)
        self._box.setRange(0.0, 99.0)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._box)
        self._slider.valueChanged.connect(self._slider_moved)
        self._box.valueChanged.connect(self._box_changed)

    def _slider_moved(self, value: float) -> None:
        self._box.setValue(value)

    def _box_changed(self, value: float) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(value)
        self._slider.blockSignals(blocked)
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def setDecimals(self, decimals: int) -> None:
        self._box.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)

    def setSpinBoxVisible(self, visible: bool) -> None:
        self._box.setVisible(visible)

    def reset(self) -> None:
        self.setValue(0.0)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        if self.synchronizeSiblings & _SYNCHRONIZE_WIDTH:
            siblings = self.parent().findChildren(ctkSliderWidget)
            width = max(one._box.sizeHint().width() for one in siblings)
            for one in siblings:
                one._box.setMinimumWidth(width)

    def _set_low(self, low: float) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setProperty("minimum", low)
        self._slider.blockSignals(blocked)
        self._box.setMinimum(low)

    def _set_high(self, high: float) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setProperty("maximum", high)
        self._slider.blockSignals(blocked)
        self._box.setMaximum(high)

    def _set_step(self, step: float) -> None:
        self._slider.setProperty("singleStep", step)
        self._box.setSingleStep(step)

    value = QtCore.Property(float, lambda self: self._box.value(), setValue)
    minimum = QtCore.Property(float, lambda self: self._box.minimum(), _set_low)
    maximum = QtCore.Property(float, lambda self: self._box.maximum(), _set_high)
    singleStep = QtCore.Property(float, lambda self: self._box.singleStep(), _set_step)
    decimals = QtCore.Property(int, lambda self: self._box.decimals(), setDecimals)
    prefix = passed_on(str, "_box", "prefix", "setPrefix")
    suffix = passed_on(str, "_box", "suffix", "setSuffix")
    spinBoxVisible = QtCore.Property(bool, lambda self: not self._box.isHidden(), setSpinBoxVisible)
    tracking = stored(bool, True)
    pageStep = stored(float, 1.0)
    tickInterval = stored(float, 0.0)
    tickPosition = stored(int, 0)
    spinBoxAlignment = stored(int, 0)
    synchronizeSiblings = stored(int, 0)
    popupSlider = stored(bool, False)
    invertedAppearance = stored(bool, False)
    invertedControls = stored(bool, False)


class qMRMLSliderWidget(ctkSliderWidget):
    quantity = stored(str, "")
    unitAwareProperties = stored(int, 63)

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def mrmlScene(self) -> Any:
        return getattr(self, "_scene", None)
