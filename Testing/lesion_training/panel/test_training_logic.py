"""The module's logic, for scripts: in this process, with sentences for errors."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import Cancelled, UsageError


@pytest.fixture
def logic(slicer_app):
    return slicer_app.load_logic("LesionTraining").LesionTrainingLogic()


def test_training_from_a_script(logic, monkeypatch, tmp_path):
    from LesionTrainingLib.learning import training

    asked, told = [], []

    def train(request, progress):
        asked.append(request)
        progress(0.5, "Half")
        return "the bundle"

    monkeypatch.setattr(training, "train_bundle", train)
    report = lambda fraction, text: told.append((fraction, text))  # noqa: E731
    found = logic.train("phantoms:chest?seeds=0-5", tmp_path / "model", preset="trial", seed=3, report=report)
    assert found == "the bundle"
    (request,) = asked
    assert (request.parts.cohort, request.parts.seed, request.output) == (
        "phantoms:chest?seeds=0-5",
        3,
        tmp_path / "model",
    )
    assert request.settings.screening_stage.steps == 60
    assert told == [(0.5, "Half")]


def test_a_script_may_stop_it(logic, monkeypatch, tmp_path):
    from LesionTrainingLib.learning import training

    monkeypatch.setattr(training, "train_bundle", lambda request, progress: progress(0.1, ""))

    def stop(fraction, text):
        raise Cancelled

    with pytest.raises(Cancelled):
        logic.train("phantoms:chest", tmp_path / "model", report=stop)


def test_a_preset_that_there_is_not(logic, tmp_path):
    with pytest.raises(UsageError, match="no preset “magic”"):
        logic.train("phantoms:chest", tmp_path / "model", preset="magic")
