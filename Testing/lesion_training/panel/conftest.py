"""The panel on the double of Slicer, with engines that the test itself moves on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.cohorts.dicom.catalogue import PatientEntry, SeriesEntry, StudyEntry
from LesionTrainingLib.learning.engine.history import STEP, VALIDATION, HistoryWriter, Record
from LesionTrainingLib.session.catalogue import Catalogue
from LesionTrainingLib.session.cohort_choice import CohortSummary


class SteeredEngine:
    """Each job waits until the test says what becomes of it."""

    def __init__(self):
        self.jobs, self.closed = [], False
        self._numbers = itertools.count(1)
        self._callbacks = {}

    def submit(self, request, images, on_change):
        job = Job(next(self._numbers), request, self._cancel)
        self._callbacks[job.id] = on_change
        self.jobs.append(job)
        job.state = "running"
        on_change(job)
        return job

    def close(self):
        self.closed = True
        for job in self.jobs:
            if not job.finished:
                self.end("cancelled", job=job)

    def _cancel(self, job):
        job.state = "cancelling"
        self._callbacks[job.id](job)

    def tell(self, fraction, text="", job=None):
        job = job or self.jobs[-1]
        job.fraction, job.text = fraction, text
        self._callbacks[job.id](job)

    def end(self, state="done", result=None, error=None, details="", job=None):
        job = job or self.jobs[-1]
        job.state, job.result, job.error, job.details = state, result, error, details
        self._callbacks[job.id](job)


class Engines:
    """All that were made; requests of a kind are found wherever they are."""

    def __init__(self):
        self.made = []

    def __call__(self, _grace_s=0.0):
        self.made.append(SteeredEngine())
        return self.made[-1]

    def asked(self, kind):
        """(engine, job) of each request of this kind, the oldest first."""
        return [(e, job) for e in self.made for job in e.jobs if type(job.request).__name__ == kind]

    def last(self, kind):
        found = self.asked(kind)
        assert found, f"no {kind} was asked"
        return found[-1]

    def tell(self, kind, fraction, text=""):
        engine, job = self.last(kind)
        engine.tell(fraction, text, job)

    def end(self, kind, state="done", **facts):
        engine, job = self.last(kind)
        engine.end(state, job=job, **facts)


@pytest.fixture
def engines():
    return Engines()


@pytest.fixture
def widget(slicer_app, engines, monkeypatch, tmp_path):
    """The module's widget, entered, with such engines, an open DICOM database, and folders of its own."""
    import slicer

    monkeypatch.setenv("LESION_MODELS", str(tmp_path / "data" / "Models"))
    slicer.dicomDatabase.openDatabase(str(tmp_path / "database" / "ctkDICOM.sql"))
    from LesionTrainingLib.panel import training_panel

    monkeypatch.setattr(training_panel, "worker_engine", engines)
    made = slicer_app.load_module("LesionTraining")
    slicer_app.show(made)
    return made


@pytest.fixture
def panel(widget):
    return widget.panel


@pytest.fixture
def ui(widget):
    return widget.ui


@pytest.fixture
def chosen(panel):
    """The parameter node."""
    return panel.context.parameters


def series(uid, description, modality="CT", files=120, labels=()):
    return SeriesEntry(uid, modality, description, files, labels)


@pytest.fixture
def catalogue(tmp_path):
    """Three patients: one with a labelled CT and a PET of one study, one with two studies, one without labels."""
    patients = (
        PatientEntry(
            "2ec717f95411",
            (
                StudyEntry(
                    "1.1",
                    "20240311",
                    "PET CT",
                    (
                        series("1.1.1", "Thorax 1.0 lung", labels=("SEG",)),
                        series("1.1.2", "PET AC", "PT", 267, ("RTSTRUCT",)),
                    ),
                ),
            ),
        ),
        PatientEntry(
            "7b4860ee5e93",
            (
                StudyEntry("2.1", "20231002", "Thorax", (series("2.1.1", "Lung 1.0", labels=("SEG", "RTSTRUCT")),)),
                StudyEntry(
                    "2.2",
                    "20240402",
                    "Follow-up",
                    (series("2.2.1", "Lung 1.0", labels=("SEG",)), series("2.2.2", "Scout", files=2)),
                ),
            ),
        ),
        PatientEntry("aa3ef2b2c020", (StudyEntry("3.1", "", "", (series("3.1.1", ""),)),)),
    )
    problem = LeftOut("9.9.9", "The SEG refers to a series that is not here.")
    return Catalogue(tmp_path / "database", patients, (problem,))


