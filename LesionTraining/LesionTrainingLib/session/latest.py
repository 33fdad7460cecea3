"""A question that a newer one of its sort replaces: while a person types, only the last answer counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from LesionDetectionLib.app.worker.engine import Engine, Job
from LesionDetectionLib.app.worker.requests import Request
from LesionDetectionLib.core.errors import LesionDetectionError


class Latest:
    """Asks an engine, and forgets the question before.

    Args:
        engine: gives the engine when it is first needed, as a worker process costs time and memory.
        on_change: called when the question that counts has progressed or ended.

    Attributes:
        error: of the last question that ended; None where it went well.
    """

    def __init__(self, engine: Callable[[], Engine], on_change: Callable[[], None]) -> None:
        self._engine, self._on_change = engine, on_change
        self._number = 0
        self._job: Job | None = None
        self.error: LesionDetectionError | None = None

    @property
    def busy(self) -> bool:
        return self._job is not None

    @property
    def fraction(self) -> float:
        return self._job.fraction if self._job is not None else 0.0

    @property
    def text(self) -> str:
        """What is being done, in words; empty where nothing is."""
        return self._job.text if self._job is not None else ""

    def ask(self, request: Request, answered: Callable[[Any], None]) -> None:
        """Ask this and no longer what was asked before; ``answered`` gets the result, unless it fails or is replaced."""
        self.cancel()
        self.error = None
        number = self._number

        def changed(job: Job) -> None:
            if number != self._number:
                return
            self._job = None if job.finished else job
            if job.finished:
                self._number += 1
                self.error = job.error
                if job.state == "done":
                    answered(job.result)
            self._on_change()

        job = self._engine().submit(request, {}, changed)
        if number == self._number and not job.finished:
            self._job = job
            self._on_change()

    def cancel(self) -> None:
        """Let the question go."""
        self._number += 1
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
