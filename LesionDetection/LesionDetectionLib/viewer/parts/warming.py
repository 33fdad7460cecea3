"""What the worker does while the person looks at the scan, so that the first click is as fast as the second."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence

from LesionDetectionLib.app.worker.engine import Engine, Job
from LesionDetectionLib.app.worker.requests import DevicesRequest, WarmRequest


class Warming:
    """Asks for devices once, and lets torch and the chosen model be loaded; nothing before it is allowed to.

    Args:
        on_devices: called with what there is to compute on.
    """

    def __init__(self, engine: Engine, on_devices: Callable[[Sequence[Mapping[str, str]]], None]) -> None:
        self._engine, self._on_devices = engine, on_devices
        self._allowed = False
        self._wanted: WarmRequest | None = None
        self._job: Job | None = None

    def allow(self) -> None:
        """There is somebody to be fast for, and torch to load."""
        self._allowed = importlib.util.find_spec("torch") is not None

    def want(self, request: WarmRequest) -> None:
        """Load this, in place of what was wanted before where that still waits."""
        if not self._allowed or request == self._wanted:
            return
        if self._wanted is None:
            self._engine.submit(DevicesRequest(), {}, self._on_job)
        if self._job is not None:
            self._job.cancel()
        self._wanted = request
        self._job = self._engine.submit(request, {}, lambda _job: None)

    def _on_job(self, job: Job) -> None:
        if job.state == "done":
            self._on_devices(job.result)
