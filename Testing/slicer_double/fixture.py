"""The fixture ``slicer_app``; tests that need it skip, saying so, where the lists or PySide6 are absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def slicer_app(
    real_data: Any, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A strict double of a running Slicer 5.8.1 (``slicer_app.SlicerApp``), for one test."""
    lists = real_data("../slicer-api/slicer-5.8.1.json")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    pytest.importorskip("PySide6.QtWidgets", reason="the double of Slicer stands on PySide6", exc_type=ImportError)
    pytest.importorskip("slicer", reason="the double of Slicer stands on slicer-core")
    from slicer_double import api
    from slicer_double.slicer_app import running

    with running(api.load(lists), tmp_path_factory.mktemp("slicer"), monkeypatch) as app:
        yield app
