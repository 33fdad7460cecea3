"""Several processes share the processor's cores: how many threads each of them may use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

THREADS = ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
"""Environment variables that say how many threads torch, OpenCV and ITK use. What the user has set stays."""


@contextlib.contextmanager
def threads_shared(processes: int) -> Iterator[None]:
    """Processes started within have their part of the cores' threads each; 15 that take all 16 are twice as slow."""
    before = {name: os.environ.get(name) for name in THREADS}
    each = max(1, (os.cpu_count() or 1) // max(1, processes))
    try:
        for name, value in before.items():
            if value is None:
                os.environ[name] = str(each)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