@pytest.fixture
def listed(engines, panel, catalogue):
    """The panel with that database."""
    engines.end("ListDatabaseRequest", result=catalogue)
    return catalogue


SUMMARY = CohortSummary(
    "Slicer's DICOM database",
    "dicomdb:/db",
    3,
    2,
    3,
    17,
    {"0-6": 4, "6-10": 9, "10-20": 4},
    {},
    (),
    ("A note.",),
    False,
)


@pytest.fixture
def summary():
    return SUMMARY


@pytest.fixture
def started(ui, panel, chosen, engines):
    """A run of the trial preset on phantoms, begun through the button."""
    chosen.source = "phantoms"
    chosen.options = {"phantoms/seeds": "0-5", "phantoms/protocol": "tiny"}
    chosen.preset, chosen.name = "trial", "Mine"
    ui.startButton.click()
    assert panel.session.run.state.is_busy, ui.runMessage.text
    return panel.session.run


@pytest.fixture
def learn():
    """``learn(run, 40)`` writes a history as a recipe does; with validations where asked."""

    def write(run, steps, stage="screening", validated=()):
        folder = run.folder.folder(run.part)
        (folder / stage).mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text("{}")
        writer = HistoryWriter(folder / stage)
        random = np.random.default_rng(0)
        for step in range(1, steps + 1):
            loss = float(0.1 + 0.6 * np.exp(-step / 30) + 0.04 * random.normal())
            writer(Record(STEP, step, float(step), {"loss": loss}))
            if step in validated:
                writer(Record(VALIDATION, step, float(step), {"found": 1 - float(np.exp(-step / 40))}))
        writer.close()

    return write


FIGURES = {
    "scans": 20,
    "cpm": 0.731,
    "froc": [[0.99, 0.05, 0.31], [0.9, 0.25, 0.55], [0.7, 1.0, 0.76], [0.4, 4.0, 0.91], [0.1, 12.0, 0.95]],
    "confidence": {
        "level": 0.95,
        "samples": 1000,
        "cpm": [0.662, 0.794],
        "froc": [[0.125, 0.3, 0.52], [0.5, 0.55, 0.74], [2.0, 0.75, 0.9], [8.0, 0.87, 0.98]],
    },
}
CARD = "# Mine\n\nLung nodules in CT.\n\n## Limits\n\n- It is a test.\n\n## How good it is\n\nCPM 0.731.\n"


@pytest.fixture
def install(tmp_path):
    """``install("Mine")`` puts a model into the model folder; gives its path."""

    def make(name, figures=FIGURES, folder="", on_phantoms=False):
        settings = {"operating_points": {"all": 0.1}, "default_operating_point": "all"}
        training = {"cases": {"training": 14, "validation": 3, "test": 3}}
        metrics = {"test": figures} if figures else {}
        manifest = Manifest("nodule-ct", name, "1", {}, settings, training, on_phantoms, metrics)
        path = tmp_path / "data" / "Models" / (folder or f"{name.replace(' ', '-')}-1")
        write_bundle(path, manifest, {"w": np.zeros(1, np.float32)}, CARD.replace("Mine", name), overwrite=True)
        return path

    return make


@pytest.fixture
def finish(engines, install):
    """``finish(run)`` ends the model that is being trained, as its task does."""

    def make(run, **facts):
        folder, part = run.folder, run.part
        path = install(part.name, **facts)
        folder.folder(part).mkdir(parents=True, exist_ok=True)
        folder.note_installed(part, path)
        engines.end("TrainRequest", result=str(path))
        return path

    return make


@pytest.fixture
def answer(monkeypatch):
    """``answer("choose", 1)`` answers every question of that kind; gives the questions' texts."""
    from LesionDetectionLib.panel import ask

    def make(kind, what):
        texts = []

        def asked(text, *_more, **_named):
            texts.append(text)
            return what

        monkeypatch.setattr(ask, kind, asked)
        return texts

    return make


@pytest.fixture
def shown_chart(slicer_app):
    """The chart that the plot view shows; None for none."""

    def find():
        view = slicer_app.scene.GetFirstNodeByClass("vtkMRMLPlotViewNode")
        return view.GetPlotChartNode() if view is not None else None

    return find
