"""The number that trials are compared by, from histories as the engine writes them."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.learning.engine.history import HISTORY, STEP, VALIDATION, History, Record
from LesionTrainingLib.learning.recipe import recipes
from LesionTrainingLib.tuning.measures import Measure, has_learned, histories

UNIVERSAL, NODULE, UPTAKE = (
    recipes()[method].default_settings() for method in ("universal-ct", "nodule-ct", "high-uptake-ct")
)


def history_of(*records):
    history = History(".")
    history.records = list(records)
    return history


def step(n, loss, rate=100.0):
    return Record(STEP, n, float(n), {"loss": loss, "samples_per_second": rate})


def test_the_loss_is_the_mean_of_the_last_tenth_of_training():
    measure = Measure.of_settings(UPTAKE, "loss")
    records = [step(n, 1.0) for n in range(1, 19)] + [step(19, 0.3), step(20, 0.5)]
    validation = Record(VALIDATION, 20, 20.0, {"loss": 77.0})
    assert measure.of(history_of(*records, validation)) == pytest.approx(0.4)
    assert measure.is_better(0.3, 0.4)
    assert measure.of(history_of(validation)) != measure.of(history_of(validation))  # NaN


@pytest.mark.parametrize(("higher", "best"), [(True, 0.7), (False, 0.2)])
def test_of_validations_the_best_counts_and_what_is_not_finite_does_not(higher, best):
    settings = replace(UNIVERSAL, fit=replace(UNIVERSAL.fit, higher_is_better=higher))
    measure = Measure.of_settings(settings)
    assert (measure.name, measure.metric, measure.higher_is_better) == ("validation", "mAP", higher)
    values = [0.2, 0.7, float("nan"), 0.4]
    records = [Record(VALIDATION, n, 0.0, {"mAP": value, "loss": 9.0}) for n, value in enumerate(values)]
    assert measure.of(history_of(*records)) == best


def test_seconds_leave_the_first_tenth_and_what_is_between_steps_out():
    measure = Measure.of_settings(UPTAKE, "seconds")
    records = [step(1, 1.0, rate=0.5), step(2, 1.0, rate=2.0)] + [step(n, 1.0, rate=50.0) for n in range(3, 21)]
    assert measure.of(history_of(*records)) == pytest.approx(20.0)
    assert measure.of(history_of(step(1, 1.0, rate=4.0))) == pytest.approx(250.0)


def test_the_fit_that_is_looked_at_is_the_last_unless_it_is_named():
    assert Measure.of_settings(NODULE).fit == "reduction_stage"
    assert Measure.of_settings(NODULE).name == "loss"
    named = Measure.of_settings(NODULE, "auto", "screening_stage")
    assert (named.fit, named.number) == ("screening_stage", 0)
    for given, told in [
        (("magic", ""), "There is no measure “magic”"),
        (("loss", "magic"), "There are: screening_stage, reduction_stage"),
        (("validation", ""), "“reduction_stage” watches nothing"),
    ]:
        with pytest.raises(UsageError, match=told):
            Measure.of_settings(NODULE, *given)


def test_fits_are_told_apart_by_the_order_of_their_work(tmp_path):
    for at, name in ((2, "a-second"), (1, "b-first")):
        (tmp_path / name).mkdir()
        (tmp_path / name / HISTORY).write_text(step(at, float(at)).as_line())
        os.utime(tmp_path / name / HISTORY, ns=(at * 10**9, at * 10**9))
    assert [path.name for path in histories(tmp_path)] == ["b-first", "a-second"]
    first, last = Measure.of_settings(NODULE, "loss", "screening_stage"), Measure.of_settings(NODULE)
    assert (first.of(first.history(tmp_path)), last.of(last.history(tmp_path))) == (1.0, 2.0)
    assert last.is_current(tmp_path)
    assert not first.is_current(tmp_path)


def test_it_is_told_whether_a_loss_came_down():
    falling = [step(n, 1.0 / n) for n in range(1, 30)]
    assert has_learned(history_of(*falling))
    assert not has_learned(history_of(*reversed(falling)))
    assert not has_learned(history_of(*(step(n, 0.7) for n in range(1, 30))))
