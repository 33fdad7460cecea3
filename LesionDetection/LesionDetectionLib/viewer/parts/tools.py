"""The forms that tools in the bar have."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..marked import marked

FULL = 100
"""The far end of a slider for opacity, per cent."""


def select(element_id: str, model: str, items: str, title: str, empty: str = "") -> None:
    """A list to choose from, its items ``{value, title}`` in the state.

    Args:
        empty: what is said where nothing of it is chosen.
    """
    with html.Select(id=element_id, v_model=(model,), title=title, classes="tool", raw_attrs=marked(label=title)):
        if empty:
            html.Option(empty, value="", hidden=True)
        html.Option("{{ one.title }}", v_for=f"one in {items}", key="one.value", v_bind_value=("one.value",))


def button(element_id: str, icon: str, title: str, click: Any, on: str = "") -> None:
    """
    Args:
        on: name of the state that it turns on and off; empty for one that does something once.
    """
    v3.VBtn(
        icon=icon,
        click=click,
        id=element_id,
        title=title,
        color=(f"{on} ? 'primary' : undefined" if on else "undefined",),
        size="small",
        variant="text",
        density="comfortable",
        classes="tool",
        raw_attrs=marked(label=title, **({"aria_pressed": on} if on else {})),
    )


def slider(element_id: str, model: str, label: str) -> None:
    """From 0 to :data:`FULL`."""
    html.Input(
        type="range",
        id=element_id,
        min="0",
        max=str(FULL),
        step="5",
        v_model_number=(model,),
        raw_attrs=marked(label=label),
    )
