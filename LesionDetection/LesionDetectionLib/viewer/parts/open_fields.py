"""The widgets of section Images, and the dialog in which series are chosen."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..marked import marked

_PET_SHOWN = "has_images && (pet_chosen || pet_items.length > 1)"
"""With one volume, chosen as CT, there is nothing to choose."""


def build_fields(part: Any) -> None:
    """Make them; ``part`` is an :class:`.open_part.OpenPart`."""
    _inputs()
    _progress(part)
    html.P("Nothing is loaded.", classes="section-text", v_if=("!has_images && !opening && !served_scans.length",))
    for name, title, shown in (("ct", "CT", "has_images"), ("pet", "PET", _PET_SHOWN)):
        with html.Div(classes="field", v_if=(shown,)):
            html.Label(title, raw_attrs=[f'for="{name}-select"'])
            with html.Select(id=f"{name}-select", v_model=(f"{name}_chosen",), title=f"The {title} that is looked at."):
                html.Option(
                    "{{ one.title }}", v_for=f"one in {name}_items", key="one.value", v_bind_value=("one.value",)
                )
    with html.Div(id="images-text", v_if=("has_images",)):
        html.P("{{ line }}", v_for="line in images_text", key="line", classes="section-text")
        with html.Div(v_for="line in images_warnings", key="line", classes="line image-warning"):
            v3.VIcon("mdi-alert-outline", size=16, classes="warning-icon")
            html.Span("{{ line }}", classes="line-text")
    _served(part)
    with html.Div(classes="open-buttons", v_if=("has_images",)):
        for name, title, icon in (
            ("files", "Open files", "mdi-file-plus-outline"),
            ("folder", "Open folder", "mdi-folder-plus-outline"),
        ):
            v3.VBtn(
                title,
                id=f"open-{name}-button",
                prepend_icon=icon,
                size="small",
                variant="text",
                disabled=("opening",),
                click=f"window.lesionPage.press('open-{name}')",
            )
    _series(part)


def _inputs() -> None:
    """Hidden: buttons press them."""
    for name, more in (("files", []), ("folder", ["webkitdirectory"])):
        html.Input(
            type="file",
            id=f"open-{name}",
            classes="unseen",
            multiple=True,
            change="window.lesionFiles.picked($event)",
            raw_attrs=[*more, 'tabindex="-1"', 'aria-hidden="true"'],
        )


def _progress(part: Any) -> None:
    with html.Div(classes="open-progress", id="open-progress", v_if=("opening",), raw_attrs=marked("status")):
        with html.Div(classes="open-line"):
            html.Span("{{ opening_text }}", id="open-text", classes="one-line")
            v3.VBtn("Cancel", id="open-cancel", click=part.cancel, size="small", variant="text", density="compact")
        v3.VProgressLinear(model_value=("100 * opening_fraction",), height=4, rounded=True, color="primary")


def _served(part: Any) -> None:
    with html.Div(id="served", v_if=("served_scans.length",), classes="served"):
        html.Span("Scans in {{ served_name }}", classes="section-text")
        html.Input(
            type="search",
            id="served-filter",
            v_model=("served_filter",),
            v_if=("served_scans.length > 12",),
            placeholder="Show those whose name has …",
            raw_attrs=marked(label="Part of a scan's name"),
        )
        with (
            html.Div(id="served-list", classes="served-list", raw_attrs=marked("list", "Scans in the folder")),
            html.Button(
                v_for="one in served_scans.filter((scan) => scan.path.toLowerCase().includes(served_filter.toLowerCase()))",
                key="one.path",
                classes="served-item",
                type="button",
                disabled=("opening",),
                click=(part.on_served, "[one.path]"),
                raw_attrs=[':title="one.path"', ':data-path="one.path"'],
            ),
        ):
            html.Span("{{ one.path === '.' ? served_name : one.path }}", classes="served-name")
            html.Span("{{ one.details }}", classes="served-details")


def _series(part: Any) -> None:
    with (
        v3.VDialog(v_model=("series_shown",), max_width=640, persistent=True),
        v3.VCard(classes="dialog", id="series-dialog", raw_attrs=marked("dialog", "Which series")),
    ):
        html.H2("Which of these?")
        html.P("Several scans are in {{ series_title }}. Choose one, or a CT and its PET.", classes="quiet")
        with (
            html.Div(classes="series-list"),
            html.Label(v_for="one in series_items", key="one.value", classes="series-item"),
        ):
            html.Input(type="checkbox", v_model=("series_chosen",), v_bind_value=("one.value",))
            with html.Span():
                html.Strong("{{ one.title }}")
                html.Span("{{ one.details }}", classes="quiet")
        with html.Div(classes="dialog-buttons"):
            v3.VBtn("Cancel", id="series-cancel", click=(part.answer_series, "[[]]"), variant="text", size="small")
            v3.VBtn(
                "Open",
                id="series-open",
                click=(part.answer_series, "[series_chosen]"),
                disabled=("!series_chosen.length",),
                color="primary",
                variant="flat",
                size="small",
            )
