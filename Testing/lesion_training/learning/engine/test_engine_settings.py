"""Settings that make no sense are refused before hours are spent on them."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.plain_values import from_json
from LesionTrainingLib.learning.engine.settings import EngineSettings


def test_settings_come_from_plain_values():
    assert from_json(EngineSettings, {"optimizer": "sgd", "learning_rate": 1}) == EngineSettings(
        optimizer="sgd", learning_rate=1.0
    )
    assert from_json(EngineSettings, asdict(EngineSettings())) == EngineSettings()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"optimizer": "lion"}, "no optimizer “lion”. Choose one of sgd, adam, adamw"),
        ({"precision": "int8"}, "no precision"),
        ({"steps": 0}, "“steps” must be at least 1"),
        ({"clip_norm": -1.0}, "“clip_norm” must not be negative"),
        ({"weight_decay": float("nan")}, "“weight_decay” must not be negative"),
        ({"learning_rate": 0.0}, "“learning_rate” must be more than 0"),
        ({"batch": 2, "accumulate": 3}, "cannot be worked on in 3 parts"),
        ({"schedule": "step"}, "needs “step_every”"),
        ({"schedule": "plateau"}, "need “monitor”"),
        ({"patience": 3}, "need “monitor”"),
        ({"monitor": "map"}, "“validate_every” must be set"),
    ],
)
def test_what_makes_no_sense_is_refused(values, said):
    with pytest.raises(UsageError, match=said):
        EngineSettings(**values)
