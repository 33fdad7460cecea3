"""The page: bar, sections at the left, views in the middle, a line for messages.

Elements that tests, keys and other parts hold on to, by id:

- bar: ``viewer-tab``, ``training-tab``, ``close-button``, ``theme-button``, ``help-button``; the tools of the views
- over the page: ``start`` (nothing is loaded), ``busy``, ``message``, ``question`` (``question-yes``, ``question-no``), ``help``,
  ``ended``
- Detect: ``method``, ``method-text``, ``model``, ``model-text``, ``device``, ``region``, ``box-text``, ``box-here``, ``box-reset``, ``around``, ``method-settings``
  (``setting-NAME``, ``settings-reset``), ``detect-button``, ``detect-progress``, ``detect-text``, ``detect-hint``
- Findings: ``result-select``, ``result-warning``, ``operating-slider``, ``operating-text``, ``control-NAME``,
  ``controls-reset``, ``findings`` (a table; its rows are ``tr[data-id=L1]`` with the classes current, chosen, accepted,
  rejected), ``finding-text``, ``previous-button``, ``next-button``, ``go-to-button``, ``accept-button``, ``reject-button``,
  ``undecide-button``, ``relabel``, ``merge-button``, ``delete-button``, ``rejected-shown``
- sections: ``section-images``, ``section-detect``, ``section-findings``, ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import html
from trame.widgets import vuetify3 as v3

from .context import Context
from .dialogs import RESEARCH_ONLY, build_dialogs, build_ears
from .look import vuetify_config
from .marked import marked
from .parts.part import Part
from .views.grid import build_grid

TITLE = "Lesion Detection"
VIEWER, TRAINING = "viewer", "training"
"""The two pages."""

_WEB = Path(__file__).with_name("web")
_SERVED = "viewer-web"


@dataclass(frozen=True)
class Section:
    """A part of the panel at the left, under a title that folds it.

    Attributes:
        name: its element is ``section-NAME``.
        fills: whether it takes the height that the others leave.
        unfolded: at the beginning.
    """

    name: str
    title: str
    part: Part
    fills: bool = False
    unfolded: bool = True


def build_page(
    context: Context, sections: Sequence[Section], toolbar: Part | None, start: Part, training: Any | None = None
) -> Any:
    """Make the page.

    Args:
        toolbar: the tools of the views, in the bar.
        start: what is shown while nothing is loaded.
        training: the page for training, None where there is none.
    """
    server, state = context.server, context.state
    state.trame__title, state.page, state.theme = TITLE, VIEWER, "dark"
    server.enable_module(
        {
            "serve": {_SERVED: str(_WEB)},
            "scripts": [f"{_SERVED}/{path.name}" for path in sorted(_WEB.glob("*.js"))],
            "styles": [f"{_SERVED}/{path.name}" for path in sorted(_WEB.glob("*.css"))],
        }
    )
    with VAppLayout(server, vuetify_config=vuetify_config()) as layout:
        layout.root.theme = ("theme",)
        build_ears()
        _bar(context, toolbar, training)
        with html.Main(classes="viewer", v_show=("page === 'viewer'",)):
            with html.Aside(classes="panel", raw_attrs=marked(label="Images, detection and findings")):
                for section in sections:
                    _section(section)
                html.P(RESEARCH_ONLY, classes="research-only", id="research-only")
            with html.Div(classes="views"):
                build_grid(server)
                start.build()
        if training is not None:
            with html.Main(classes="training", v_show=("page === 'training'",)):
                training.build()
        build_dialogs(context)
    return layout


def _bar(context: Context, toolbar: Part | None, training: Any | None) -> None:
    with html.Header(classes="bar"):
        html.H1(TITLE, classes="bar-title")
        with html.Div(
            classes="bar-tools", v_show=("page === 'viewer'",), raw_attrs=marked("toolbar", "Tools of the views")
        ):
            if toolbar is not None:
                toolbar.build()
        html.Div(classes="bar-space")
        if training is not None:
            with html.Nav(classes="tabs", raw_attrs=marked("tablist")):
                for name, title in ((VIEWER, "Viewer"), (TRAINING, "Training")):
                    html.Button(
                        title,
                        id=f"{name}-tab",
                        classes=(f"page === '{name}' ? 'tab tab-on' : 'tab'",),
                        click=f"page = '{name}'",
                        type="button",
                        raw_attrs=marked("tab", aria_selected=f"page === '{name}'"),
                    )
        _bar_button("close-button", "mdi-close-box-multiple-outline", "Close all", _close(context), "!has_images")
        _bar_button(
            "theme-button",
            "mdi-theme-light-dark",
            "Light or dark",
            "theme = theme === 'dark' ? 'light' : 'dark'; window.lesionPage.rememberTheme(theme)",
        )
        _bar_button("help-button", "mdi-help-circle-outline", "Help and keys", "help_shown = true")
    with html.Div(classes="busy", id="busy", v_if=("busy_text",), raw_attrs=marked("status")):
        v3.VProgressLinear(indeterminate=True, height=2, color="primary")
        html.Span("{{ busy_text }}", v_if=("has_images",))


def _bar_button(name: str, icon: str, title: str, click: Any, disabled: str = "false") -> None:
    v3.VBtn(
        id=name,
        icon=icon,
        title=title,
        click=click,
        disabled=(disabled,),
        size="small",
        variant="text",
        density="comfortable",
        raw_attrs=marked(label=title),
    )


def _close(context: Context) -> Callable[[], None]:
    def ask() -> None:
        context.ask(
            "Close all?",
            "Scans, findings and your decisions are closed. What was not downloaded is lost; the files that were opened "
            "stay as they are.",
            "Close all",
            context.close_scene,
        )

    return ask


def _section(section: Section) -> None:
    """A native fold: the keyboard and screen readers know it."""
    with html.Details(
        id=f"section-{section.name}",
        classes="section section-fills" if section.fills else "section",
        raw_attrs=["open"] if section.unfolded else [],
    ):
        with html.Summary(classes="section-title"), html.H2():
            html.Span(section.title)
        with html.Div(classes="section-body"):
            section.part.build()
