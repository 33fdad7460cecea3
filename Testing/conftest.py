"""Fixtures that all tests share."""

from __future__ import annotations

import gc
import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import settings
from kept_phantoms import KeptPhantoms, lung_part
from slicer_double.fixture import slicer_app, slicer_lists  # noqa: F401 (fixtures)

# The same examples in every run: a red test can be run again, and a green one does not turn red by luck. Look for new
# ones with: pytest --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("LESION_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
"""Real scans, not part of the repository; tests that need them skip where they are absent."""


def pytest_configure(config):
    # pytest-xdist would begin with the files of most tests, and end with those of one test, which are the longest.
    config.option.loadscopereorder = False


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Libraries and tests are a million objects, of which none goes again: they are not looked through for what can go."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    """Files with a slow test first: begun last, one would keep a process at work while the others have nothing left to do."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_terminal_summary(terminalreporter):
    """What tests measured and never assert: ``record_property("measured", "a line")``."""
    reports = [
        one for all_of in terminalreporter.stats.values() for one in all_of if getattr(one, "when", "") == "call"
    ]
    lines = [text for report in reports for name, text in report.user_properties if name == "measured"]
    if lines:
        terminalreporter.section("measured here, beside the other tests")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def real_data():
    """``real_data("lidc-0314/ct.nrrd")`` -> its path; skips the test where the file is absent."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"the real data {name} is not here (set LESION_TEST_DATA)")
        return path

    return find


@pytest.fixture(scope="session")
def kept_phantoms(tmp_path_factory):
    """``kept_phantoms.chest(1, TINY)``: made once for all tests that ask for it, in both processes."""
    base = tmp_path_factory.getbasetemp()
    return KeptPhantoms((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "phantoms")


@pytest.fixture
def forked_workers():
    """Dask forks its worker processes from one that has loaded Dask, which takes a tenth of the time of beginning each anew.

    They do not see what is set in the environment for them: tests of that go without.
    """
    import dask
    import distributed  # noqa: F401 (brings its settings, which are put back at the end)

    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    with dask.config.set({"distributed.worker.multiprocessing-method": method}):
        yield


@pytest.fixture(scope="module")
def phantoms_kept(kept_phantoms):
    """What makes phantoms in this process takes those that are kept, while the tests of this file run."""
    yield from _in_place(kept_phantoms)


@pytest.fixture(scope="module")
def lung_parts_kept(kept_phantoms):
    """The same with a part of a lung in place of a chest, where little is to be learned from it."""
    yield from _in_place(kept_phantoms, lung_part)


def _in_place(kept, *change):
    with pytest.MonkeyPatch.context() as patch:
        kept.put_in_place(patch, *change)
        yield
    kept.taken_away()
