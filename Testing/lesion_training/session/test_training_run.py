"""A run as a person steers it: every button at every time, with an engine that does nothing by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionDetectionLib.core.errors import DeviceError, OutputError, UsageError
from LesionTrainingLib.session import training_run as module
from LesionTrainingLib.session.plan import TrainingPlan
from LesionTrainingLib.session.requests import PoolFoldsRequest, TrainRequest
from LesionTrainingLib.session.runs import RunFolder, unfinished
from LesionTrainingLib.session.training_run import RunState, TrainingRun

PLAN = TrainingPlan("mine", "nodule-ct", "phantoms:chest?seeds=0-9&protocol=tiny")


@pytest.fixture
def changes():
    return []


@pytest.fixture
def run(steered, tmp_path, changes):
    return TrainingRun(lambda: steered, lambda: tmp_path / "models", lambda: changes.append(1))


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


def begin(folder, part):
    """As a task does that was cancelled after its first steps."""
    folder.folder(part).mkdir(exist_ok=True)
    (folder.folder(part) / "run.json").write_text("{}")


@pytest.fixture
def finish(tmp_path, figures):
    """``finish(run)`` does what the task of the part at work does when it is done; gives the bundle's path."""

    def make(run):
        folder, part, path = run.folder, run.part, tmp_path / "models" / run.part.folder
        settings = {"operating_points": {"all": 0.1}}
        manifest = Manifest("nodule-ct", part.name, "1", {}, settings, {}, True, {"test": figures})
        write_bundle(path, manifest, {"w": np.zeros(1, np.float32)}, f"# {part.name}")
        folder.folder(part).mkdir(exist_ok=True)
        folder.note_installed(part, path)
        return str(path)

    return make


def test_a_run_from_start_to_result(run, runs, steered, tmp_path, changes, finish):
    run.start(PLAN, runs)
    assert (run.state, run.plan.name) == (RunState.RUNNING, "mine")
    assert steered.asked == [TrainRequest(str(runs / "mine"), -1, str(tmp_path / "models"))]
    steered.tell(0.4, "Step 4 of 10")
    assert (run.fraction, run.text) == (0.4, "Step 4 of 10")
    (run.folder.cache).mkdir()
    steered.end(result=finish(run))
    assert (run.state, run.fraction, run.text) == (RunState.FINISHED, 1.0, "")
    (result,) = run.results
    assert (result.name, result.cpm, result.cpm_bounds, result.scans) == ("mine", 0.5, (0.4, 0.6), 4)
    assert result.froc == ((0.125, 0.25), (1.0, 0.75))
    assert result.band[0] == (0.125, 0.1, 0.4)
    assert not run.folder.cache.exists()
    assert len(changes) >= 3


def test_pause_and_resume(run, runs, steered):
    run.start(PLAN, runs)
    run.pause()
    assert run.state is RunState.PAUSING
    run.pause()  # once is enough
    begin(run.folder, run.part)
    steered.tell(0.25)
    steered.end("cancelled")
    assert (run.state, run.can_resume, run.error, run.fraction) == (RunState.PAUSED, True, None, 0.25)
    run.resume()
    assert run.state is RunState.RUNNING
    assert len(steered.asked) == 2
    assert steered.asked[0] == steered.asked[1]


def test_a_run_that_ends_while_it_is_being_paused_has_ended(run, runs, steered, finish):
    run.start(PLAN, runs)
    run.pause()
    steered.end(result=finish(run))
    assert run.state is RunState.FINISHED


def test_a_crash_is_told_and_the_run_goes_on_when_asked(run, runs, steered):
    run.start(PLAN, runs)
    steered.end("failed", error=DeviceError("The memory is full."))
    assert (run.state, str(run.error), run.can_resume) == (RunState.FAILED, "The memory is full.", True)
    run.resume()
    assert (run.state, run.error) == (RunState.RUNNING, None)


@pytest.mark.parametrize("remove", [True, False])
def test_stopping_removes_or_keeps(run, runs, steered, remove):
    run.start(PLAN, runs)
    run.stop(remove)
    assert run.state is RunState.STOPPING
    assert run.state.is_busy
    steered.end("cancelled")
    assert run.state is RunState.NONE
    assert run.folder is None
    assert (runs / "mine").exists() is not remove
    assert len(unfinished(runs)) == (0 if remove else 1)


