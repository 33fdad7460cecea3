"""Requests of a stand-in library, a scan and a model, for tests of the worker."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from .fake_transport import FakeTransport

STAND_INS = Path(__file__).parent / "stand_ins"
if str(STAND_INS) not in sys.path:
    sys.path.append(str(STAND_INS))


def _nodule_fixtures():
    """The small chest and the random networks of the method's own tests."""
    path = Path(__file__).parents[2] / "methods" / "nodule_ct" / "conftest.py"
    spec = importlib.util.spec_from_file_location("nodule_ct_fixtures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def chest():
    """A CT of a small computer-made chest."""
    return _nodule_fixtures().a_chest()


@pytest.fixture
def a_model(tmp_path):
    """``a_model(seed)`` -> path of a bundle of small random networks, measuring its finds."""
    from LesionDetectionLib.core.bundle import write_bundle
    from LesionDetectionLib.methods.nodule_ct.model import weights_of

    fixtures = _nodule_fixtures()

    def make(seed=0, name="model") -> Path:
        settings = fixtures.manifest().settings
        settings["nodule_settings"].update(measure=True, most_lesions=1)
        path = tmp_path / f"{name}-{seed}"
        write_bundle(path, fixtures.manifest(settings=settings), weights_of(*fixtures.networks(seed)), "card")
        return path

    return make


@pytest.fixture
def processes():
    FakeTransport.made = []
    return FakeTransport.made


@pytest.fixture
def engine(processes, tmp_path):
    from LesionDetectionLib.app.worker.worker_engine import WorkerEngine

    made = WorkerEngine(FakeTransport, temporary=tmp_path)
    yield made
    made.close()
    assert list(tmp_path.iterdir()) == []
