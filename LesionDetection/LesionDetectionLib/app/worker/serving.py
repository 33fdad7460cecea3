"""In the worker process: requests from standard input one after the other, answers to standard output, a line of JSON each.

    {"id": 7, "request": "module:Kind", "values": {...}, "images": {"CT": "image-1"}}
    {"cancel": 7}                                       ends request 7 at its next progress

    {"ready": "0.10.0"}                                  first of all, the program's version
    {"id": 7, "progress": 0.4, "text": "Measuring"}
    {"id": 7, "done": ...}, {"id": 7, "file": "result-7.json"}, {"id": 7, "failed": {...}, "details": ""}, {"id": 7, "cancelled": true}

A result that has images says their names, too, ``"images": ["Similarity"]``: they lie in ``result-7/0`` and so on, and are
the parent's to read and to remove, as it removes ``result-7`` however the request ends.

Standard input is read in a thread of its own, so that a cancel is heard while a request runs. Its end means that the parent
is gone: so goes this process, with the folder of images.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import math
import os
import queue
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from LesionDetectionLib import __version__
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.progress import Progress

from .failures import details_of, error_to_json, told
from .images import read_image, write_result_images
from .kept import Kept
from .private_folder import PREFIX
from .requests import request_at

LONGEST_ANSWER = 256 * 1024
"""Characters. Longer results go through a file: in Slicer, a line of 20 MB takes 2 s."""
LEAST_STEP_S = 0.05
"""Between two reports of progress with the same text."""
LONGEST_TEXT = 300
GRACE_S = 5.0
"""When the parent is gone, a request that does not end is ended with the process after this."""


def serve(folder: Path) -> None:
    """Do requests until standard input ends. Images lie in ``folder``, and long results are put there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    source, target = _own_streams()
    faulthandler.enable()
    server = _Server(target, folder)
    threading.Thread(target=server.listen, args=(source,), daemon=True).start()
    server.work()


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for the protocol alone. What libraries print goes to standard error; what they, or their child
    processes, read is empty. (On Windows a library that looks at a standard input that is being read would wait for ever.)
    """
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8")  # Windows: not by its own
    sys.stdout = sys.stderr
    return source, target


class _Server:
    def __init__(self, target: BinaryIO, folder: Path) -> None:
        self._target, self._folder = target, folder
        self._writing = threading.Lock()
        self._asked: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._progress: dict[int, Progress] = {}
        self._kept = Kept()

    def listen(self, source: BinaryIO) -> None:
        """Put requests in the queue and cancel, until the input ends."""
        with contextlib.suppress(OSError):
            for line in source:
                try:
                    self._hear(json.loads(line))
                except (ValueError, TypeError, KeyError, RecursionError) as error:
                    print(f"A line that is no request: {error!r}", file=sys.stderr)
        for progress in list(self._progress.values()):
            progress.cancel()
        self._asked.put(None)
        time.sleep(GRACE_S)
        self._remove_folder()
        os._exit(1)

    def _hear(self, message: dict[str, Any]) -> None:
        if "cancel" in message:
            progress = self._progress.get(message["cancel"])
            if progress is not None:
                progress.cancel()
            return
        self._progress[int(message["id"])] = Progress(_Reports(self, int(message["id"])))
        self._asked.put(message)

    def work(self) -> None:
        """Do what is in the queue, until the input ends."""
        self.say({"ready": __version__})
        while (message := self._asked.get()) is not None:
            answer = self._answer(message)
            self._progress.pop(int(message["id"]))
            self.say(answer)
        self._remove_folder()

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        number = int(message["id"])
        try:
            request = request_at(message["request"], message["values"])
            images = {name: read_image(self._folder / folder) for name, folder in message["images"].items()}
            result = load(request.TASK)(request, images, self._kept, self._progress[number])
            made = request.images_of(result)
            names = write_result_images(self._folder, number, made, self._progress[number].part(1.0, 1.0))
            answer = self._packed(number, json.dumps(request.result_to_json(result), allow_nan=False))
            return {**answer, "images": names} if made else answer
        except Cancelled:
            return {"id": number, "cancelled": True}
        except BaseException as error:  # also SystemExit: a library must not end the worker unheard
            details = details_of(error)
            if details:
                print(details, file=sys.stderr)
            return {"id": number, "failed": error_to_json(told(error)), "details": details}

    def _packed(self, number: int, result: str) -> dict[str, Any]:
        if len(result) <= LONGEST_ANSWER:
            return {"id": number, "done": json.loads(result)}
        name = f"result-{number}.json"
        with atomic_file(self._folder / name) as temporary:
            temporary.write_text(result, encoding="utf-8")
        return {"id": number, "file": name}

    def say(self, message: dict[str, Any]) -> None:
        """Send a line. Where nobody reads any more, the input has ended too: :meth:`listen` sees to it."""
        with self._writing, contextlib.suppress(OSError):
            self._target.write(json.dumps(message).encode("ascii") + b"\n")
            self._target.flush()

    def _remove_folder(self) -> None:
        if self._folder.name.startswith(PREFIX):
            shutil.rmtree(self._folder, ignore_errors=True)


class _Reports:
    """Sends progress, not too often: a report with another text at once, others when some time has passed."""

    def __init__(self, server: _Server, number: int) -> None:
        self._server, self._number = server, number
        self._text, self._next = "", 0.0

    def __call__(self, fraction: float, text: str) -> None:
        now, text = time.monotonic(), text[:LONGEST_TEXT] or self._text
        if text == self._text and now < self._next:
            return
        self._text, self._next = text, now + LEAST_STEP_S
        known = float(fraction) if math.isfinite(fraction) else 0.0
        self._server.say({"id": self._number, "progress": known, "text": text})
