"""The panel on the double of Slicer, with engines that the test itself moves on."""

from __future__ import annotations

import pytest
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.cohorts.dicom.catalogue import PatientEntry, SeriesEntry, StudyEntry
from LesionTrainingLib.session.catalogue import Catalogue
from training_doubles import FIGURES, SUMMARY, Engines, learned, write_model


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
    return learned


@pytest.fixture
def install(tmp_path):
    """``install("Mine")`` puts a model into the model folder; gives its path."""

    def make(name, figures=FIGURES, folder="", on_phantoms=False):
        path = tmp_path / "data" / "Models" / (folder or f"{name.replace(' ', '-')}-1")
        write_model(path, name, figures, on_phantoms)
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