def test_stopping_a_paused_run_ends_it_at_once(run, runs, steered):
    run.start(PLAN, runs)
    run.pause()
    steered.end("cancelled")
    run.stop(remove=True)
    assert run.state is RunState.NONE
    assert not (runs / "mine").exists()


def test_only_one_run_at_a_time(run, runs):
    run.start(PLAN, runs)
    with pytest.raises(UsageError, match="Pause or cancel it first"):
        run.start(replace(PLAN, name="other"), runs)
    with pytest.raises(UsageError, match="Pause or cancel it first"):
        run.open(run.folder)
    assert run.plan.name == "mine"


def test_what_cannot_begin_leaves_all_as_it_was(run, runs):
    RunFolder.create(runs, PLAN)
    with pytest.raises(OutputError, match="already"):
        run.start(PLAN, runs)
    assert run.state is RunState.NONE
    with pytest.raises(UsageError, match="no training run to go on with"):
        run.resume()


def test_a_run_of_another_day_is_opened_paused(run, runs, steered):
    folder = RunFolder.create(runs, PLAN)
    begin(folder, folder.plan.parts[0])
    (offered,) = unfinished(runs)
    run.open(offered)
    assert (run.state, run.plan) == (RunState.PAUSED, PLAN)
    assert not steered.asked
    run.resume()
    assert len(steered.asked) == 1


def test_folds_in_turn_and_their_figures_together(run, runs, steered, finish, figures):
    run.start(replace(PLAN, folds=2), runs)
    for fold in range(2):
        assert steered.asked[-1].fold == fold
        steered.tell(0.5)
        assert run.fraction == pytest.approx((fold + 0.5) / 2)
        steered.end(result=finish(run))
    assert steered.asked[-1] == PoolFoldsRequest(str(runs / "mine"))
    assert run.state is RunState.RUNNING
    steered.end(result={"scans": 8, "cpm": 0.55, "froc": figures["froc"]})
    assert run.state is RunState.FINISHED
    assert [result.name for result in run.results] == ["mine fold 1 of 2", "mine fold 2 of 2", "mine"]
    pooled = run.results[-1]
    assert (pooled.scans, pooled.cpm, pooled.models, pooled.path, pooled.cpm_bounds) == (8, 0.55, 2, None, None)
    assert "mine fold 2 of 2: CPM 0.500" in pooled.card


def test_pausing_between_folds_goes_on_with_the_next(run, runs, steered, finish):
    run.start(replace(PLAN, folds=2), runs)
    run.pause()
    steered.end(result=finish(run))
    assert (run.state, run.part.fold, run.fraction) == (RunState.PAUSED, 1, 0.5)
    run.resume()
    assert steered.asked[-1].fold == 1


def test_one_fold_alone_is_not_put_together(run, runs, steered, finish):
    run.start(replace(PLAN, folds=2, fold=1), runs)
    steered.end(result=finish(run))
    assert run.state is RunState.FINISHED
    assert [result.name for result in run.results] == ["mine fold 2 of 2"]


def test_the_time_that_is_left_counts_from_where_a_resumed_run_began(run, runs, steered, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    run.start(PLAN, runs)
    now[0] += 1
    steered.tell(0.5)  # found done
    assert run.seconds_left() is None
    for _ in range(10):
        now[0] += 10
        steered.tell(steered.jobs[-1].fraction + 0.01)
    assert run.seconds_left() == pytest.approx(400, rel=0.01)
    run.pause()
    assert run.seconds_left() is None


def test_a_model_that_was_removed_is_told_of_by_the_runs_own_copy(run, runs, steered, finish):
    run.start(PLAN, runs)
    folder, part = run.folder, run.part
    path = finish(run)
    write_bundle(
        folder.bundle(part), Manifest("nodule-ct", "own copy", "1", {}, {}, {}, False), {"w": np.zeros(1)}, "# own"
    )
    import shutil

    shutil.rmtree(path)
    steered.end(result=path)
    assert [(result.name, result.cpm, result.scans) for result in run.results] == [("own copy", None, 0)]
