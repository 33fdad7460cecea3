"""The views' elements in the page, and how they are laid out: by the style sheet, so that nothing is made anew."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame_client.widgets.core import AbstractElement

from .factory import AXIAL, CORONAL, SAGITTAL, SPACE

LARGE, FOUR, ONE, PROJECTIONS = "large", "four", "axial", "projections"
"""Layouts; see ``web/views.css``."""
LAYOUTS = {LARGE: "One large", FOUR: "Four alike", ONE: "Axial only"}
PET_LAYOUTS = {PROJECTIONS: "Axial and two projections"}

MOUSE = (
    "Wheel: slices · Left drag: window · Right drag: zoom · Shift drag: move · Click: crosshair · Double click: large"
)

_LABELS = {AXIAL: "Axial", CORONAL: "Coronal", SAGITTAL: "Sagittal", SPACE: "3D"}


def build_grid(server: Any) -> None:
    """Make the four elements, inside the layout that is being built.

    State: ``map_colors``, ``map_span``, ``pet_colors``, ``pet_span`` (which colour means which value), ``view_layout``, ``view_alone`` (name of the only view that is shown, empty for all), ``measuring``, ``drawing``.
    """
    state = server.state
    state.setdefault("view_layout", LARGE)
    state.setdefault("view_alone", "")
    state.setdefault("measuring", False)
    state.setdefault("drawing", False)
    for name in ("map", "pet"):
        state.setdefault(f"{name}_colors", "")
        state.setdefault(f"{name}_span", ["", ""])
    server.enable_module({"vue_use": ["lesion_views"]})
    with html.Div(
        classes="view-grid", raw_attrs=[':data-layout="view_layout"', ':data-alone="view_alone || null"', 'id="views"']
    ):
        for name, label in _LABELS.items():
            first = "view-first " if name == AXIAL else ""
            _View(
                view=name,
                kind="space" if name == SPACE else "slice",
                label=label,
                measuring=("measuring",),
                drawing=("drawing",),
                classes=(f"'{first}' + (view_alone === '{name}' ? 'view-alone' : '')",),
            )
    with html.Div(classes="view-strip"):
        with html.Div(id="click-text", v_show="click_text", classes=("'click-' + (click_kind || 'plain')",)):
            html.Span("{{ click_text }}")
        html.Div(MOUSE, v_show="!click_text", classes="quiet view-hint")
        # Where a map is shown, it lies over the image instead of the PET.
        for name, what, shown in (("map", "map_title", "map_colors"), ("pet", "'SUV'", "pet_colors && !map_colors")):
            with html.Span(classes="color-legend", v_show=(shown,), id=f"{name}-legend"):
                html.Span(f"{{{{ {what} }}}} {{{{ {name}_span[0] }}}}")
                html.I(style=(f"{{ background: {name}_colors }}",))
                html.Span(f"{{{{ {name}_span[1] }}}}")
        html.Output(id="under-cursor")


class _View(AbstractElement):  # type: ignore[misc]
    """The element of ``web/views.js``."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__("lesion-view", **attributes)
        self._attr_names += ["view", "kind", "label", "measuring", "drawing"]
