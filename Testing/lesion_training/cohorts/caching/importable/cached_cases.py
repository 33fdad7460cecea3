"""Cases and makers for the tests of the cache, in a file of their own so that other processes can import them.

What a case's file says is what its maker does.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.cohorts.caching import Content, Maker
from LesionTrainingLib.cohorts.case import Case, Truth


@dataclass(frozen=True)
class FileCase(Case):
    """A case of one file or folder."""

    path: Path
    window: tuple[float, float] = (0.0, 1.0)

    def images(self, progress=None):
        return {}

    def truth(self):
        return Truth()

    def sources(self):
        return (self.path,)


def existing_case(folder, name, **changes):
    path = Path(folder) / f"{name}.txt"
    about = {"id": name, "patient": name, "split": "", "modalities": ("CT",), "labelled": True}
    return FileCase(**{**about, **changes}, path=path)


def file_case(folder, name="a", text="plain", **changes):
    """A case whose file is written now."""
    case = existing_case(folder, name, **changes)
    case.path.write_text(text)
    return case


def make(case, settings, progress):
    """100 kB of ones, and a line in ``made.log`` beside the case's file. Some texts mean trouble."""
    text = case.path.read_text()
    if text == "bad":
        raise InputError("It has no lungs.")
    if text == "bug":
        raise ZeroDivisionError("by nought")
    if text == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if text == "slow":
        time.sleep(0.5)
    with (case.path.parent / "made.log").open("a") as log:
        log.write(f"{case.id}\n")
    progress(0.5, "Half of it")
    return Content({"ones": np.ones(25_000, np.float32), "places": np.zeros((0, 3), np.int16)}, {"text": text})


def made(folder):
    """How often something was made."""
    log = Path(folder) / "made.log"
    return log.read_text().splitlines() if log.exists() else []


class Stuck(Mapping):
    """Arrays of which the second never comes: a writer that waits for them is in the middle of writing."""

    def __init__(self, flag: Path) -> None:
        self._flag = flag

    def __getitem__(self, name):
        if name == "second":
            self._flag.touch()
            time.sleep(60)
        return np.ones(100_000, np.uint8)

    def __iter__(self) -> Iterator[str]:
        return iter(("first", "second"))

    def __len__(self) -> int:
        return 2


def make_stuck(case, settings, progress):
    """Stops in the middle of being written."""
    return Content(Stuck(case.path.parent / "stuck"))


def make_endless(case, settings, progress):
    """Stops before anything is written."""
    (case.path.parent / "stuck").touch()
    time.sleep(60)


# The same name: what one left half-made is the other's to make.
GOOD, STUCK, ENDLESS = (Maker("ones", 1, function) for function in (make, make_stuck, make_endless))


def die_of_odd(number):
    """The number, if it is even."""
    if number % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number
