"""Settings of the recipe that would fail, or make a model that nobody can use, are refused before anything is fitted."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.liver_ct.architecture import DETECTORS, LiverArchitecture
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.learning.liver_ct.settings import RecipeSettings, paper
from LesionTrainingLib.learning.recipe import recipe
from LesionTrainingLib.session.presets import presets

RESOURCES = Path(__file__).parents[4] / "Resources" / "Training"
ONE_BOX = {"detector": "baseline"}
WRONG = [
    ({"size_px": 100}, "multiple of 16"),
    ({"window_hu": [100, -100]}, "window"),
    ({"proposals": 0}, "proposal"),
    ({"architecture": {"detector": "yolo"}}, "no detector"),
    ({"architecture": {"input_px": 256}}, "size_px"),
    ({"architecture": ONE_BOX, "fit": {"monitor": ""}, "crop": {"size_px": 256}}, "whole slice"),
    ({"architecture": ONE_BOX, "fit": {"monitor": ""}, "initial_weights": "vgg16.safetensors"}, "initial_weights out"),
    ({"architecture": ONE_BOX}, "one of MSE, sensitivity, loss, or empty, not mAP"),
    ({"architecture": ONE_BOX, "fit": {"monitor": "MSE"}}, "must be false"),
    ({"fit": {"monitor": "sensitivity"}}, "fit.monitor"),
    ({"fit": {"higher_is_better": False}}, "must be true"),
    ({"fit": {"seed": 3}}, "--seed"),
    ({"crop": {"size_px": 100}}, "crop.size_px"),
    ({"crop": {"size_px": 1024}}, "crop.size_px"),
    ({"frozen": {"stages": 6}}, "frozen.stages"),
    ({"sampling": {"anchor_negative_iou": 0.8}}, "anchor_negative_iou"),
    ({"sampling": {"boxes": 0}}, "sampling.boxes"),
    ({"sampling": {"positive_boxes": 0.0}}, "sampling.positive_boxes"),
    ({"sampling": {"box_iou": 1.5}}, "sampling.box_iou"),
    ({"epochs": -1.0}, "epochs"),
    ({"validate_epochs": -1.0}, "validate_epochs"),
    ({"measured_slices": -1}, "measured_slices"),
    ({"variation": {"flip": 2.0}}, "flip"),
]


@pytest.mark.parametrize(("given", "told"), WRONG, ids=str)
def test_what_makes_no_sense_is_refused_at_once(given, told):
    with pytest.raises(UsageError, match=told):
        changed(RecipeSettings(), given)


def test_the_defaults_are_those_of_the_papers_best():
    settings = recipe("liver-ct").default_settings()
    assert settings == paper("faster-rcnn")
    assert settings.architecture.sizes == (16, 24, 32, 48, 96)
    assert settings.architecture.ratios == (0.5, 1, 2)
    sampling = settings.sampling
    assert (sampling.anchor_positive_iou, sampling.anchor_negative_iou) == (0.7, 0.3)
    assert (settings.epochs, settings.fit.monitor, settings.fit.optimizer) == (150, "mAP", "adam")
    assert settings.frozen.batch_norm


@pytest.mark.parametrize(
    ("detector", "rate", "batch", "epochs", "dropout"),
    [("baseline", 0.003, 8, 150, 0.0), ("vgg", 1e-4, 1, 70, 0.05), ("vgg-front", 1e-4, 1, 70, 0.05)],
)
def test_each_detector_has_the_papers_values(detector, rate, batch, epochs, dropout):
    settings = paper(detector)
    assert settings.architecture == LiverArchitecture(detector, dropout=dropout)
    assert (settings.fit.optimizer, settings.fit.learning_rate, settings.fit.batch) == ("adam", rate, batch)
    assert (settings.epochs, settings.validate_epochs, settings.validation_slices) == (epochs, 1, 0)
    assert settings.fit.weight_decay == 0
    assert settings.fit.monitor == ""  # the last weights, as Figure 3 has the final loss
    assert detector == "baseline" or settings.frozen.stages == 5


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_paper_does_not_vary_its_slices(detector):
    settings = paper(detector)
    assert (settings.size_px, settings.crop.size_px) == (512, 0)
    assert (settings.variation.flip, settings.variation.share) == (0, 0)
    assert (settings.intensity.share, settings.intensity.shift, settings.intensity.contrast_range) == (0, 0, (1, 1))


def test_no_other_detector_is_in_the_paper():
    with pytest.raises(UsageError, match="yolo"):
        paper("yolo")


def test_the_network_is_made_for_the_slices():
    settings = replace(RecipeSettings(), size_px=256)
    assert settings.network().input_px == 256
    assert changed(RecipeSettings(), asdict(settings)) == settings


def test_every_preset_fits():
    found = presets("liver-ct")
    assert set(found) == {"standard", "paper", "baseline", "vgg", "small", "trial"}
    for preset in found.values():
        changed(RecipeSettings(), preset.settings)
    for name, detector in (("paper", "faster-rcnn"), ("baseline", "baseline"), ("vgg", "vgg")):
        told = changed(RecipeSettings(), found[name].settings)
        # What the baseline does not look at may stay.
        assert replace(told, frozen=paper(detector).frozen) == paper(detector)


def test_the_demonstration_model_is_made_as_its_preset_says():
    given = yaml.safe_load((RESOURCES / "liver-ct-phantom.yaml").read_text(encoding="utf-8"))
    made = changed(RecipeSettings(), given)
    told = changed(RecipeSettings(), presets("liver-ct")["small"].settings)
    assert replace(told, fit=made.fit) == made
    assert replace(told.fit, precision=made.fit.precision) == made.fit
