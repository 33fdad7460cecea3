"""A cache in an empty folder, cases in a file each, and other processes that use the same cache."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from LesionTrainingLib.cohorts.caching import Cache

IMPORTABLE = Path(__file__).with_name("importable")


@pytest.fixture
def cached_cases(monkeypatch):
    """The module of cases and makers, importable by spawned processes too."""
    monkeypatch.syspath_prepend(str(IMPORTABLE))
    import cached_cases

    return cached_cases


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def case(tmp_path, cached_cases):
    return cached_cases.file_case(tmp_path)


@pytest.fixture
def another_process():
    """``another_process("python code")`` starts it, with the cases at hand; what still runs at the end is killed."""
    running = []

    def start(code: str) -> subprocess.Popen:
        head = f"import sys; sys.path.insert(0, {str(IMPORTABLE)!r})\nfrom pathlib import Path\nfrom cached_cases import *\n"
        head += "from LesionTrainingLib.cohorts.caching import Cache\n"
        running.append(subprocess.Popen([sys.executable, "-c", head + code], stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def until():
    """Waits until something is so, ten seconds at most."""

    def wait(condition):
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < 10, "it did not come"
            time.sleep(0.01)

    return wait
