"""Which widget can show which field, how it is read and written, and what the connection sets on it.

The table in SLICER_RECIPES, section 2; other pairs raise, and then nothing is connected at all.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import slicer

from .annotations import Choice, Decimals, FloatRange, Maximum, Minimum, RangeBounds, SingleStep, WithinRange

_NEEDS_RANGE = ("ctkSliderWidget", "qMRMLSliderWidget")
_NUMBERS = (
    "QDoubleSpinBox",
    "ctkSliderWidget",
    "ctkDoubleSlider",
    "ctkDoubleSpinBox",
    "qMRMLSliderWidget",
    "qMRMLSpinBox",
)


class Connector:
    def __init__(self, widget: Any, signal: str, read: Callable[[], Any], write: Callable[[Any], None]) -> None:
        self.widget, self.read, self.write = widget, read, write
        self._signal, self._callback = signal, None

    def connect(self, callback: Callable[[], None]) -> None:
        self._callback = lambda: callback()
        self.widget.connect(self._signal, self._callback)

    def disconnect(self) -> None:
        self.widget.disconnect(self._signal, self._callback)


def accepted(class_name: str, kind: Any, annotations: list[Any]) -> bool:
    """Whether a widget of that exact class can show a field of that type."""
    if class_name in ("QCheckBox", "ctkCheckBox", "QPushButton"):
        return kind is bool
    if class_name in ("QSlider", "QSpinBox"):
        return kind is int
    if class_name in _NUMBERS:
        limits = [a for a in annotations if isinstance(a, WithinRange | Minimum | Maximum)]
        bounded = any(isinstance(a, WithinRange) for a in limits) or len(limits) == 2
        return kind is float and (bounded or class_name not in _NEEDS_RANGE)
    if class_name in ("QComboBox", "ctkComboBox"):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return True
        return kind in (str, int, float, bool) and any(isinstance(a, Choice) for a in annotations)
    if class_name in ("QLineEdit", "QLabel", "QTextEdit"):
        return kind is str
    if class_name in ("ctkPathLineEdit", "ctkDirectoryButton"):
        return isinstance(kind, type) and issubclass(kind, PurePath)
    if class_name in ("ctkRangeWidget", "ctkDoubleRangeSlider", "qMRMLRangeWidget"):
        return kind is FloatRange and any(isinstance(a, RangeBounds) for a in annotations)
    if class_name == "qMRMLNodeComboBox":
        return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)
    return False


def connector(widget: Any, kind: Any, annotations: list[Any]) -> Connector:
    """The connection of a widget with a field; sets the widget's range and items.

    Raises:
        RuntimeError: this widget cannot show this type.
    """
    name = type(widget)._entry.name
    if type(widget)._is_subclass or not accepted(name, kind, annotations):
        raise RuntimeError(f"Unable to create GUI connector from datatype '{kind}' to widget type '{name}'")
    if kind is bool and name not in ("QComboBox", "ctkComboBox"):
        if name == "QPushButton":
            widget.checkable = True
        return _property(widget, "toggled(bool)", "checked")
    if kind in (int, float) and name not in ("QComboBox", "ctkComboBox"):
        _limit(widget, kind, annotations)
        return _property(widget, "valueChanged(int)" if kind is int else "valueChanged(double)", "value")
    if name in ("QComboBox", "ctkComboBox"):
        return _combo_box(widget, kind, annotations)
    if name == "QTextEdit":
        return Connector(
            widget, "textChanged()", lambda: widget.toPlainText(), lambda value: widget.setPlainText(value)
        )
    if kind is str:
        if name == "QLabel":  # a label has no signal: it only shows
            shown = Connector(widget, "", lambda: widget.text, lambda value: setattr(widget, "text", value))
            shown.connect = lambda callback: None  # type: ignore[method-assign]
            shown.disconnect = lambda: None  # type: ignore[method-assign]
            return shown
        return _property(widget, "textChanged(QString)", "text")
    if name == "qMRMLNodeComboBox":
        signal = "currentNodeChanged(vtkMRMLNode*)"
        return Connector(widget, signal, lambda: widget.currentNode(), lambda node: widget.setCurrentNode(node))
    if kind is FloatRange:
        return _range(widget, annotations)
    member = "currentPath" if name == "ctkPathLineEdit" else "directory"
    signal = f"{member}Changed(QString)"
    return Connector(
        widget, signal, lambda: kind(getattr(widget, member)), lambda value: setattr(widget, member, str(value))
    )


def _property(widget: Any, signal: str, name: str) -> Connector:
    return Connector(widget, signal, lambda: getattr(widget, name), lambda value: setattr(widget, name, value))


def _first(annotations: list[Any], kind: type) -> Any:
    return next((a for a in annotations if isinstance(a, kind)), None)


def _limit(widget: Any, kind: type, annotations: list[Any]) -> None:
    decimals, step = _first(annotations, Decimals), _first(annotations, SingleStep)
    if decimals is not None and kind is float:
        widget.decimals = decimals.value
    if step is not None:
        widget.singleStep = step.value
    within, low, high = (_first(annotations, cls) for cls in (WithinRange, Minimum, Maximum))
    lowest, highest = (-(2**31), 2**31 - 1) if kind is int else (float("-inf"), float("inf"))
    widget.minimum = within.minimum if within else low.minimum if low else lowest
    widget.maximum = within.maximum if within else high.maximum if high else highest


def _combo_box(widget: Any, kind: Any, annotations: list[Any]) -> Connector:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        choices: list[Any] = list(kind)
        label = getattr(kind, "label", lambda choice: choice.name)
    else:
        choices, label = list(_first(annotations, Choice).choices), str
    widget.clear()
    for choice in choices:
        widget.addItem(label(choice))

    def write(value: Any) -> None:
        widget.setCurrentIndex(choices.index(value))

    return Connector(widget, "currentIndexChanged(int)", lambda: choices[widget.currentIndex], write)


def _range(widget: Any, annotations: list[Any]) -> Connector:
    bounds = _first(annotations, RangeBounds)
    widget.setRange(bounds.minimum, bounds.maximum)

    def write(value: FloatRange) -> None:
        widget.setValues(value.minimum, value.maximum)

    read = lambda: FloatRange(widget.minimumValue, widget.maximumValue)  # noqa: E731
    return Connector(widget, "valuesChanged(double,double)", read, write)
