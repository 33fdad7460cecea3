"""One request on its way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

from LesionDetectionLib.core.errors import LesionDetectionError

from .requests import Request

State = Literal["waiting", "running", "cancelling", "done", "failed", "cancelled"]
OnChange = Callable[["Job"], None]

_log = logging.getLogger(__name__)


class Job:
    """A request and what came of it so far. Followed by its callback; nothing here waits.

    Attributes:
        id: counted by its engine.
        request: what was asked.
        state: ``waiting``, ``running``, ``cancelling``, then ``done``, ``failed`` or ``cancelled``.
        fraction: how much is done, 0 to 1.
        text: what is being done.
        result: of a job that is done.
        error: of a job that failed, with its sentence for the user.
        details: what a programmer wants to know of an error; may be empty.
    """

    def __init__(self, number: int, request: Request, cancel: Callable[[Job], None]) -> None:
        self.id = number
        self.request = request
        self.state: State = "waiting"
        self.fraction = 0.0
        self.text = ""
        self.result: Any = None
        self.error: LesionDetectionError | None = None
        self.details = ""
        self._cancel = cancel

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    def cancel(self) -> None:
        """Ask for its end: at once where it is waiting, at its next progress where it runs. Nothing where it has ended."""
        if self.state in ("waiting", "running"):
            self._cancel(self)


def notify(job: Job, on_change: OnChange) -> None:
    """Tell of a change. An error in a user interface must not stop the work."""
    try:
        on_change(job)
    except Exception:
        _log.exception("The change of a job could not be shown.")
