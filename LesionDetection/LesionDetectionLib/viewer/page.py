"""The page: bar, sections at the left, views in the middle, a line for messages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from .context import Context
from .parts.part import Part

TITLE = "Lesion Detection"
_STYLE = Path(__file__).with_name("web") / "viewer.css"


def build_page(context: Context, sections: Sequence[tuple[str, Part]]) -> Any:
    """Make the page with these sections, each under its title."""
    state = context.state
    state.trame__title = TITLE
    state.message_text, state.message_kind, state.message_shown = "", "note", False
    with VAppLayout(context.server) as layout:
        layout.root.theme = "dark"
        client.Style(_STYLE.read_text(encoding="utf-8"))
        with v3.VAppBar(density="compact", flat=True):
            v3.VToolbarTitle(TITLE)
        with v3.VNavigationDrawer(permanent=True, width=400):
            for title, part in sections:
                with html.Section(classes="section"):
                    html.H2(title)
                    part.build()
        with v3.VMain(), html.Div(classes="views"):
            context.stage.layouts.initialize_layout_grid(layout)
        with v3.VSnackbar(v_model=("message_shown",), timeout=-1, id="message"):
            html.Span("{{ message_text }}")
    return layout
