"""The module with its scene: closing, loading, reloading, leaving, and what is left behind."""

from __future__ import annotations

import sys

from LesionTrainingLib.session.runs import unfinished


def test_closing_the_scene_ends_no_training(started, ui, panel, engines, learn, slicer_app):
    learn(started, 10)
    panel.run.poll()
    slicer_app.scene.Clear(0)
    slicer_app.process_events()
    assert started.state.is_busy
    engines.tell("TrainRequest", 0.6, "Step 36 of 60")
    assert ui.progressText.text == "Mine · Step 36 of 60"
    learn(started, 30)
    panel.run.poll()
    assert slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 1


def test_a_saved_scene_comes_back_with_the_choices(listed, ui, chosen, panel, engines, tmp_path):
    import slicer

    ui.labelledCheckBox.click()
    ui.allButton.click()
    ui.foldsSpinBox.setValue(4)
    ui.nameEdit.setText("Mine")
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    assert ui.foldsSpinBox.value == 0
    assert panel.data.tree.checked == frozenset()
    slicer.util.loadScene(str(path))
    assert (ui.foldsSpinBox.value, ui.nameEdit.text) == (4, "Mine")
    assert ui.labelledCheckBox.isChecked()
    assert panel.data.tree.checked == {"1.1.1", "1.1.2", "2.1.1", "2.2.1"}


def test_choices_survive_leaving_and_entering(widget, ui, chosen, slicer_app):
    ui.sourceComboBox.setCurrentIndex(ui.sourceComboBox.findData("phantoms"))
    ui.presetComboBox.setCurrentIndex(ui.presetComboBox.findData("trial"))
    slicer_app.leave(widget)
    slicer_app.show(widget)
    assert (chosen.source, chosen.preset) == ("phantoms", "trial")
    assert ui.presetComboBox.currentData == "trial"


def test_nothing_is_left_behind(widget, started, panel, engines, learn, slicer_app, tmp_path):
    learn(started, 5)
    panel.run.poll()
    widget.cleanup()
    assert all(engine.closed for engine in engines.made)
    assert slicer_app.who_observes() == []
    assert len(widget.Observations) == 0
    assert [run.plan.name for run in unfinished(tmp_path / "data" / "Training")] == ["Mine"]


def test_a_run_is_offered_again_after_slicer_was_closed(widget, started, learn, slicer_app, engines, monkeypatch):
    learn(started, 5)
    widget.cleanup()
    again = slicer_app.load_module("LesionTraining")
    slicer_app.show(again)
    assert again.ui.earlierComboBox.currentText == "Mine"


def test_reloading_loads_the_library_anew(widget, panel, slicer_app):
    import slicer

    old = type(panel)
    widget.onReload()
    new = slicer.modules.LesionTrainingWidget
    assert new.panel is not None
    assert type(new.panel) is not old
    new.cleanup()
    assert slicer_app.who_observes() == []


def test_the_library_is_not_loaded_before_the_module_is_opened(slicer_app):
    """Slicer executes the module file when it starts."""
    slicer_app.load_logic("LesionTraining")
    names = {name.split(".")[0] for name in vars(sys.modules["LesionTraining"])}
    assert not names & {"torch", "LesionTrainingLib", "LesionDetectionLib"}


def test_a_slicer_that_starts_with_this_module_has_no_database_yet(slicer_app, engines, monkeypatch, tmp_path):
    """The module DICOM makes it when Slicer has started. The panel is whole all the same, and lists it when it is there."""
    import slicer
    from LesionTrainingLib.panel import training_panel

    monkeypatch.setenv("LESION_MODELS", str(tmp_path / "Models"))
    monkeypatch.setattr(training_panel, "worker_engine", engines)
    database = slicer.dicomDatabase
    del slicer.dicomDatabase
    try:
        widget = slicer_app.load_module("LesionTraining")
        slicer_app.show(widget)
    finally:
        slicer.dicomDatabase = database
    assert widget.ui.countsText.text.startswith("No DICOM database is open.")
    database.openDatabase(str(tmp_path / "database" / "ctkDICOM.sql"))
    widget.ui.refreshButton.click()
    assert widget.panel.session.listing.busy
