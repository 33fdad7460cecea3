"""Training through a real worker process: data made as DICOM with SEG labels, started, killed, gone on with, and installed.

The module's self-test (panel/test_training_module.py) pauses such a run and goes on with it; there a worker process lists
and checks the data, too, which this process does here."""

from __future__ import annotations

import json
from pathlib import Path

import LesionTrainingLib
import pytest
from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.app.worker.engine import InProcess
from LesionDetectionLib.app.worker.pipes import PipedWorker
from LesionTrainingLib.session.catalogue import Chosen, LabelChoice, SeriesFilter
from LesionTrainingLib.session.plan import TrainingPlan
from LesionTrainingLib.session.runs import unfinished
from LesionTrainingLib.session.training_run import RunState
from LesionTrainingLib.session.training_session import TrainingSession

pytestmark = pytest.mark.usefixtures("lung_parts_kept")

STEPS = {
    "spacing_mm": [3.0, 3.0, 3.0],
    "screening_stage": {"steps": 12, "batch": 8},
    "reduction_stage": {"steps": 4, "batch": 4},
    "mining_rounds": 1,
}


@pytest.fixture
def tiny_settings(tmp_path):
    """Fewer steps on a coarser grid than the preset for trials."""
    path = tmp_path / "tiny.yaml"
    path.write_text(json.dumps(STEPS))
    return path


class Worked:
    """A session whose runs are done by real workers, and what lets their news in."""

    def __init__(self, folder):
        self.workers = []
        self.session = TrainingSession(InProcess, self._make, lambda: folder / "models", lambda: folder / "runs")

    def _make(self):
        self.workers.append(PipedWorker(paths=[Path(LesionTrainingLib.__file__).parent.parent], grace_s=60.0))
        return self.workers[-1]

    def kill(self):
        """End the process that trains, as a full memory does."""
        self.workers[-1]._transport._process.kill()

    def until(self, ready, tries=1500):
        for _ in range(tries):
            if ready():
                return
            for worker in self.workers:
                worker.pump(0.1)
        raise AssertionError(f"it did not come so far: {self.session.run.state} {self.session.run.error}")


@pytest.fixture
def worked(tmp_path):
    made = Worked(tmp_path)
    yield made
    made.session.close()


def plan_for(cohort, settings):
    return TrainingPlan("tiny", "nodule-ct", cohort, preset="trial", settings_file=str(settings), device="cpu", seed=1)


@pytest.mark.slow
def test_from_a_dicom_database_to_a_model_killed_in_the_middle(worked, phantom_database, tmp_path, tiny_settings):
    session, run = worked.session, worked.session.run
    session.list_database(phantom_database(3), LabelChoice())
    worked.until(lambda: session.catalogue is not None)
    shown = session.catalogue.shown(SeriesFilter("CT", labelled=True))
    assert shown.counts.labelled == 3
    cohort = str(Chosen(session.catalogue, frozenset(series.uid for series in shown.series)).spec())
    session.check(cohort)
    worked.until(lambda: session.summary is not None)
    assert (session.summary.labelled, session.summary.problems) == (3, ())
    assert session.summary.lesions > 0

    session.start(plan_for(cohort, tiny_settings))
    worked.until(lambda: run.text.startswith("Step"))
    worked.kill()
    worked.until(lambda: not run.state.is_busy)
    assert run.state is RunState.FAILED
    assert "worker process ended unexpectedly" in str(run.error)
    assert [one.plan.name for one in unfinished(tmp_path / "runs")] == ["tiny"]
    run.resume()
    worked.until(lambda: not run.state.is_busy)
    assert run.state is RunState.FINISHED, run.error
    run.curves.update()
    assert [len(curve.steps) for curve in run.curves.losses] == [12, 4]
    (result,) = run.results
    assert result.path in [entry.path for entry in ModelShelf(tmp_path / "models").entries("nodule-ct")]
    assert result.scans == 1
