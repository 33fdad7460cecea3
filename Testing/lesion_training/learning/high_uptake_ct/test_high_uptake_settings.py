"""Settings of the recipe that would fail, or make a model that nobody can use, are refused before anything is fitted."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.learning.high_uptake_ct.settings import RecipeSettings
from LesionTrainingLib.learning.recipe import recipe
from LesionTrainingLib.session.presets import presets

RESOURCES = Path(__file__).parents[4] / "Resources" / "Training"
WRONG = [
    ({"spacing_mm": [20, 2, 2]}, "voxel size"),
    ({"normalisation": "suv"}, "normalisation"),
    ({"hull_margin_mm": -1}, "margin"),
    ({"architecture": {"filters": [0, 4]}}, "filters"),
    ({"architecture": {"hidden": [4, -4]}}, "hidden"),
    ({"architecture": {"dropout": 1.0}}, "dropout"),
    ({"fit": {"seed": 3}}, "--seed"),
    ({"balance": {"every": 0}}, "balance.every"),
    ({"balance": {"least": 0.0}}, "balance.least"),
    ({"balance_most": -1}, "balance_most"),
    ({"threshold_slices": -1}, "threshold_slices"),
    ({"selection": {"slices": "some"}}, "“8”"),
    ({"selection": {"slices": "0"}}, "slices"),
    ({"selection": {"slices_without": -1}}, "slices_without"),
    ({"sampling": {"background": {"bones": 1.0}}}, "“bones”"),
    ({"sampling": {"background": {"rim": 0.0}}}, "above 0"),
    ({"sampling": {"background": {"rim": -1.0, "hull": 2.0}}}, "background.rim"),
    ({"sampling": {"by_lesion": 1.5}}, "by_lesion"),
    ({"sampling": {"clear_mm": math.nan}}, "clear_mm"),
    ({"variation": {"flip": 2.0}}, "flip"),
]


@pytest.mark.parametrize(("given", "told"), WRONG, ids=str)
def test_what_makes_no_sense_is_refused_at_once(given, told):
    with pytest.raises(UsageError, match=told):
        changed(RecipeSettings(), given)


def test_the_defaults_are_the_papers():
    settings = recipe("high-uptake-ct").default_settings()
    assert settings.architecture.filters == (16, 48)
    assert settings.architecture.dropout == 0.5
    assert (settings.fit.optimizer, settings.fit.batch, settings.fit.learning_rate) == ("adam", 256, 1e-4)
    assert (settings.balance.every, settings.balance.least) == (500, 0.05)
    assert settings.sampling.background == {"anywhere": 1.0}
    assert settings.selection.slices == "largest"
    assert (settings.variation.flip, settings.variation.turn, settings.variation.intensity.share) == (0.0, False, 0.0)
    assert settings.threshold_slices == 0


def test_every_preset_fits():
    found = presets("high-uptake-ct")
    assert set(found) == {"standard", "paper", "small", "trial"}
    for preset in found.values():
        assert changed(RecipeSettings(), preset.settings).architecture.filters


def test_the_demonstration_model_is_made_as_its_preset_says():
    given = yaml.safe_load((RESOURCES / "high-uptake-ct-phantom.yaml").read_text(encoding="utf-8"))
    made = changed(RecipeSettings(), given)
    told = changed(RecipeSettings(), presets("high-uptake-ct")["small"].settings)
    assert replace(told, fit=made.fit) == made
    assert replace(told.fit, precision="float32", validate_every=made.fit.validate_every) == made.fit


@pytest.mark.parametrize(("slices", "taken"), [("largest", 1), ("all", 7), ("3", 3), ("12", 7)])
def test_a_number_of_slices_is_a_text(slices, taken):
    assert changed(RecipeSettings(), {"selection": {"slices": slices}}).selection.most(7) == taken
