"""The recipe's settings: the paper's, those that cannot be, and those that come with the program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.pet_weak.architecture import PetWeakArchitecture
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.learning.pet_weak import RECIPE
from LesionTrainingLib.learning.pet_weak.settings import PseudoLabelSettings, RecipeSettings, VariationSettings, paper
from LesionTrainingLib.session.presets import presets

DEMONSTRATION = Path(__file__).resolve().parents[4] / "Resources" / "Training" / "pet-weak-phantom.yaml"


def test_the_defaults_are_the_papers():
    settings = RECIPE.default_settings()
    assert (settings.pixel_mm, settings.most_suv) == (2.0, 30.0)
    assert settings.architecture == PetWeakArchitecture()
    assert settings.architecture.classes == ("lung", "oesophagus")
    assert 2 * settings.fit.batch == 8
    assert settings.distance_weight > 0
    assert settings == paper()


@pytest.mark.parametrize("kind", ["fcn", "unet"])
def test_the_others_differ_in_the_network_and_what_it_learns_from(kind):
    settings = paper(kind)
    assert settings.architecture.kind == kind
    assert (settings.fit.monitor, settings.fit.higher_is_better) == ("Dice", True)
    labeller = settings.labeller()
    assert (labeller.architecture.kind, labeller.distance_weight) == ("cam", 0.0)
    assert labeller.fit == settings.labelling == paper().fit
    with pytest.raises(UsageError, match="no kind of network “rpet”"):
        paper("rpet")


FIT = RecipeSettings().fit


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architecture": PetWeakArchitecture("vgg")}, "no kind of network “vgg”"),
        ({"architecture": PetWeakArchitecture(classes=("lung",))}, "two classes"),
        ({"distance_weight": -1.0}, "distance_weight"),
        ({"pointing_mm": 0.0}, "pointing_mm"),
        ({"canvas_px": (100, 64)}, "multiples of 16"),
        ({"measured_cases": -1}, "measured_cases"),
        ({"fit": replace(FIT, seed=3)}, "--seed"),
        ({"fit": replace(FIT, monitor="Dice", higher_is_better=True)}, "one of accuracy, pointing"),
        ({"fit": replace(FIT, higher_is_better=True)}, r"fit\.higher_is_better \(loss\)"),
        ({"architecture": PetWeakArchitecture("unet")}, None),
        ({"architecture": PetWeakArchitecture("fcn"), "labelling": replace(FIT, monitor="Dice")}, "labelling.monitor"),
    ],
)
def test_what_cannot_be_is_refused(changes, told):
    if told is None:
        assert replace(RecipeSettings(), **changes).fit.monitor == "loss"
        return
    with pytest.raises(UsageError, match=told):
        replace(RecipeSettings(), **changes)


@pytest.mark.parametrize("changes", [{"mirror": 2.0}, {"scale": 1.0}, {"shift": -0.1}, {"share": -0.1}])
def test_variations_that_cannot_be_are_refused(changes):
    with pytest.raises(UsageError):
        VariationSettings(**changes)


def test_shares_of_labels_that_cannot_be_are_refused():
    with pytest.raises(UsageError, match="map_share"):
        PseudoLabelSettings(map_share=0.0)


def test_presets_and_the_demonstration_fit_the_recipe():
    found = {name: changed(RecipeSettings(), one.settings) for name, one in presets("pet-weak").items()}
    assert {"standard", "small", "unet", "fcn"} <= set(found)
    made = changed(RecipeSettings(), yaml.safe_load(DEMONSTRATION.read_text(encoding="utf-8")))
    assert made.architecture.classes == ("lung", "oesophagus", "none")
    # bfloat16 pays on processors that have it only: the preset is for all.
    assert found["small"] == replace(made, fit=replace(made.fit, precision="auto"))
    assert found["cam-alone"] == replace(found["small"], distance_weight=0.0)
    assert found["paper"] == RecipeSettings()
    assert found["fcn"].labeller().fit == found["small"].fit
