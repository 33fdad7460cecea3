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
    scales: tuple[float, ...] = (1.0,)
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


def test_a_tuple_of_any_length():
    assert from_json(Settings, {"scales": [1, 0.5, 2]}).scales == (1.0, 0.5, 2.0)
    with pytest.raises(ValueError, match="“scales” cannot be"):
        from_json(Settings, {"scales": [1, "large"]})


def test_other_settings_can_be_the_base():
    assert changed(Settings(name="mine"), {"stage": {"steps": 7}}) == Settings(name="mine", stage=Stage(7))


@dataclass(frozen=True)
class Optional:
    grid: tuple[int, int] | None = None
    box: tuple[tuple[float, float], tuple[float, float]] | None = None
    names: tuple[str, ...] | None = None
    most: float | None = None


def test_where_the_default_is_none_the_annotation_says_the_form():
    given = {"grid": [1, 2], "box": [[0, 1.5], [2, 3]], "names": ["a", "b", "c"], "most": 7}
    settings = from_json(Optional, given)
    assert settings == Optional((1, 2), ((0.0, 1.5), (2.0, 3.0)), ("a", "b", "c"), 7.0)
    assert type(settings.box[0][0]) is float
    assert changed(settings, {"box": [[1, 1], [2, 2]], "grid": None}).box == ((1.0, 1.0), (2.0, 2.0))
    assert from_json(Optional, {"grid": None}) == Optional()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"grid": [1]}, r"“grid” cannot be \[1\]"),
        ({"grid": [1, 2.5]}, r"“grid” cannot be \[1, 2.5\]"),
        ({"grid": 1}, "“grid” cannot be 1"),
        ({"box": [1, 2]}, r"“box” cannot be \[1, 2\]"),
        ({"names": "abc"}, "“names” cannot be 'abc'"),
        ({"most": True}, "“most” cannot be True"),
        ({"most": {}}, "“most” cannot be {}"),
    ],
)
def test_what_the_annotation_does_not_allow_is_named(given, told):
    with pytest.raises(ValueError, match=told):
        from_json(Optional, given)
