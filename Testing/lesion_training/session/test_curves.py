"""Curves that grow while a run goes on, begin anew where it was resumed, and come from several stages."""

from __future__ import annotations

import os

import numpy as np
import pytest
from LesionTrainingLib.learning.engine.history import NOTE, STEP, VALIDATION, HistoryWriter, Record
from LesionTrainingLib.session.curves import Curve, LiveCurves


@pytest.fixture
def stage(tmp_path):
    """``stage(name)`` writes the history of a stage."""
    writers = []

    def make(name):
        (tmp_path / name).mkdir(exist_ok=True)
        writers.append(HistoryWriter(tmp_path / name))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close()


def step(number, loss):
    return Record(STEP, number, float(number), {"loss": loss, "rate": 0.1})


def test_curves_grow(stage, tmp_path):
    curves = LiveCurves(tmp_path)
    assert not curves.update()
    assert curves.losses == ()
    writer = stage("screening")
    writer(step(1, 0.9))
    assert curves.update()
    assert not curves.update()
    writer(step(2, 0.7))
    writer(Record(VALIDATION, 2, 2.0, {"accuracy": 0.6}))
    writer(Record(NOTE, 2, 2.0, {}, "The memory was full."))
    assert curves.update()
    (loss,) = curves.losses
    assert (loss.name, loss.steps.tolist(), loss.values.tolist()) == ("screening", [1, 2], [0.9, 0.7])
    (accuracy,) = curves.validations
    assert (accuracy.name, accuracy.values.tolist()) == ("screening: accuracy", [0.6])
    assert curves.notes == ("The memory was full.",)


def test_stages_come_in_the_order_in_which_they_began(stage, tmp_path):
    stage("second")(step(1, 0.5))
    stage("first")(step(1, 0.9))
    os.utime(tmp_path / "first" / "history.jsonl", (1, 1))
    curves = LiveCurves(tmp_path)
    curves.update()
    assert [loss.name for loss in curves.losses] == ["first", "second"]


def test_a_resumed_run_draws_anew(stage, tmp_path):
    writer = stage("screening")
    for n in range(1, 6):
        writer(step(n, 1.0))
    curves = LiveCurves(tmp_path)
    curves.update()
    stage("screening")(step(1, 0.3))
    assert curves.update()
    assert curves.losses[0].values.tolist() == [0.3]


def test_smooth_is_the_mean_of_the_last_steps_and_passes_over_what_is_not_finite():
    values = np.arange(80, dtype=float)
    values[10], values[50] = np.nan, np.inf
    smooth = Curve("x", np.arange(80.0), values).smooth
    assert smooth[79] == pytest.approx(78.5)
    assert smooth[10] == 9
    assert smooth[50] == 49
    assert smooth[0] == 0
    assert len(Curve("x", np.zeros(0), np.zeros(0)).smooth) == 0


def test_a_thinned_curve_keeps_its_ends():
    curve = Curve("x", np.arange(1000.0), np.arange(1000.0))
    thin = curve.thinned(50)
    assert (len(thin.steps), thin.steps[0], thin.steps[-1]) == (50, 0, 999)
    assert curve.thinned(2000) is curve
