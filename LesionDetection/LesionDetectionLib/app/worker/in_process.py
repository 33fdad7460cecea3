"""The engine without a child process."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping

from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.progress import Progress

from .failures import details_of, told
from .job import Job, OnChange, notify
from .kept import Kept
from .requests import Request

_log = logging.getLogger(__name__)


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
