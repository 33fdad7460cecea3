"""An engine that does nothing by itself, a recipe that learns at once, and DICOM files as other tests make them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.learning import training
from LesionTrainingLib.learning.card import Judged
from LesionTrainingLib.learning.recipe import Trained
from pydicom import dcmread
from training_doubles import SteeredEngine


def _of_the_cohorts_tests(name):
    """A file of the tests of DICOM cohorts."""
    path = Path(__file__).parent.parent / "cohorts" / "dicom" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"cohorts_tests_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def files(tmp_path):
    """A writer of DICOM files into a folder of its own."""
    folder = tmp_path / "dicom"
    folder.mkdir()
    return _of_the_cohorts_tests("conftest").DicomFiles(folder)


@pytest.fixture
def opened():
    """``opened(file)`` -> a double of a running Slicer's database that has only what the real one has."""
    doubles = []

    def make(file):
        doubles.append(_of_the_cohorts_tests("test_live").StrictDatabase(file))
        return doubles[-1]

    yield make
    for double in doubles:
        double._connection.close()


@pytest.fixture
def phantom_database(files, kept_phantoms):
    """``phantom_database(count)`` -> the folder of a database like Slicer's with tiny phantoms and their nodules as SEG."""

    def make(count):
        kept_phantoms.copy_series(count, files.folder / "phantoms")
        for path in sorted((files.folder / "phantoms").rglob("*.dcm")):
            uid = str(dcmread(path, stop_before_pixels=True).SeriesInstanceUID)
            files.paths.setdefault(uid, []).append(path)
        files.database()
        return files.folder

    return make


@pytest.fixture
def steered():
    return SteeredEngine()


@dataclass(frozen=True)
class FakeSettings:
    steps: int = 3
    inner: dict[str, float] = field(default_factory=lambda: {"a": 1.0})


class FakeRecipe:
    """Answers at once; writes a history as real ones do; remembers the runs that it was given."""

    method = "nodule-ct"

    def __init__(self):
        self.runs, self.settings, self.error = [], [], None

    def default_settings(self):
        return FakeSettings()

    def function(self):
        return self.train

    def train(self, run, settings, progress):
        from LesionTrainingLib.learning.engine.history import STEP, HistoryWriter, Record

        self.runs.append(run)
        self.settings.append(settings)
        folder = run.folder / "screening"
        folder.mkdir(exist_ok=True)
        (folder / "checkpoints").mkdir(exist_ok=True)
        writer = HistoryWriter(folder)
        for step in range(1, settings.steps + 1):
            writer(Record(STEP, step, float(step), {"loss": 1.0 / step}))
            progress(step / settings.steps, f"Step {step} of {settings.steps}")
        writer.close()
        if self.error:
            raise self.error
        run.left_out.append(LeftOut("chest-phantom-0002", "It has no lungs."))
        return Trained(
            {"w": np.arange(3, dtype=np.float32)},
            {"width": 3},
            {"operating_points": {"all": 0.25}, "default_operating_point": "all"},
        )


FIGURES = {
    "scans": 4,
    "cpm": 0.5,
    "froc": [[0.9, 0.125, 0.25], [0.5, 1.0, 0.75]],
    "confidence": {"level": 0.95, "samples": 1000, "cpm": [0.4, 0.6], "froc": [[0.125, 0.1, 0.4], [8.0, 0.5, 0.9]]},
}


@pytest.fixture
def figures():
    """What a model was measured to be worth, as judging writes it."""
    return FIGURES


@pytest.fixture
def fake_recipe(monkeypatch):
    """Training takes no time; what is measured are FIGURES."""
    from LesionTrainingLib.evaluation.froc import match_scan
    from LesionTrainingLib.learning import recipe

    made = FakeRecipe()
    matches = (match_scan([(0, 0, 0), (90, 0, 0)], [0.9, 0.2], [(0, 0, 0)], [9.0]),)
    monkeypatch.setattr(training, "recipe", lambda _method: made)
    monkeypatch.setattr(recipe, "recipe", lambda _method: made)
    monkeypatch.setattr(training, "judge", lambda *_: (Judged(FIGURES, "| a table |", matches), ()))
    return made
