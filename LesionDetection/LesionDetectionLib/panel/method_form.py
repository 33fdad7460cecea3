"""The settings of a method that a person may want to change, as a form: made from what the method says of them."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt

from LesionDetectionLib.app.method_settings import Value, changed_values, reset_words, settings_title
from LesionDetectionLib.core.detector import Choice

from .choices import chosen_in, fill
from .context import quietly


class MethodForm:
    """A folded group of widgets, one a choice, and a button that takes all changes back.

    Args:
        ui: the widgets by name.
        on_change: called with the values that differ from the first ones, by name, after a person changed one.
    """

    def __init__(self, ui: Any, on_change: Callable[[dict[str, Value]], None]) -> None:
        self._ui, self._on_change = ui, on_change
        self._choices: tuple[Choice, ...] = ()
        self._first: dict[str, Value] = {}
        self._fields: dict[str, _Field] = {}
        self._page: Any = None
        ui.settingsResetButton.connect("clicked()", self._on_reset)

    def close(self) -> None:
        self._ui.settingsResetButton.disconnect("clicked()", self._on_reset)
        self._clear()

    def show(
        self, choices: Sequence[Choice], first: Mapping[str, Value], changed: Mapping[str, Value], from_model: bool
    ) -> None:
        """Show these settings.

        Args:
            first: what each is while nobody changes it.
            changed: those that were changed, see :func:`~LesionDetectionLib.app.method_settings.changed_values`.
            from_model: whether the first values are a model's.
        """
        kinds = [type(first[choice.name]) for choice in choices]
        if tuple(choices) != self._choices or kinds != [type(value) for value in self._first.values()]:
            self._make(choices, first)
        self._first = dict(first)
        for name, field in self._fields.items():
            field.show(changed.get(name, first[name]), name in changed)
        ui, count = self._ui, len(changed)
        ui.settingsGroup.setVisible(bool(choices))
        ui.settingsGroup.text = settings_title(count)
        ui.settingsResetButton.text, ui.settingsResetButton.toolTip = reset_words(from_model)
        ui.settingsResetButton.setEnabled(count > 0)

    def _make(self, choices: Sequence[Choice], first: Mapping[str, Value]) -> None:
        self._clear()
        self._choices, self._first = tuple(choices), dict(first)
        self._page = qt.QWidget()
        form = qt.QGridLayout(self._page)
        form.setContentsMargins(0, 0, 0, 0)
        form.setColumnStretch(1, 1)
        for row, choice in enumerate(choices):
            field = _field(choice, first[choice.name], self._changed)
            field.widget.setObjectName(f"setting_{choice.name}")
            field.widget.toolTip = f"<p>{html.escape(choice.help)}</p>"
            if field.label is None:
                form.addWidget(field.widget, row, 0, 1, 2)
            else:
                field.label.toolTip = field.widget.toolTip
                field.label.setBuddy(field.widget)
                form.addWidget(field.label, row, 0)
                form.addWidget(field.widget, row, 1)
            self._fields[choice.name] = field
        self._ui.settingsPageLayout.addWidget(self._page)

    def _clear(self) -> None:
        for field in self._fields.values():
            field.close()
        self._fields.clear()
        self._choices, self._first = (), {}
        if self._page is not None:
            self._page.hide()
            self._page.deleteLater()
            self._page = None

    def _changed(self) -> None:
        values = {name: field.value for name, field in self._fields.items()}
        self._on_change(changed_values(self._choices, self._first, values))

    def _on_reset(self) -> None:
        self._on_change({})


class _Field:
    """One setting.

    Attributes:
        widget: that shows it.
        label: before it; None where the widget has a text of its own.
    """

    signal = ""

    def __init__(self, widget: Any, label: Any, on_change: Callable[[], None]) -> None:
        self.widget, self.label, self._on_change = widget, label, on_change
        widget.connect(self.signal, self._on_signal)

    def close(self) -> None:
        self.widget.disconnect(self.signal, self._on_signal)

    @property
    def value(self) -> Value:
        raise NotImplementedError

    def show(self, value: Value, changed: bool) -> None:
        """Show a value; one that was changed stands out."""
        with quietly(self.widget):
            self._set(value)
        marked = self.widget if self.label is None else self.label
        font = marked.font
        if font.bold() != changed:
            font.setBold(changed)
            marked.setFont(font)

    def _set(self, value: Any) -> None:
        raise NotImplementedError

    def _on_signal(self) -> None:
        self._on_change()


class _YesOrNo(_Field):
    signal = "toggled(bool)"

    def __init__(self, choice: Choice, on_change: Callable[[], None]) -> None:
        super().__init__(qt.QCheckBox(choice.title), None, on_change)

    @property
    def value(self) -> bool:
        return bool(self.widget.isChecked())

    def _set(self, value: Any) -> None:
        self.widget.setChecked(value)


class _OneOf(_Field):
    signal = "currentIndexChanged(int)"

    def __init__(self, choice: Choice, on_change: Callable[[], None]) -> None:
        box = qt.QComboBox()
        box.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(12)
        super().__init__(box, qt.QLabel(f"{choice.title}:"), on_change)
        self._options = choice.options

    @property
    def value(self) -> str:
        return chosen_in(self.widget)

    def _set(self, value: Any) -> None:
        fill(self.widget, self._options, value)


class _Number(_Field):
    """Whole or real, as the spin box is."""

    def __init__(self, box: Any, choice: Choice, on_change: Callable[[], None]) -> None:
        low, high = choice.range
        kind = type(self)._kind
        box.setRange(kind(low), kind(high))
        box.suffix = f" {choice.unit}" if choice.unit else ""
        box.setKeyboardTracking(False)  # not each digit on the way to a number
        super().__init__(box, qt.QLabel(f"{choice.title}:"), on_change)

    _kind: Callable[[float], float] = float

    @property
    def value(self) -> float:
        return type(self)._kind(self.widget.value)

    def _set(self, value: Any) -> None:
        self.widget.setValue(value)


class _Whole(_Number):
    signal = "valueChanged(int)"
    _kind = int

    def __init__(self, choice: Choice, on_change: Callable[[], None]) -> None:
        super().__init__(qt.QSpinBox(), choice, on_change)


class _Real(_Number):
    signal = "valueChanged(double)"

    def __init__(self, choice: Choice, on_change: Callable[[], None]) -> None:
        box = qt.QDoubleSpinBox()
        box.setDecimals(choice.decimals)
        box.setSingleStep(10.0**-choice.decimals)
        super().__init__(box, choice, on_change)


def _field(choice: Choice, first: Value, on_change: Callable[[], None]) -> _Field:
    """The widget that fits the kind of the value."""
    if isinstance(first, bool):
        return _YesOrNo(choice, on_change)
    if isinstance(first, str):
        return _OneOf(choice, on_change)
    return _Whole(choice, on_change) if isinstance(first, int) else _Real(choice, on_change)
