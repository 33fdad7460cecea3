"""The engine whose work is done by a child process: the user interface stays free, and a crash costs one request."""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import logging
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from LesionDetectionLib import __version__
from LesionDetectionLib.core.errors import Cancelled, InputError, LesionDetectionError, UsageError
from LesionDetectionLib.core.image import Image

from .failures import details_of, error_from_json, told
from .images import ImageFiles, read_result_images, result_folder
from .job import Job, OnChange, State, notify
from .private_folder import PrivateFolder
from .requests import Request
from .transport import Timer, Transport

GRACE_S = 5.0
"""A request that is cancelled and reports no progress for so long is ended with the process."""
KEPT_LINES = 40
"""Of the child's standard error, for the details of an error."""

_log = logging.getLogger(__name__)


def python_program() -> str:
    """Python as a program, with the libraries of the running one: Slicer's own is inside of Slicer."""
    return shutil.which("PythonSlicer") or sys.executable


class _Entry(NamedTuple):
    job: Job
    images: Mapping[str, Image]
    on_change: OnChange


def _identity(folder: Path) -> int:
    """Another one for another folder in its place; 0 where there is none."""
    try:
        return folder.stat().st_ino
    except OSError:
        return 0


class WorkerEngine:
    """Does one request at a time in a child process, the others wait; a short one that a person waits for
    (:attr:`.Request.BESIDE`) is done in a second process meanwhile, so that neither waits for, or falls with, the other.

    The process is started when it is first needed, and again after it has ended; loaded models stay in it. An image is
    written once, when a request with it begins, and its files go with the :class:`Image`. All in one thread, to which the
    transport brings its callbacks.
    """

    def __init__(
        self,
        transport: Callable[[Sequence[str]], Transport],
        *,
        python: str = "",
        paths: Sequence[Path] = (),
        temporary: Path | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        """
        Args:
            transport: makes one for a command (program and arguments).
            python: the program; Slicer's, or else the running one, where empty.
            paths: folders in which the child looks for libraries, besides the one that this library lies in. Where one was
                put in place anew, the next request gets a new process.
            temporary: where to put files for the child; the usual place where None.
        """
        self._make_transport, self._python, self._paths = transport, python or python_program(), tuple(paths)
        self._temporary, self._grace_s = temporary, grace_s
        self._numbers = itertools.count(1)
        self._waiting: collections.deque[_Entry] = collections.deque()
        self._running: _Entry | None = None
        self._transport: Transport | None = None
        self._seen: tuple[int, ...] = ()
        self._ready = False
        self._deadline: Timer | None = None
        self._errors: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
        self._folder: PrivateFolder | None = None
        self._files: ImageFiles | None = None
        self._other: WorkerEngine | None = None
        self._closed = False

    def submit(self, request: Request, images: Mapping[str, Image], on_change: OnChange = lambda job: None) -> Job:
        """See :meth:`.Engine.submit`.

        Raises:
            UsageError: the engine is closed.
        """
        if self._closed:
            raise UsageError("The worker was closed. Open the module again.")
        if request.BESIDE and self._running is not None and not self._running.job.request.BESIDE:
            return self._beside(request, images, on_change)
        job = Job(next(self._numbers), request, self._cancel)
        self._waiting.append(_Entry(job, dict(images), on_change))
        self._go_on()
        return job

    def close(self) -> None:
        """Cancel all jobs, end the process, remove all files."""
        self._closed = True
        if self._other is not None:
            self._other.close()
        self._drop()
        entries = [*([self._running] if self._running else []), *self._waiting]
        self._waiting.clear()
        if self._folder is not None:
            self._folder.close()
        for entry in entries:
            self._end(entry, "cancelled")

    # Requests

    def _go_on(self) -> None:
        """Begin the next request, where none is running."""
        while self._running is None and self._waiting:
            entry = self._running = self._waiting.popleft()
            try:
                line = self._line(entry)
            except Exception as error:  # whatever it is, the next ones must not wait for ever
                self._end(entry, "failed", told(error), details_of(error))
                continue
            self._started().send(line)
            entry.job.state, entry.job.text = "running", "" if self._ready else "Starting"
            notify(entry.job, entry.on_change)
        self._rest()

    def _beside(self, request: Request, images: Mapping[str, Image], on_change: OnChange) -> Job:
        """Do this in the second process, which counts on and sees the same files."""
        if self._other is None:
            self._other = WorkerEngine(
                self._make_transport, python=self._python, paths=self._paths, grace_s=self._grace_s
            )
        self._other._numbers, self._other._folder, self._other._files = self._numbers, self._folder, self._files

        def changed(job: Job) -> None:
            on_change(job)
            if job.finished:
                self._rest()

        return self._other.submit(request, images, changed)

    def _rest(self) -> None:
        """End the second process where nothing is done beside which it would be needed: its memory is free for others."""
        if self._running is None and self._other is not None and self._other._running is None:
            self._other._drop()

    def _line(self, entry: _Entry) -> str:
        """The request as a line, its images written.

        Raises:
            OutputError: they cannot be.
        """
        if self._folder is None or self._files is None:
            self._folder = PrivateFolder(self._temporary)
            self._files = ImageFiles(self._folder.path)
        request = entry.job.request
        return json.dumps(
            {
                "id": entry.job.id,
                "request": request.place(),
                "values": request.to_json(),
                "images": {name: self._files.name_of(image) for name, image in entry.images.items()},
            }
        )

    def _end(self, entry: _Entry, state: State, error: LesionDetectionError | None = None, details: str = "") -> None:
        """The request has ended; whoever calls this goes on with the next."""
        if self._running is entry:
            self._running = None
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        job = entry.job
        if self._folder is not None:  # of what was made only a part may be there: it failed, or its process did
            shutil.rmtree(result_folder(self._folder.path, job.id), ignore_errors=True)
        if job.state == "cancelling":  # whatever came of it, nobody wants it any more
            state, job.result = "cancelled", None
        job.state = state
        if state == "failed":
            job.error, job.details = error, details
        notify(job, entry.on_change)

    def _cancel(self, job: Job) -> None:
        running = self._running
        if running is not None and running.job is job and self._transport is not None:
            job.state = "cancelling"
            self._transport.send(json.dumps({"cancel": job.id}))
            self._deadline = self._transport.later(self._grace_s, partial(self._overdue, running))
            notify(job, running.on_change)
            return
        for entry in [entry for entry in self._waiting if entry.job is job]:
            self._waiting.remove(entry)
            self._end(entry, "cancelled")

    def _overdue(self, entry: _Entry) -> None:
        """The cancelled request did not end: the process does."""
        if self._running is entry:
            self._drop()
            self._end(entry, "cancelled")
            self._go_on()

    # The process

    def _started(self) -> Transport:
        seen = tuple(_identity(path) for path in self._paths)
        if self._transport is not None and seen != self._seen:
            self._drop()  # libraries were installed meanwhile, and a process keeps those that it has loaded
        self._seen = seen
        if self._transport is None:
            assert self._folder is not None
            child = str(Path(__file__).with_name("child.py"))
            paths = [part for path in self._paths for part in ("--path", str(path))]
            command = [self._python, "-u", child, "--folder", str(self._folder.path), *paths]
            self._ready = False
            self._errors.clear()
            transport = self._transport = self._make_transport(command)
            transport.start(
                partial(self._read, transport), partial(self._overheard, transport), partial(self._ended, transport)
            )
        return self._transport

    def _drop(self) -> None:
        """End the process; it is started again when it is needed."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.kill()

    def _overheard(self, transport: Transport, line: str) -> None:
        _log.info("worker: %s", line)
        if transport is self._transport:
            self._errors.append(line)

    def _ended(self, transport: Transport, code: int | None) -> None:
        if transport is not self._transport:
            return
        self._transport = None
        if self._running is not None:
            self._end(self._running, "failed", self._reason(code), "\n".join(self._errors))
        self._go_on()

    def _reason(self, code: int | None) -> LesionDetectionError:
        if code is None:
            return LesionDetectionError(
                f"The worker process could not be started with {self._python}. Is it installed?"
            )
        if not self._ready:
            last = next((line for line in reversed(self._errors) if line.strip()), f"exit code {code}")
            return LesionDetectionError(f"The worker process could not begin its work: {last}.")
        return LesionDetectionError(
            f"The worker process ended unexpectedly (code {code}). The computer's memory may have been full: close other "
            "programs and try again. A smaller region, or smaller batches in training, need less."
        )

    def _read(self, transport: Transport, line: str) -> None:
        if transport is not self._transport:
            return
        try:
            self._take(json.loads(line))
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
            OSError,
            LesionDetectionError,
        ) as error:
            _log.error("The worker answered %.200r: %r", line, error)
            refused = LesionDetectionError(
                "The worker process gave an answer that makes no sense, and was ended. Try again; if that does not help, "
                "start the program again."
            )
            self._drop()
            if self._running is not None:
                self._end(self._running, "failed", refused, f"{error!r}\n{line[:2000]}")
        self._go_on()

    def _take(self, message: dict[str, Any]) -> None:
        """What the child says. Raises one of many errors where it is not of the protocol."""
        if "ready" in message:
            if message["ready"] != __version__:
                raise ValueError(f"the worker is of version {message['ready']}, this program of {__version__}")
            self._ready = True
            return
        entry = self._running
        if entry is None or message["id"] != entry.job.id:
            raise ValueError("an answer to what was not asked")
        job = entry.job
        if "progress" in message:
            self._progress(entry, message["progress"], message["text"])
            return
        if "done" in message or "file" in message:
            value = message["done"] if "done" in message else self._from_file(job, message["file"])
            result = job.request.result_from_json(value)
            if "images" in message and job.state != "cancelling":
                try:
                    result = self._with_images(job, result, message["images"])
                except (InputError, MemoryError) as lost:  # somebody emptied the folder, or the memory is full
                    self._end(entry, "failed", told(lost), details_of(lost))
                    return
            job.result, job.fraction = result, 1.0
            self._end(entry, "done")
        elif "failed" in message:
            error = error_from_json(message["failed"])
            self._end(entry, "cancelled" if isinstance(error, Cancelled) else "failed", error, str(message["details"]))
        elif message["cancelled"] is True:
            self._end(entry, "cancelled")
        else:
            raise ValueError("no answer")

    def _progress(self, entry: _Entry, fraction: Any, text: Any) -> None:
        if isinstance(fraction, bool) or not isinstance(fraction, (int, float)) or not math.isfinite(fraction):
            raise ValueError("no fraction")
        entry.job.fraction, entry.job.text = min(max(float(fraction), 0.0), 1.0), str(text)
        notify(entry.job, entry.on_change)

    def _with_images(self, job: Job, result: Any, names: Any) -> Any:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("no names of images")
        assert self._folder is not None
        return job.request.with_images(result, read_result_images(self._folder.path, job.id, names))

    def _from_file(self, job: Job, name: str) -> Any:
        if name != f"result-{job.id}.json":  # nor any other file of this computer
            raise ValueError("another file")
        assert self._folder is not None
        path = self._folder.path / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
