"""What takes long: one job of the engine at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from LesionDetectionLib.core.errors import LesionDetectionError, UsageError
from LesionDetectionLib.core.image import Image

from ..worker.engine import Engine, Job
from .review import JOB, Review


class Work(Review):
    """Results in one scene, and an engine that adds to them.

    Args:
        scene: in which results are added and found; nodes of others are never changed.
        engine: does what takes long.

    Attributes:
        job: the one under way, or the last one; None before the first.
        click: the click that is being measured, or was last: the same job, or one that is done beside it.
    """

    def __init__(self, scene: Any, engine: Engine) -> None:
        super().__init__(scene)
        self._engine = engine
        self.job: Job | None = None
        self.click: Job | None = None

    @property
    def busy(self) -> bool:
        return self.job is not None and not self.job.finished

    def cancel(self) -> None:
        """Stop what is running; nothing of it is kept."""
        if self.job is not None:
            self.job.cancel()

    def cancel_click(self) -> None:
        """Stop measuring the last click; what else is running goes on."""
        if self.click is not None:
            self.click.cancel()

    def _refuse_busy(self, for_click: bool = False) -> None:
        """Raises UsageError where another job would have to be waited for; a click is measured beside what takes long."""
        if not self.click_busy if for_click else not self.busy:
            return
        raise UsageError("Something is running already. Wait for it, or press Cancel first.")

    @property
    def click_busy(self) -> bool:
        return self.click is not None and not self.click.finished

    def _start(self, request: Any, images: Mapping[str, Image], done: Callable[[Any], None]) -> Job:
        beside = request.BESIDE and self.busy

        def hold(job: Job) -> Job:
            if request.BESIDE:
                self.click = job
            if not beside:
                self.job = job
            return job

        def on_change(job: Job) -> None:
            hold(job)
            if job.state == "done":
                try:
                    done(job.result)
                except LesionDetectionError as error:  # such as a volume that was removed meanwhile
                    self.message = str(error)
            elif job.finished:
                self.message = str(job.error or "")
            self._tell(JOB)

        self.message = ""
        job = hold(self._engine.submit(request, images, on_change))
        self._tell(JOB)
        return job

    def scene_closed(self) -> None:
        """The scene is empty or another one: stop, and forget what was in it."""
        self.cancel()
        self.cancel_click()
        self._images.forget()
        self._results = []
        self._activate(None)

    def close(self) -> None:
        """Stop, and end the engine. The session cannot be used any more."""
        self._observers = []
        self.cancel()
        self.cancel_click()
        self._images.forget()
        self._engine.close()
