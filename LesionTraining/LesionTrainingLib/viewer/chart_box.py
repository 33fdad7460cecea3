"""Where a chart is drawn: an SVG whose paths and texts are bound to the state."""

from __future__ import annotations

from trame.widgets import html
from trame_client.widgets.core import AbstractElement

from .charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH

_MIDDLE_X = (LEFT + WIDTH - RIGHT) / 2
_MIDDLE_Y = (TOP + HEIGHT - BOTTOM) / 2


def chart_box(name: str, title: str, label: str) -> None:
    """A chart, bound to ``training_NAME``; nothing is shown while it has no lines.

    Args:
        title: above it.
        label: what it is, for who cannot see it.
    """
    chart = f"training_{name}"
    with html.Figure(classes="training-chart", v_if=(f"{chart}.lines.length",), id=f"training-{name}"):
        with html.Figcaption():
            html.Span(title, classes="training-chart-title")
            with html.Span(
                classes=("'training-key training-color-' + one.color",), v_for=f"one in {chart}.legend", key="one.name"
            ):
                html.Span("{{ one.name }}")
        with _svg("svg", f'viewBox="0 0 {WIDTH} {HEIGHT}"', 'role="img"', f'aria-label="{label}"'):
            _axes(chart)
            _svg("path", 'class="training-band"', f':d="{chart}.band"', v_if=(f"{chart}.band",))
            _svg(
                "path",
                ':d="one.d"',
                ":class=\"['training-line', 'training-color-' + one.color, one.faint && 'training-faint', "
                "one.bold && 'training-bold', one.dot && 'training-dot']\"",
                v_for=f"(one, n) in {chart}.lines",
                key="n",
            )


def _axes(chart: str) -> None:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    with _svg("g", 'class="training-axis"'):
        with _svg("g", v_for=f"tick in {chart}.y", key="'y' + tick.text"):
            _svg("line", f'x1="{LEFT}" x2="{right}" :y1="tick.at" :y2="tick.at"')
            _text(f'x="{LEFT - 7}" :y="tick.at + 4" text-anchor="end"', "tick.text")
        with _svg("g", v_for=f"tick in {chart}.x", key="'x' + tick.text"):
            _svg("line", f':x1="tick.at" :x2="tick.at" y1="{bottom}" y2="{bottom + 4}"')
            _text(f':x="tick.at" y="{bottom + 17}" text-anchor="middle"', "tick.text")
        _text(
            f'x="{_MIDDLE_X:g}" y="{HEIGHT - 6}" text-anchor="middle" class="training-axis-title"', f"{chart}.x_title"
        )
        turned = f"rotate(-90 11 {_MIDDLE_Y:g})"
        _text(
            f'x="11" y="{_MIDDLE_Y:g}" transform="{turned}" text-anchor="middle" class="training-axis-title"',
            f"{chart}.y_title",
        )


def _text(attributes: str, shown: str) -> None:
    _svg("text", attributes, children=f"{{{{ {shown} }}}}")


def _svg(element: str, *attributes: str, **more: object) -> AbstractElement:
    return AbstractElement(element, raw_attrs=list(attributes), **more)
