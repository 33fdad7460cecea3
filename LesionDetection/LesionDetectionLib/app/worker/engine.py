"""Who does the work: the side of the user interface. A job is followed by its callback; nothing here waits for it."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from LesionDetectionLib.core.errors import Cancelled, LesionDetectionError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.progress import Progress

from .failures import details_of, told
from .kept import Kept
from .requests import Request

State = Literal["waiting", "running", "cancelling", "done", "failed", "cancelled"]
OnChange = Callable[["Job"], None]

_log = logging.getLogger(__name__)


class Job:
    """One request on its way.

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


class Engine(Protocol):
    """Does requests one after the other."""

    def submit(self, request: Request, images: Mapping[str, Image], on_change: OnChange) -> Job:
        """Do this when those before it are done.

        Args:
            images: what the kind of request needs; not changed, and held until the job has ended.
            on_change: called with the job whenever its state or progress changes, the first time possibly before ``submit``
                returns, always in the thread of the user interface. What it raises is logged.
        """
        ...

    def close(self) -> None:
        """Cancel all jobs and let go of all that is held."""
        ...


class InProcess:
    """Does each request in this process, before ``submit`` returns: for scripts."""

    def __init__(self) -> None:
        self._kept = Kept()
        self._numbers = itertools.count(1)

    def submit(self, request: Request, images: Mapping[str, Image], on_change: OnChange = lambda job: None) -> Job:
        """Do it now. See :meth:`Engine.submit`; ``job.cancel()`` works from within ``on_change``, and from other threads."""

        def report(fraction: float, text: str) -> None:
            job.fraction, job.text = fraction, text or job.text
            notify(job, on_change)

        def cancel(job: Job) -> None:
            job.state = "cancelling"
            progress.cancel()

        progress = Progress(report)
        job = Job(next(self._numbers), request, cancel)
        job.state = "running"
        try:
            result = load(request.TASK)(request, images, self._kept, progress)
            progress(1.0)  # also: was it cancelled meanwhile?
            job.result, job.state = result, "done"
        except Cancelled:
            job.state = "cancelled"
        except Exception as error:
            job.error, job.details, job.state = told(error), details_of(error), "failed"
            if job.details:
                _log.error("%s", job.details)
        notify(job, on_change)
        return job

    def close(self) -> None:
        """Let go of the loaded models."""
        self._kept = Kept()


def notify(job: Job, on_change: OnChange) -> None:
    """Tell of a change. An error in a user interface must not stop the work."""
    try:
        on_change(job)
    except Exception:
        _log.exception("The change of a job could not be shown.")
