"""Questions to the user: each is recorded, and answered by what the test laid down beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONFIRM = {"ok_cancel": False, "yes_no": False, "retry_close": False}
"""With ``--testing`` Slicer answers its own questions with no at once (tried)."""


@dataclass(frozen=True)
class Question:
    """What the user would have seen.

    ``kind``: ok_cancel, yes_no, retry_close, info, warning, error, message, path, text, number, choice, dialog.
    """

    kind: str
    text: str
    title: str = ""
    answer: Any = None


class Dialogs:
    """``answers[words] = answer`` answers each question that has these words in its text or title, or is of that kind.

    An answer that is a list is used up, one each time. Without an answer Slicer's own questions are declined, as with
    ``--testing``; a dialog that would wait for ever (QFileDialog, QInputDialog, an own ``exec_()``) raises.
    """

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.answers: dict[str, Any] = {}

    def clear(self) -> None:
        self.questions.clear()
        self.answers.clear()

    def ask(self, kind: str, text: str, title: str = "") -> Any:
        answer = self._find(kind, text, title)
        self.questions.append(Question(kind, text, title, answer))
        return answer

    def _find(self, kind: str, text: str, title: str) -> Any:
        for words, answer in self.answers.items():
            if words in text or words in title or words == kind:
                if not isinstance(answer, list):
                    return answer
                if not answer:
                    raise AssertionError(f"No answer is left for {kind}: {text!r}")
                return answer.pop(0)
        if kind in CONFIRM:
            return CONFIRM[kind]
        if kind in ("info", "warning", "error", "message"):
            return None
        raise AssertionError(
            f"Nobody answers this {kind} dialog: {text!r} {title!r}. Set slicer_app.answers[{kind!r}]."
        )


DIALOGS = Dialogs()


def statics() -> dict[str, dict[str, Any]]:
    """Static functions of Qt that open a dialog and wait, by class."""
    return {
        "QFileDialog": {
            "getExistingDirectory": lambda parent=None, caption="", folder="", options=0: str(
                DIALOGS.ask("path", caption, "folder") or ""
            ),
            "getOpenFileName": lambda parent=None, caption="", folder="", filters="", selected="", options=0: str(
                DIALOGS.ask("path", caption, filters) or ""
            ),
            "getOpenFileNames": lambda parent=None, caption="", folder="", filters="", selected="", options=0: tuple(
                str(path) for path in DIALOGS.ask("path", caption, filters) or ()
            ),
            "getSaveFileName": lambda parent=None, caption="", folder="", filters="", selected="", options=0: str(
                DIALOGS.ask("path", caption, filters) or ""
            ),
        },
        "QInputDialog": {
            "getText": lambda parent, title, label, mode=0, text="": DIALOGS.ask("text", label, title) or "",
            "getItem": lambda parent, title, label, items, current=0, editable=True: (
                DIALOGS.ask("choice", label, title) or ""
            ),
            "getInt": lambda parent, title, label, value=0, low=0, high=0, step=1: DIALOGS.ask("number", label, title),
            "getDouble": lambda parent, title, label, value=0.0, low=0.0, high=0.0, decimals=1: DIALOGS.ask(
                "number", label, title
            ),
        },
        "QMessageBox": {
            kind: (lambda parent, title, text, buttons=1024, default=0: DIALOGS.ask("dialog", text, title))
            for kind in ("question", "information", "warning", "critical")
        },
    }
