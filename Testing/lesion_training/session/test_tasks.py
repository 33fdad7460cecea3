"""What the worker does, in this process: training with a recipe that learns at once, folds, measuring, phantoms."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.app.worker.engine import InProcess
from LesionDetectionLib.app.worker.images import read_image
from LesionDetectionLib.app.worker.requests import request_at
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import Cancelled
from LesionTrainingLib.cohorts.caching.locks import FileLock
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.learning import measuring
from LesionTrainingLib.learning.card import Judged
from LesionTrainingLib.session import requests
from LesionTrainingLib.session.plan import TrainingPlan
from LesionTrainingLib.session.requests import (
    CohortSummaryRequest,
    ListDatabaseRequest,
    MeasureModelRequest,
    PhantomRequest,
    PhantomSeriesRequest,
    PoolFoldsRequest,
    TrainRequest,
)
from LesionTrainingLib.session.runs import RunFolder

pytestmark = pytest.mark.usefixtures("phantoms_kept")

PLAN = TrainingPlan("mine", "nodule-ct", "phantoms:chest?seeds=0-7&protocol=tiny")


def do(request):
    """The job, done in this process, of the request as it arrives in another one."""
    sent = request_at(request.place(), json.loads(json.dumps(request.to_json())))
    assert sent == request
    job = InProcess().submit(sent, {}, lambda _job: None)
    if job.error is not None:
        raise job.error
    return type(request).result_from_json(json.loads(json.dumps(type(request).result_to_json(job.result))))


@pytest.fixture
def begun(tmp_path):
    """``begun(**changes)`` -> a run of the plan."""
    return lambda **changes: RunFolder.create(tmp_path / "runs", replace(PLAN, **changes))


def ask(run, tmp_path, fold=-1):
    return TrainRequest(str(run.path), fold, str(tmp_path / "models"))


def test_training_ends_with_a_model_on_the_shelf(fake_recipe, begun, tmp_path):
    run = begun(seed=3)
    (part,) = run.plan.parts
    path = do(ask(run, tmp_path))
    (entry,) = [entry for entry in ModelShelf(tmp_path / "models").entries() if not entry.shipped]
    assert str(entry.path) == path == str(run.installed(part))
    manifest = Bundle.open(entry.path).manifest
    assert (manifest.name, manifest.training["seed"], manifest.metrics["test"]["cpm"]) == ("mine", 3, 0.5)
    assert manifest.training["command"].startswith("lesion train --method nodule-ct --cohort 'phantoms:chest")
    assert str(tmp_path) not in json.dumps(manifest.training)
    assert run.next_part is None


def test_a_run_that_was_stopped_goes_on(fake_recipe, begun, tmp_path):
    run = begun()
    fake_recipe.error = Cancelled()
    job = InProcess().submit(ask(run, tmp_path), {}, lambda _job: None)
    assert job.state == "cancelled"
    assert run.is_begun(run.plan.parts[0])
    assert run.next_part is not None
    assert run.steps_done == 3
    fake_recipe.error = None
    do(ask(run, tmp_path))
    assert [given.resume for given in fake_recipe.runs] == [False, True]
    assert run.next_part is None


def test_a_model_that_could_not_be_installed_is_not_trained_again(fake_recipe, begun, tmp_path):
    run, models = begun(), tmp_path / "models"
    models.mkdir()
    (models / "mine-1").write_text("in the way")
    job = InProcess().submit(ask(run, tmp_path), {}, lambda _job: None)
    assert job.state == "failed"
    assert run.next_part is not None
    (models / "mine-1").unlink()
    do(ask(run, tmp_path))
    assert run.next_part is None
    assert len(fake_recipe.runs) == 1


def test_preset_and_file_change_the_settings(fake_recipe, begun, tmp_path, monkeypatch):
    from LesionTrainingLib.session import presets

    (tmp_path / "presets").mkdir()
    content = {"title": "T", "about": "A.", "settings": {"steps": 5, "inner": {"a": 2.0}}}
    (tmp_path / "presets" / "nodule-ct.own.json").write_text(json.dumps(content))
    monkeypatch.setattr(presets, "_FOLDER", tmp_path / "presets")
    (tmp_path / "more.yaml").write_text("steps: 4\n")
    do(ask(begun(preset="own", settings_file=str(tmp_path / "more.yaml")), tmp_path))
    assert (fake_recipe.settings[0].steps, fake_recipe.settings[0].inner) == (4, {"a": 2.0})
    (tmp_path / "more.yaml").write_text("stepz: 4\n")
    run = begun(name="b", settings_file=str(tmp_path / "more.yaml"))
    job = InProcess().submit(ask(run, tmp_path), {}, lambda _job: None)
    assert "settings.yaml do not fit the method nodule-ct: “stepz” is not known" in str(job.error)


def test_validation_cases_are_looked_at_for_the_curves(tmp_path):
    from LesionTrainingLib.session.tasks import _settings

    settings = _settings(PLAN)
    assert settings.screening_stage.validate_every == settings.screening_stage.steps // 20
    (tmp_path / "own.yaml").write_text("reduction_stage: {steps: 4, validate_every: 3}\n")
    own = _settings(replace(PLAN, settings_file=str(tmp_path / "own.yaml")))
    assert own.reduction_stage.validate_every == 3
    (tmp_path / "own.yaml").write_text("reduction_stage: {steps: 4}\n")
    assert _settings(replace(PLAN, settings_file=str(tmp_path / "own.yaml"))).reduction_stage.validate_every == 5


def test_folds_divide_the_patients_once(fake_recipe, begun, tmp_path):
    run = begun(folds=2, seed=5)
    for fold in range(2):
        do(ask(run, tmp_path, fold))
    parts = [json.loads((run.folder(part) / "split.json").read_text())["parts"] for part in run.plan.parts]
    tests = [set(part["test"]) for part in parts]
    assert tests[0] | tests[1] == {f"chest-phantom-{seed:04d}" for seed in range(8)}
    assert not tests[0] & tests[1]
    assert all(part["validation"] for part in parts)
    assert [given.seed for given in fake_recipe.runs] == [5, 5]
    pooled = do(PoolFoldsRequest(str(run.path)))
    assert pooled["scans"] == 2
    assert 0 < pooled["cpm"] <= 1
    assert pooled["confidence"]["cpm"][0] <= pooled["cpm"]


def test_two_processes_do_not_train_in_one_folder(fake_recipe, begun, tmp_path):
    run = begun()
    lock = FileLock(run.path / ".in-use")
    assert lock.try_acquire()
    job = InProcess().submit(ask(run, tmp_path), {}, lambda _job: None)
    lock.release()
    assert "Another program is training" in str(job.error)
    assert not fake_recipe.runs


def test_a_database_is_listed(files):
    uid = files.image()
    files.database()
    found = do(ListDatabaseRequest(str(files.folder)))
    assert [series.uid for series in found.series] == [uid]


def test_a_cohort_is_summed_up():
    found = do(CohortSummaryRequest(PLAN.cohort, truth=False))
    assert (found.cases, found.lesions) == (8, -1)


@pytest.mark.parametrize("own", [True, False])
def test_a_measured_model_replaces_itself_or_is_copied(fake_recipe, begun, tmp_path, monkeypatch, own):
    path = do(ask(begun(), tmp_path))
    monkeypatch.setattr(
        measuring, "judge", lambda *_: (Judged({"cpm": 0.7, "scans": 2}, "| others |"), (LeftOut("x", "y"),))
    )
    models = tmp_path / "models" if own else tmp_path / "other models"
    measured = do(MeasureModelRequest(path, "phantoms:chest?seeds=95-96&protocol=tiny", str(models), "cpu"))
    assert Bundle.open(measured).manifest.metrics["test"]["cpm"] == 0.7
    assert Bundle.open(path).manifest.metrics["test"]["cpm"] == (0.7 if own else 0.5)


def test_a_phantom_and_its_truth(tmp_path):
    folder = do(PhantomRequest(str(tmp_path / "phantom"), seed=1, protocol="tiny"))
    image, truth = read_image(folder / "image"), Detections.load(folder / "truth.json")
    assert image.modality == "CT"
    assert truth.geometry.shape_kji == image.shape_kji
    assert truth.lesions


def test_phantoms_as_dicom_with_labels_can_be_learned_from(tmp_path):
    from LesionTrainingLib.cohorts.spec import open_cohort

    assert do(PhantomSeriesRequest(str(tmp_path / "dicom"), 1, seed=2)) == 1
    (case,) = open_cohort(f"dicom:{tmp_path / 'dicom'}").cases
    truth = Detections.load(next(tmp_path.rglob("*.truth.json")))
    found = case.truth().lesions
    assert len(found) == len(truth.lesions)
    known = np.array([lesion.center_ras_mm for lesion in truth.lesions])
    for lesion in found:
        assert np.linalg.norm(known - lesion.center_ras_mm, axis=1).min() < 0.5


def test_every_request_names_a_task_that_there_is():
    from LesionDetectionLib.app.worker.requests import Request
    from LesionDetectionLib.core.late import load

    kinds = [kind for kind in vars(requests).values() if isinstance(kind, type) and issubclass(kind, Request)]
    assert len(kinds) == 8
    for kind in kinds:
        assert kind is Request or callable(load(kind.TASK))
