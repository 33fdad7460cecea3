"""Settings from JSON or YAML: what fits is taken, what does not is named."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from LesionDetectionLib.methods.plain_values import changed, from_json


@dataclass(frozen=True)
class Stage:
    steps: int
    rate: float = 0.1


@dataclass(frozen=True)
class Settings:
    name: str = "x"
    size: tuple[float, float] = (1.0, 2.0)
    grid: tuple[int, int] | None = None
    stage: Stage = Stage(5)
    weights: dict[str, float] = field(default_factory=lambda: {"lung": 0.5})


def test_what_is_named_changes_and_the_rest_stays():
    settings = from_json(Settings, {"size": [3, 4.5], "stage": {"rate": 1}, "weights": {"lung": 1, "wall": 2}})
    assert settings == Settings(size=(3.0, 4.5), stage=Stage(5, 1.0), weights={"lung": 1.0, "wall": 2.0})
    assert type(settings.stage.rate) is float


def test_null_passes_where_it_may():
    assert from_json(Settings, {"grid": None}).grid is None
    with pytest.raises(ValueError, match="“name” cannot be None"):
        from_json(Settings, {"name": None})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], r"\[\] is no table of names and values"),
        ({"colour": 1}, "“colour” is not known"),
        ({"stage": {"stepz": 1}}, "“stage.stepz” is not known"),
        ({"stage": {"steps": 1.5}}, "“stage.steps” cannot be 1.5"),
        ({"stage": {"steps": True}}, "“stage.steps” cannot be True"),
        ({"stage": 3}, "“stage”: 3 is no table"),
        ({"size": [1]}, r"“size” cannot be \[1\]"),
        ({"weights": {"lung": "much"}}, "“weights.lung” cannot be 'much'"),
    ],
)
def test_what_does_not_fit_is_named(given, told):
    with pytest.raises(ValueError, match=told):
        from_json(Settings, given)


def test_other_settings_can_be_the_base():
    assert changed(Settings(name="mine"), {"stage": {"steps": 7}}) == Settings(name="mine", stage=Stage(7))
