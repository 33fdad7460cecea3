"""Section 3: the button that starts, pauses and resumes; ending, failing, earlier runs, and curves."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import DeviceError
from LesionTrainingLib.session.runs import unfinished
from LesionTrainingLib.session.training_run import RunState


def charts(scene):
    count = scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode")
    return {
        node.GetTitle(): node for node in (scene.GetNthNodeByClass(n, "vtkMRMLPlotChartNode") for n in range(count))
    }


def test_start_asks_the_worker_and_becomes_pause(started, ui, engines, tmp_path):
    engine, job = engines.last("TrainRequest")
    assert (job.request.fold, job.request.models) == (-1, str(tmp_path / "data" / "Models"))
    assert started.plan.cohort == "phantoms:chest?seeds=0-5&protocol=tiny"
    assert engine is not engines.last("ListDatabaseRequest")[0]
    assert ui.startButton.text == "Pause"
    assert ui.cancelButton.isVisible()
    assert ui.progressBar.isVisible()
    assert not ui.planSection.isEnabled()
    engines.tell("TrainRequest", 0.25, "Step 15 of 60, loss 0.41")
    assert ui.progressBar.value == 250
    assert ui.progressText.text == "Mine · Step 15 of 60, loss 0.41"


def test_pause_and_resume(started, ui, engines):
    ui.startButton.click()
    assert (ui.startButton.text, ui.startButton.isEnabled()) == ("Pausing", False)
    assert "ends the step that is under way" in ui.progressText.text
    engines.end("TrainRequest", "cancelled")
    assert (ui.startButton.text, ui.startButton.isEnabled()) == ("Resume", True)
    assert ui.runMessage.text.startswith("Paused.")
    ui.startButton.click()
    assert started.state is RunState.RUNNING
    assert len(engines.asked("TrainRequest")) == 2
    assert not ui.runMessageRow.isVisible()


def test_what_cannot_be_started_is_told_beside_the_button(ui, chosen, panel, engines):
    chosen.source = "luna16"
    ui.startButton.click()
    assert "Say where the data is" in ui.runMessage.text
    assert not engines.asked("TrainRequest")
    assert panel.session.run.state is RunState.NONE


@pytest.mark.parametrize("agreed", [True, False])
def test_libraries_are_asked_for_before_it_starts(ui, chosen, engines, monkeypatch, agreed):
    from LesionDetectionLib.panel import dependencies

    asked = []
    monkeypatch.setattr(dependencies, "ensure", lambda *what: asked.append(what) or agreed)
    chosen.source = "phantoms"
    ui.startButton.click()
    assert asked == [("train", ())], "and what the method needs beyond that"
    assert bool(engines.asked("TrainRequest")) is agreed


@pytest.mark.parametrize(("pressed", "left"), [(0, 1), (1, 0)])
def test_cancel_keeps_or_deletes_what_was_learned(started, ui, engines, answer, learn, tmp_path, pressed, left):
    learn(started, 5)
    texts = answer("choose", pressed)
    ui.cancelButton.click()
    assert "End the training run “Mine”?" in texts[0]
    if pressed == 0:
        assert started.state is RunState.STOPPING
        assert not ui.cancelButton.isEnabled()
        engines.end("TrainRequest", "cancelled")
    assert started.state is RunState.NONE
    assert ui.startButton.text == "Start training"
    assert not ui.cancelButton.isVisible()
    assert not ui.progressBar.isVisible()
    assert len(unfinished(tmp_path / "data" / "Training")) == left
    assert ui.earlierFrame.isVisible() is bool(left)
    assert ui.planSection.isEnabled()


def test_who_does_not_answer_goes_on(started, ui, answer):
    answer("choose", None)
    ui.cancelButton.click()
    assert started.state is RunState.RUNNING


def test_a_failure_says_why_and_that_it_can_go_on(started, ui, engines):
    engines.end("TrainRequest", "failed", error=DeviceError("The memory is full."), details="Traceback")
    assert "The memory is full. What was learned so far is kept" in ui.runMessage.text
    assert ui.startButton.text == "Resume"
    assert ui.cancelButton.text == "Close"
    ui.startButton.click()
    assert started.state is RunState.RUNNING


def test_an_earlier_run_is_offered_opened_and_gone_on_with(started, ui, engines, panel, learn, answer, slicer_app):
    learn(started, 12)
    answer("choose", 0)
    ui.cancelButton.click()
    engines.end("TrainRequest", "cancelled")
    assert ui.earlierComboBox.currentText == "Mine"
    ui.openRunButton.click()
    assert panel.session.run.state is RunState.PAUSED
    assert not ui.earlierFrame.isVisible()
    assert ui.curveText.text.startswith("screening: loss")
    assert "after 12 steps" in ui.curveText.text
    ui.startButton.click()
    assert panel.session.run.state is RunState.RUNNING
    assert engines.last("TrainRequest")[1].request.run.endswith("Mine")


@pytest.mark.parametrize("agreed", [True, False])
def test_an_earlier_run_is_deleted_only_when_confirmed(started, ui, engines, learn, answer, tmp_path, agreed):
    learn(started, 12)
    answer("choose", 0)
    ui.cancelButton.click()
    engines.end("TrainRequest", "cancelled")
    texts = answer("confirm", agreed)
    ui.removeRunButton.click()
    assert "with all that it has learned (12 steps)" in texts[0]
    assert (tmp_path / "data" / "Training" / "Mine").exists() is not agreed
    assert ui.earlierFrame.isVisible() is not agreed


def test_curves_grow_in_the_plot_view(started, ui, panel, learn, slicer_app, shown_chart):
    import slicer

    before = slicer.app.layoutManager().layout
    learn(started, 40)
    panel.run.poll()
    chart = charts(slicer_app.scene)["Training loss"]
    assert shown_chart() is chart
    assert slicer.app.layoutManager().layout != before
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    learn(started, 90)
    panel.run.poll()
    assert chart.GetNthPlotSeriesNode(0).GetTableNode().GetNumberOfRows() == 90
    assert "after 90 steps" in ui.curveText.text
    ui.plotCheckBox.click()
    assert slicer.app.layoutManager().layout == before
    learn(started, 95)
    panel.run.poll()
    assert slicer.app.layoutManager().layout == before


def test_metrics_have_a_chart_of_their_own(started, ui, panel, learn, shown_chart):
    learn(started, 40, validated=(20, 40))
    panel.run.poll()
    assert [ui.curveComboBox.itemText(n) for n in range(ui.curveComboBox.count)] == [
        "Loss",
        "Metrics on validation cases",
    ]
    ui.curveComboBox.setCurrentIndex(1)
    assert shown_chart().GetTitle() == "Validation"
    ui.curveComboBox.setCurrentIndex(0)
    assert shown_chart().GetTitle() == "Training loss"


def test_a_timer_looks_while_it_runs_and_stops_with_it(started, panel, engines, learn, slicer_app):
    assert panel.run._timer.isActive()
    panel.run._timer.setInterval(10)
    learn(started, 40)
    slicer_app.process_events(lambda: "Training loss" in charts(slicer_app.scene))
    panel.session.run.pause()
    engines.end("TrainRequest", "cancelled")
    assert not panel.run._timer.isActive()


def test_folds_are_trained_one_after_another(ui, chosen, panel, engines, finish, learn):
    chosen.source, chosen.folds, chosen.name = "phantoms", 2, "Mine"
    ui.startButton.click()
    run = panel.session.run
    learn(run, 5)
    assert "Mine fold 1 of 2" in ui.progressText.text
    finish(run)
    assert "Mine fold 2 of 2" in ui.progressText.text
    assert ui.progressBar.value == 500
    finish(run)
    engines.end("PoolFoldsRequest", result={"scans": 40, "cpm": 0.7, "froc": []})
    assert run.state is RunState.FINISHED
    assert ui.runMessage.text.startswith("Trained: Mine fold 1 of 2, Mine fold 2 of 2.")


def test_the_database_can_be_listed_while_it_trains(started, panel, engines, catalogue, ui):
    panel.data.list_database(again=True)
    engines.end("ListDatabaseRequest", result=catalogue)
    assert ui.databaseTree.topLevelItemCount == 3
    assert started.state is RunState.RUNNING
