"""Who does the work: the side of the user interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from LesionDetectionLib.core.image import Image

from .in_process import InProcess
from .job import Job, OnChange
from .requests import Request
from .worker_engine import WorkerEngine

__all__ = ["Engine", "InProcess", "Job", "OnChange", "WorkerEngine"]


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
