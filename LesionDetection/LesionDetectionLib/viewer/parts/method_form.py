"""The settings of a method that a person may want to change, as a form: made from what the method says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.method_settings import Value, changed_values, reset_words, settings_title
from LesionDetectionLib.core.detector import Choice

from ..context import Context
from .part import Part

_YES_OR_NO, _ONE_OF, _WHOLE, _REAL = "yes-or-no", "one-of", "whole", "real"
"""Kinds of fields."""
_SET = "setting_values = { ...setting_values, [field.name]: %s }"


class MethodForm(Part):
    """A folded group of fields, one a choice, and a button that takes all changes back.

    Args:
        on_change: called with the values that differ from the first ones, by name, after a person changed one.
    """

    def __init__(self, context: Context, on_change: Callable[[dict[str, Value]], None]) -> None:
        super().__init__(context)
        self._on_change = on_change
        self._choices: tuple[Choice, ...] = ()
        self._first: dict[str, Value] = {}
        context.state.update(
            {
                "setting_fields": [],
                "setting_values": {},
                "settings_changed": [],
                "settings_title": "",
                "settings_reset": ["", ""],
            }
        )
        context.state.change("setting_values")(self._on_values)

    def build(self) -> None:
        with html.Details(id="method-settings", classes="fold", v_if=("setting_fields.length",)):
            html.Summary("{{ settings_title }}")
            with html.Div(classes="form"):
                with html.Template(v_for="field in setting_fields", key="field.name"):
                    self._build_field()
                v3.VBtn(
                    "{{ settings_reset[0] }}",
                    id="settings-reset",
                    click=self.reset,
                    disabled=("!settings_changed.length",),
                    size="x-small",
                    variant="tonal",
                    raw_attrs=[':title="settings_reset[1]"'],
                )

    def _build_field(self) -> None:
        marks = [":class=\"{ 'is-changed': settings_changed.includes(field.name) }\"", ':title="field.help"']
        with html.Label(classes="check", v_if=(f"field.kind === '{_YES_OR_NO}'",), raw_attrs=marks):
            html.Input(
                type="checkbox",
                change=_SET % "$event.target.checked",
                raw_attrs=[":id=\"'setting-' + field.name\"", ':checked="setting_values[field.name]"'],
            )
            html.Span("{{ field.title }}")
        with html.Div(classes="field field-wide", v_else=True, raw_attrs=marks):
            html.Label("{{ field.title }}", raw_attrs=[":for=\"'setting-' + field.name\""])
            with html.Select(
                v_if=(f"field.kind === '{_ONE_OF}'",),
                change=_SET % "$event.target.value",
                raw_attrs=[":id=\"'setting-' + field.name\"", ':value="setting_values[field.name]"'],
            ):
                html.Option(
                    "{{ option[1] }}", v_for="option in field.options", key="option[0]", v_bind_value=("option[0]",)
                )
            with html.Span(classes="with-unit", v_else=True):
                html.Input(
                    type="number",
                    change=_SET % "window.lesionPage.number($event.target, field, setting_values[field.name])",
                    raw_attrs=[
                        ":id=\"'setting-' + field.name\"",
                        ':value="setting_values[field.name]"',
                        ':min="field.lowest"',
                        ':max="field.highest"',
                        ':step="field.step"',
                    ],
                )
                html.Span("{{ field.unit }}", v_if=("field.unit",))

    def show(
        self, choices: Sequence[Choice], first: Mapping[str, Value], changed: Mapping[str, Value], from_model: bool
    ) -> None:
        """Show these settings.

        Args:
            first: what each is while nobody changes it.
            changed: those that were changed, see :func:`~LesionDetectionLib.app.method_settings.changed_values`.
            from_model: whether the first values are a model's.
        """
        state = self.context.state
        self._choices, self._first = tuple(choices), dict(first)
        state.setting_fields = [_field(choice, first[choice.name]) for choice in choices]
        state.setting_values = {
            choice.name: _shown(choice, changed.get(choice.name, first[choice.name])) for choice in choices
        }
        state.settings_changed, state.settings_title = sorted(changed), settings_title(len(changed))
        state.settings_reset = list(reset_words(from_model))

    def reset(self) -> None:
        """Take all changes back."""
        with self.context.told():
            self._on_change({})

    def _on_values(self, setting_values: Any, **_state: Any) -> None:
        shown = {choice.name: self._first[choice.name] for choice in self._choices}
        if not isinstance(setting_values, dict) or set(setting_values) != set(shown):
            return
        wanted = {name: _as(self._first[name], value) for name, value in setting_values.items()}
        with self.context.told():
            self._on_change(changed_values(self._choices, self._first, wanted))


def _field(choice: Choice, first: Value) -> dict[str, Any]:
    """The field that fits the kind of the value."""
    field: dict[str, Any] = {"name": choice.name, "title": choice.title, "help": choice.help}
    if isinstance(first, bool):
        return {**field, "kind": _YES_OR_NO}
    if isinstance(first, str):
        return {**field, "kind": _ONE_OF, "options": [list(option) for option in choice.options]}
    whole = isinstance(first, int)
    return {
        **field,
        "kind": _WHOLE if whole else _REAL,
        "lowest": choice.range[0],
        "highest": choice.range[1],
        "step": 1 if whole else 10.0**-choice.decimals,
        "unit": choice.unit,
    }


def _shown(choice: Choice, value: Value) -> Value:
    return round(value, choice.decimals) if isinstance(value, float) else value


def _as(first: Value, value: Any) -> Any:
    """A browser sends 2 for 2.0."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if isinstance(first, float) and whole else value
