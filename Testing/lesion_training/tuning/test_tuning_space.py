"""Settings by path in the recipes that there are, the grid, and how long a trial is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.recipe import recipes
from LesionTrainingLib.tuning.paths import differing, fits_of, nested, plain, steps_of, with_values
from LesionTrainingLib.tuning.space import Budget, parse_space

NODULE, UPTAKE, UNIVERSAL = (
    recipes()[method].default_settings() for method in ("nodule-ct", "high-uptake-ct", "universal-ct")
)


@pytest.mark.parametrize(
    ("settings", "path", "near"),
    [
        (NODULE, "fit.learning_rate", "screening_stage.learning_rate"),
        (NODULE, "fit.learning_rate", "reduction_stage.learning_rate"),
        (UPTAKE, "fit.learning_rat", "fit.learning_rate"),
        (UNIVERSAL, "learning_rate", "fit.learning_rate"),
        (UNIVERSAL, "loss.boxweight", "loss.box_weight"),
        (UPTAKE, "fit", "fit."),
        (NODULE, "sampling.screening_negatives.lungs", "sampling.screening_negatives.lung"),
    ],
)
def test_an_unknown_path_is_refused_with_those_near_it(settings, path, near):
    with pytest.raises(UsageError, match=f"There is no setting “{path}”") as refused:
        parse_space(settings, [f"{path}=1,2"], Budget())
    assert near in str(refused.value)


@pytest.mark.parametrize(
    ("vary", "told"),
    [
        (["fit.batch=0,1"], "“fit.batch” cannot be 0"),
        (["fit.batch=a,b"], "“fit.batch” cannot be a"),
        (["fit.batch=1.5,2"], "“fit.batch” cannot be 1.5"),
        (["fit.optimizer=adam,magic"], "There is no optimizer “magic”"),
        (["fit.learning_rate=0..1"], "“fit.learning_rate” cannot be 0"),
        (["architecture.dropout=0..1"], "“architecture.dropout” cannot be 1"),
        (["fit.batch=1,2", "fit.batch=4"], "varied twice"),
        (["fit.batch=1..1000 1000", "fit.steps=1..1000 1000"], "make 1000000 trials"),
        ([], "Say what to vary"),
    ],
)
def test_values_that_cannot_be_are_refused(vary, told):
    with pytest.raises(UsageError, match=told):
        parse_space(UPTAKE, vary, Budget())


def test_points_that_cannot_be_together_are_left_out():
    space = parse_space(UPTAKE, ["fit.batch=1,8", "fit.accumulate=1,2"], Budget())
    points = [space.values(point) for point in space.points()]
    assert [tuple(point.values()) for point in points] == [(1, 1), (8, 1), (8, 2)]
    assert space.settings(points[2]).fit.accumulate == 2


def test_some_points_of_a_grid_are_drawn_with_the_seed():
    space = parse_space(UPTAKE, ["fit.batch=1..9 9", "fit.optimizer=adam,sgd"], Budget())
    some = [space.points(5, seed) for seed in range(3)]
    assert all(len(points) == 5 for points in some)
    assert some[0] == space.points(5, 0) != some[1]
    every = space.points()
    assert len(every) == 18
    assert [every.index(point) for point in some[0]] == sorted(every.index(point) for point in some[0])


def test_an_entry_of_a_dictionary_leaves_the_others():
    space = parse_space(NODULE, ["sampling.screening_negatives.lung=0.5,0.7"], Budget())
    found = space.settings({"sampling.screening_negatives.lung": 0.7}).sampling.screening_negatives
    assert found == {**NODULE.sampling.screening_negatives, "lung": 0.7}


def test_a_trial_is_as_long_as_its_budget_and_the_chosen_settings_are_not():
    space = parse_space(NODULE, ["screening_stage.batch=10,100"], Budget(samples=450))
    values = {"screening_stage.batch": 100}
    assert list(fits_of(NODULE)) == ["screening_stage", "reduction_stage"]
    settings = space.settings(values)
    assert settings.screening_stage.steps == 5
    assert settings.reduction_stage.steps == -(-450 // NODULE.reduction_stage.batch)
    assert space.chosen(values).screening_stage.steps == NODULE.screening_stage.steps
    with pytest.raises(UsageError, match="leave one out"):
        parse_space(NODULE, ["screening_stage.steps=10,100"], Budget(steps=5))


@pytest.mark.parametrize(
    ("defaults", "values"),
    [
        (
            UNIVERSAL,
            {"fit.learning_rate": 0.1, "validate_epochs": 0.0, "architecture.sizes": UNIVERSAL.architecture.sizes},
        ),
        (NODULE, {"sampling.reduction_negatives.lung": 0.25, "spacing_mm": (2.0, 2.0, 2.0), "mining_rounds": 1}),
    ],
)
def test_what_differs_makes_the_same_settings_again(defaults, values):
    wanted = with_values(defaults, values)
    found = differing(defaults, wanted)
    assert changed(defaults, plain(nested(defaults, found))) == wanted
    assert len(found) <= len(values)


@dataclass(frozen=True)
class WithEpochs:
    """Settings of a recipe whose rounds are in place of the steps of its fit."""

    epochs: float = 20.0
    fit: EngineSettings = field(default_factory=EngineSettings)


def test_a_budget_sets_epochs_aside():
    base = WithEpochs()
    assert steps_of(base, "fit") == 0, "they follow from the cases"
    space = parse_space(base, ["fit.batch=2,3"], Budget(samples=10))
    settings = space.settings({"fit.batch": 3})
    assert (settings.epochs, settings.fit.steps, steps_of(settings, "fit")) == (0.0, 4, 4)
    assert space.chosen({"fit.batch": 3}).epochs == 20.0
    assert parse_space(base, ["epochs=1,2"], Budget()).settings({"epochs": 2.0}).epochs == 2.0
    with pytest.raises(UsageError, match="leave one out"):
        parse_space(base, ["epochs=1,2"], Budget(steps=5))
