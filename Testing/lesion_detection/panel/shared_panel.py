"""One panel for all tests of a file, with stand-in methods: each test begins with an empty scene and the first choices.

Import the fixtures that take the place of those in ``conftest.py``: ``from .shared_panel import *``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from .conftest import HeldEngine

__all__ = ["engine", "shared", "slicer_app", "widget"]

METHODS = Path(__file__).parent / "stand_ins" / "methods"
LISTS = "../slicer-api/slicer-5.8.1.json"


@pytest.fixture(scope="module")
def shared(real_data, tmp_path_factory):
    """A running double with the module's panel, entered."""
    lists = real_data(LISTS)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    pytest.importorskip("PySide6.QtWidgets", reason="the double of Slicer stands on PySide6", exc_type=ImportError)
    pytest.importorskip("slicer", reason="the double of Slicer stands on slicer-core", exc_type=ImportError)
    import LesionDetectionLib.methods
    from slicer_double import api
    from slicer_double.slicer_app import running

    folder, engine = tmp_path_factory.mktemp("slicer"), HeldEngine()
    with pytest.MonkeyPatch.context() as patch, running(api.load(lists), folder, patch) as app:
        patch.setenv("LESION_MODELS", str(folder / "models"))
        patch.setattr(LesionDetectionLib.methods, "__path__", [*LesionDetectionLib.methods.__path__, str(METHODS)])
        for name in [name for name in sys.modules if ".stand_in_" in name]:
            del sys.modules[name]
        from LesionDetectionLib.panel import detection_panel

        patch.setattr(detection_panel, "worker_engine", lambda: engine)
        widget = app.load_module("LesionDetection")
        app.show(widget)
        yield SimpleNamespace(app=app, engine=engine, widget=widget, models=folder / "models")


@pytest.fixture
def slicer_app(shared):
    for job, on_change, _ in shared.engine.jobs:
        if not job.finished:
            job.state = "cancelled"
            on_change(job)
    shared.engine.jobs.clear()
    shared.app.questions.clear()
    shared.app.scene.Clear(0)
    shared.app.process_events()
    return shared.app


@pytest.fixture
def engine(shared, slicer_app):
    return shared.engine


@pytest.fixture
def widget(shared, slicer_app):
    return shared.widget
