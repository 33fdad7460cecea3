"""What lies over the page: help, a question, a message, and what is said when the server is gone."""

from __future__ import annotations

from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib import __version__

from .context import Context
from .marked import marked

RESEARCH_ONLY = "For research. Not a medical device; not for clinical decisions."

KEYS = (
    ("N or Ctrl+Down, P or Ctrl+Up", "next, previous finding"),
    ("G or Enter", "show the chosen finding in the views"),
    ("A, R, U", "accept, reject, undecided"),
    ("M", "merge the chosen findings"),
    ("Delete", "delete the chosen findings"),
    ("Ctrl+Z, Ctrl+Y", "undo, redo"),
    ("C", "click to measure, on and off"),
    ("D", "draw two diameters, on and off"),
    ("Escape", "stop clicking or drawing; stop a measurement"),
)
"""In the help; those that ``web/page.js`` hands on."""
_MOUSE = (
    ("Wheel", "through the slices"),
    ("Left drag", "brightness and contrast"),
    ("Right drag", "closer, farther"),
    ("Shift and drag", "move the picture"),
    ("Click", "all views to this place; with Click to measure, the lesion there"),
    ("Double click", "one view large, and back"),
)

ENDED = """
<v-app :theme="theme">
  <div class="ended" role="alert" id="ended">
    <trame-client-triggers @created="window.lesionPage.reconnect()"></trame-client-triggers>
    <div class="ended-wait"><h1>Reconnecting</h1><p>The viewer does not answer at the moment.</p></div>
    <div class="ended-gone"><h1>The viewer has ended</h1>
      <p>It was stopped, or its terminal was closed. Start it again, then open the address that it prints.</p>
      <button type="button" @click="window.location.reload()">Try again</button></div>
  </div>
</v-app>
"""
"""In place of the page when the connection is lost; no picture of a patient stays there."""


def build_dialogs(context: Context) -> None:
    """Make the help, the question and the message line."""
    state = context.state
    state.help_shown = False
    state.trame__template_error = state.trame__template_error_reconnect = ENDED
    _help()
    _question(context)
    _message(context)


def _help() -> None:
    with (
        v3.VDialog(v_model=("help_shown",), max_width=560, raw_attrs=marked(label="Help")),
        v3.VCard(classes="dialog", id="help"),
    ):
        html.H2("Lesion Detection")
        html.P(
            "Finds lesions in CT and PET, lets you decide on each, measures what you click on, and hands the result on. "
            "Everything stays on the computer that runs it."
        )
        html.P(f"{RESEARCH_ONLY} Version {__version__}, Apache License 2.0.", classes="quiet")
        for title, lines in (("Keys", KEYS), ("Mouse in the slices", _MOUSE)):
            html.H3(title)
            with html.Dl(classes="keys"):
                for key, does in lines:
                    html.Dt(key)
                    html.Dd(does)
        with html.Div(classes="dialog-buttons"):
            v3.VBtn("Close", click="help_shown = false", variant="tonal", size="small", autofocus=True)


def _question(context: Context) -> None:
    with (
        v3.VDialog(v_model=("question_shown",), max_width=440, persistent=True),
        v3.VCard(classes="dialog", id="question", raw_attrs=marked("alertdialog")),
    ):
        html.H2("{{ question.title }}", id="question-title")
        html.P("{{ question.text }}")
        with html.Div(classes="dialog-buttons"):
            v3.VBtn(
                "Cancel",
                click=(context.answer, "[false]"),
                variant="text",
                size="small",
                autofocus=True,
                id="question-no",
            )
            v3.VBtn(
                "{{ question.button }}",
                click=(context.answer, "[true]"),
                color="error",
                variant="tonal",
                size="small",
                id="question-yes",
            )


def _message(context: Context) -> None:
    # The live region is there before what it says, or a screen reader does not hear of it.
    with (
        html.Div(classes="message-place", raw_attrs=['aria-live="polite"']),
        html.Div(
            id="message",
            v_if=("message_shown",),
            classes=("'message ' + message_kind",),
            raw_attrs=marked(role="status"),
        ),
    ):
        v3.VIcon(icon=("message_kind === 'warning' ? 'mdi-alert-outline' : 'mdi-information-outline'",), size=18)
        with html.Div(classes="message-text"):
            html.Span("{{ message_text }}")
            with html.Details(v_if=("message_details",)):
                html.Summary("Details")
                html.Pre("{{ message_details }}")
        with html.Button(
            type="button", classes="message-close", click=context.tell_nothing, raw_attrs=marked(label="Close")
        ):
            v3.VIcon("mdi-close", size=18)


def build_ears() -> None:
    """What the browser does of itself: the theme that was chosen last time."""
    client.ClientTriggers(mounted="theme = window.lesionPage.theme()", ref="page_triggers")
