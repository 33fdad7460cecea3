"""The fixtures of the double; tests that need it skip, saying so, where the lists, PySide6 or slicer-core are absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def slicer_lists(real_data: Any) -> Path:
    """The lists of Slicer 5.8.1's names, where everything is at hand that the double stands on."""
    lists: Path = real_data("../slicer-api/slicer-5.8.1.json")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # Without a graphics library PySide6 is there and cannot be imported.
    pytest.importorskip("PySide6.QtWidgets", reason="the double of Slicer stands on PySide6", exc_type=ImportError)
    pytest.importorskip("slicer", reason="the double of Slicer stands on slicer-core", exc_type=ImportError)
    return lists


@pytest.fixture
def slicer_app(
    slicer_lists: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A strict double of a running Slicer 5.8.1 (``slicer_app.SlicerApp``), for one test."""
    from slicer_double import api
    from slicer_double.slicer_app import running

    with running(api.load(slicer_lists), tmp_path_factory.mktemp("slicer"), monkeypatch) as app:
        yield app
