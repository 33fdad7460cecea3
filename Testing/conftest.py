"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("LESION_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
"""Real scans, not part of the repository; tests that need them skip where they are absent."""


@pytest.fixture(scope="session")
def real_data():
    """``real_data("lidc-0314/ct.nrrd")`` -> its path; skips the test where the file is absent."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"the real data {name} is not here (set LESION_TEST_DATA)")
        return path

    return find
