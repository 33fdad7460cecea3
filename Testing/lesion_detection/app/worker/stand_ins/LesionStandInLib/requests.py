"""Requests that behave well or badly in ways that tests need."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import ClassVar

from LesionDetectionLib.app.worker.requests import Request


@dataclass(frozen=True)
class Count(Request):
    """Steps of some seconds with a report after each; the result is their number. Touches ``mark`` when it begins."""

    TASK: ClassVar[str] = "LesionStandInLib.requests:count"

    steps: int
    seconds: float = 0.0


def count(request, images, kept, progress):
    for step in range(request.steps):
        time.sleep(request.seconds)
        progress((step + 1) / request.steps, f"Step {step + 1}")
    return request.steps


@dataclass(frozen=True)
class Do(Request):
    """One of the functions below, by name."""

    TASK: ClassVar[str] = "LesionStandInLib.requests:do"

    what: str
    value: float = 0.0


def do(request, images, kept, progress):
    if request.what == "kept_detectors":
        return [id(loaded.detector) for loaded in kept._loaded.values()]
    return DEEDS[request.what](request.value, images, progress)


@dataclass(frozen=True)
class Negate(Request):
    """Each image with its values negated, and a text of some length. Result: (text, images)."""

    TASK: ClassVar[str] = "LesionStandInLib.requests:negate"

    length: int = 0

    @staticmethod
    def result_to_json(result):
        return result[0]

    @staticmethod
    def images_of(result):
        return result[1]

    @staticmethod
    def with_images(result, images):
        return result, images


def negate(request, images, kept, progress):
    return "x" * request.length, {name: image.with_voxels(-image.voxels) for name, image in images.items()}


def chatter(reports, images, progress):
    for number in range(int(reports)):
        progress(number / reports, "Working")
    progress(0.99, "The last words")


def sleep_without_a_word(seconds, images, progress):
    progress(0.1, "Sleeping")
    time.sleep(seconds)


def end_abruptly(code, images, progress):
    print("About to end", file=sys.stderr, flush=True)
    os._exit(int(code))


def exit_politely(code, images, progress):
    sys.exit(int(code))


def print_everywhere(value, images, progress):
    print("stray")
    os.write(1, b"more stray\n")
    subprocess.run([sys.executable, "-c", "print('from a child of the child')"], check=True)
    return sys.stdin.read()


def loaded_modules(value, images, progress):
    return sorted(sys.modules)


def search_path(value, images, progress):
    return sys.path


def a_long_answer(length, images, progress):
    return "x" * int(length)


def an_unspeakable_answer(value, images, progress):
    return {1, 2}


def divide_by_zero(value, images, progress):
    return 1 / value


def fill_the_memory(value, images, progress):
    raise MemoryError


def use_a_missing_library(value, images, progress):
    import a_library_that_nobody_has.part  # noqa: F401


def add_up(value, images, progress):
    return {name: float(image.voxels.sum(dtype=float)) for name, image in images.items()}


def try_to_write(value, images, progress):
    (image,) = images.values()
    image.voxels.flags.writeable = True


def process_id(value, images, progress):
    return os.getpid()


DEEDS = {deed.__name__: deed for deed in list(globals().values()) if getattr(deed, "__module__", "") == __name__}
