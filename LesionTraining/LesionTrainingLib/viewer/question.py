"""A question that must be answered before something is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3


@dataclass(frozen=True)
class Answer:
    """One of the buttons.

    Attributes:
        name: its element is ``training-answer-NAME``.
        title: on the button.
        action: what is done; nothing where None.
        dangerous: what it does cannot be undone.
    """

    name: str
    title: str
    action: Callable[[], None] | None = None
    dangerous: bool = False


class Question:
    """One at a time, over the page.

    Args:
        server: of trame.
    """

    def __init__(self, server: Any) -> None:
        self._server, self._actions = server, dict[str, Callable[[], None] | None]()
        server.state.training_question = {"title": "", "text": "", "answers": []}
        server.state.training_asking = False

    def ask(self, title: str, text: str, answers: Sequence[Answer]) -> None:
        """Ask this, in place of what was asked before. “Cancel” is there always."""
        state = self._server.state
        answers = (Answer("cancel", "Cancel"), *answers)
        self._actions = {answer.name: answer.action for answer in answers}
        shown = [{"name": a.name, "title": a.title, "color": "error" if a.dangerous else ""} for a in answers]
        state.training_question = {"title": title, "text": text, "answers": shown}
        state.training_asking = True

    def answer(self, name: str) -> None:
        """The person pressed a button; one that is not asked for does nothing."""
        actions, self._actions = self._actions, {}
        self._server.state.training_asking = False
        action = actions.get(name)
        if action is not None:
            action()

    def build(self) -> None:
        with (
            v3.VDialog(
                v_model=("training_asking",),
                max_width=460,
                persistent=True,
                raw_attrs=['aria-labelledby="training-question-title"'],
            ),
            v3.VCard(classes="training-question", id="training-question", raw_attrs=['role="alertdialog"']),
        ):
            html.H2("{{ training_question.title }}", id="training-question-title")
            html.P("{{ training_question.text }}")
            with html.Div(classes="training-buttons"):
                v3.VBtn(
                    "{{ one.title }}",
                    v_for="one in training_question.answers",
                    key="one.name",
                    click=(self.answer, "[one.name]"),
                    color=("one.color || undefined",),
                    variant=("one.name === 'cancel' ? 'text' : 'tonal'",),
                    raw_attrs=[":id=\"'training-answer-' + one.name\""],
                )
