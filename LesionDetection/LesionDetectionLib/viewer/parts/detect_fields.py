"""The widgets of section Detect."""

from __future__ import annotations

from collections.abc import Callable

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.region import AROUND

from ..marked import marked
from ..message_line import MessageLine
from .method_form import MethodForm
from .search_box import SearchBox

LEAST_MM, MOST_MM = 20.0, 300.0
"""Of the edge of the cube that is searched."""


def build_fields(form: MethodForm, box: SearchBox, message: MessageLine, on_detect: Callable[[], None]) -> None:
    """Make the fields from method to settings, the button, and what is said below it."""
    _select("method", "Method", "methods", "How lesions are found.")
    with html.P(classes="field-text", id="method-text"):
        html.Span("{{ method_finds }}", classes=("{ folded: !limits_shown }",), raw_attrs=[':title="method_finds"'])
        html.Span("{{ method_needs }}", classes="needs")
        with html.Span(v_if=("limits_shown",), classes="limits"):
            html.Span("{{ method_limits }}")
            html.Em("{{ method_reference }}")
        html.Button(
            "{{ limits_shown ? 'Less' : 'Limits and source' }}",
            click="limits_shown = !limits_shown",
            type="button",
            classes="link",
            raw_attrs=[':aria-expanded="limits_shown"'],
        )
    with html.Template(v_if=("needs_model",)):
        _select(
            "model",
            "Model",
            "models",
            "What the method has learned. Further models are put into the model folder, or made under Training.",
        )
        html.P("{{ model_text }}", classes="field-text", id="model-text", v_if=("model_text",))
        _select(
            "device",
            "Device",
            "devices",
            "Where it is computed. Automatic takes an NVIDIA GPU where there is one.",
        )
    _select(
        "region",
        "Search in",
        "regions",
        "Which part of the scan is searched. A part takes a part of the time.",
    )
    with html.Div(classes="field", v_if=(f"region === '{AROUND}'",)):
        html.Label("Edge", raw_attrs=['for="around"'])
        with html.Span(classes="with-unit"):
            html.Input(
                type="number",
                id="around",
                change="around_mm = window.lesionPage.number($event.target, "
                f"{{ lowest: {LEAST_MM:g}, highest: {MOST_MM:g} }}, around_mm)",
                title="Edge of the cube around the last click, or around the chosen finding where there was no click.",
                raw_attrs=[':value="around_mm"', f'min="{LEAST_MM:g}"', f'max="{MOST_MM:g}"', 'step="5"'],
            )
            html.Span("mm {{ around_text }}")
    box.build()
    form.build()
    with html.Div(classes="line line-warning", v_if=("model_warning[0]",), id="model-warning"):
        v3.VIcon("mdi-alert-outline", size=18)
        with html.Div(classes="line-text"):
            html.Strong("{{ model_warning[0] }} ")
            html.Span("{{ model_warning[1] }}")
    _build_button(message, on_detect)


def _build_button(message: MessageLine, on_detect: Callable[[], None]) -> None:
    v3.VBtn(
        "{{ detect_button }}",
        click=on_detect,
        id="detect-button",
        color=("detecting ? undefined : 'primary'",),
        variant=("detecting ? 'tonal' : 'flat'",),
        disabled=("!detect_ready",),
        raw_attrs=[':title="detect_tip"'],
    )
    v3.VProgressLinear(
        v_if=("detecting",),
        model_value=("100 * detect_fraction",),
        height=4,
        rounded=True,
        color="primary",
        id="detect-progress",
        raw_attrs=marked(label="Detecting"),
    )
    html.P(
        "{{ detect_hint }}",
        classes="section-text",
        id="detect-hint",
        v_if=("detect_hint",),
        raw_attrs=marked("status"),
    )
    message.build("detect-text")


def _select(name: str, title: str, items: str, tip: str) -> None:
    """A field whose items are ``{value, title}`` in the state."""
    with html.Div(classes="field"):
        html.Label(title, raw_attrs=[f'for="{name}"'])
        with html.Select(id=name, v_model=(name,), title=tip):
            html.Option("{{ one.title }}", v_for=f"one in {items}", key="one.value", v_bind_value=("one.value",))
