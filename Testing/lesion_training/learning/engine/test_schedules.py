"""Learning rates by step, and after validations that did not get better."""

from __future__ import annotations

import math

import pytest
from LesionTrainingLib.learning.engine.schedules import Schedule
from LesionTrainingLib.learning.engine.settings import EngineSettings


def rates(**values):
    settings = EngineSettings(steps=10, learning_rate=0.1, **values)
    return [Schedule(settings).rate(step) for step in range(10)]


def test_constant():
    assert rates() == [0.1] * 10


def test_cosine_is_half_way_down_in_the_middle():
    found = rates(schedule="cosine", final_share=0.2)
    assert found[0] == 0.1
    assert found[5] == pytest.approx(0.1 * 0.6)
    assert found[9] == pytest.approx(0.1 * (0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi * 0.9))))
    assert found == sorted(found, reverse=True)


def test_step():
    assert rates(schedule="step", step_every=4, factor=0.5) == pytest.approx([0.1] * 4 + [0.05] * 4 + [0.025] * 2)


def test_warmup_rises_in_equal_steps_and_the_schedule_follows():
    found = rates(schedule="cosine", warmup_steps=4)
    assert found[:5] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1])
    assert found[7] == pytest.approx(0.05)
    assert rates(warmup_steps=30) == pytest.approx([0.01 * (step + 1) for step in range(10)])


def test_plateau_as_the_deeplesion_detector_has_it():
    """A tenth after two validations without a better mAP, a tenth again after two more."""
    settings = EngineSettings(
        schedule="plateau", learning_rate=1e-4, plateau_patience=2, factor=0.1, monitor="map", validate_every=1
    )
    schedule, found = Schedule(settings), []
    for better in (True, False, True, False, False, False, False, True, False):
        schedule.observe(better)
        found.append(schedule.rate(0))
    assert found == pytest.approx([1e-4] * 4 + [1e-5] * 2 + [1e-6] * 3)
    other = Schedule(settings)
    other.restore(schedule.state())
    assert other == schedule
    other.observe(False)
    assert other.rate(0) == pytest.approx(1e-7)
