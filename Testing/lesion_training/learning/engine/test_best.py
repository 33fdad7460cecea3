"""Which weights are kept, and when patience is over."""

from __future__ import annotations

import math

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.learning.engine.best import Best
from LesionTrainingLib.learning.engine.settings import EngineSettings
from torch import nn


def observed(values, **changes):
    best, network = Best(EngineSettings(monitor="m", validate_every=1, **changes)), nn.Linear(1, 1)
    outcome = []
    for step, value in enumerate(values, start=1):
        nn.init.constant_(network.weight, step)
        outcome.append(best.observe({"m": value}, step, network))
    return best, outcome


def test_the_highest_or_the_lowest_is_kept():
    best, outcome = observed([0.2, 0.5, 0.5, 0.1], patience=2)
    assert outcome == [True, True, False, False]
    assert (best.step, best.value, best.stale, best.exhausted) == (2, 0.5, 2, True)
    assert float(best.weights["weight"]) == 2.0
    lowest, outcome = observed([3.0, 4.0, 2.0], higher_is_better=False, patience=2)
    assert outcome == [True, False, True]
    assert (lowest.step, lowest.exhausted) == (3, False)


def test_what_is_no_number_is_never_better():
    best, outcome = observed([math.nan, 0.1, math.nan])
    assert outcome == [False, True, False]
    assert best.step == 2
    none, _ = observed([math.nan])
    assert none.weights is None
    assert none.state()["value"] is None


def test_its_state_can_be_taken_up_again():
    best, _ = observed([0.2, 0.5, 0.1])
    again = Best(EngineSettings(monitor="m", validate_every=1))
    again.restore(best.state(), best.weights)
    assert (again.state(), again.weights) == (best.state(), best.weights)
    assert not again.observe({"m": 0.4}, 9, nn.Linear(1, 1))


def test_a_metric_that_is_not_measured_is_said():
    with pytest.raises(UsageError, match="“monitor” is “m”, but the validation gives loss"):
        Best(EngineSettings(monitor="m", validate_every=1)).observe({"loss": 1.0}, 1, nn.Linear(1, 1))
    unwatched = Best(EngineSettings())
    assert not unwatched.observe({"loss": 1.0}, 1, nn.Linear(1, 1))
