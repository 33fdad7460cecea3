"""Settings of the recipe that would fail, or make a model that nobody can use, are refused before anything is fitted."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.methods.plain_values import changed
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors, write_anchors
from LesionDetectionLib.methods.universal_ct.architecture import ROWS
from LesionTrainingLib.learning.recipe import recipe
from LesionTrainingLib.learning.slices.rounds import in_steps
from LesionTrainingLib.learning.universal_ct.settings import RecipeSettings
from LesionTrainingLib.session.presets import presets

RESOURCES = Path(__file__).parents[4] / "Resources" / "Training"
WRONG = [
    ({"size_px": 100}, "multiple"),
    ({"window_hu": [100, -100]}, "window"),
    ({"architecture": {"base": 0}}, "at least 1"),
    ({"architecture": {"lowest": 3}}, "lowest"),
    ({"architecture": {"lowest": 3, "dense": False}, "crop": {"size_px": 192}}, "multiple of 128"),
    ({"fit": {"seed": 3}}, "--seed"),
    ({"validate_epochs": -1.0}, "validate_epochs"),
    ({"validation_slices": -1}, "validation_slices"),
    ({"measured_slices": -1}, "measured_slices"),
    ({"selection": {"slices_with": -1}}, "slices_with"),
    ({"selection": {"mask_way": "guess"}}, "mask_way"),
    ({"selection": {"box_margin_px": math.inf}}, "box_margin_px"),
    ({"selection": {"least_section_px": 0}}, "least_section_px"),
    ({"crop": {"size_px": 100}}, "crop.size_px"),
    ({"crop": {"size_px": 1024}}, "crop.size_px"),
    ({"crop": {"anywhere": 2.0}}, "anywhere"),
    ({"matching": {"negative_iou": 0.6}}, "negative_iou"),
    ({"matching": {"ignored_share": 0.0}}, "ignored_share"),
    ({"loss": {"mask_weight": -1.0}}, "mask_weight"),
    ({"loss": {"beta": 0.0}}, "beta"),
    ({"loss": {"anchors": {"alpha": 2.0}}}, "alpha"),
    ({"variation": {"flip": 2.0}}, "flip"),
]


@pytest.mark.parametrize(("given", "told"), WRONG, ids=str)
def test_what_makes_no_sense_is_refused_at_once(given, told):
    with pytest.raises(UsageError, match=told):
        changed(RecipeSettings(), given)


def test_the_defaults_are_the_papers():
    settings = recipe("universal-ct").default_settings()
    assert settings.architecture == ROWS["attention"]
    assert (settings.size_px, settings.slice_distance_mm, settings.window_hu) == (512, 2.0, (-1024, 1050))
    assert (settings.fit.optimizer, settings.fit.batch, settings.fit.learning_rate) == ("adam", 4, 1e-4)
    assert (settings.fit.schedule, settings.fit.factor, settings.fit.plateau_patience) == ("plateau", 0.1, 2)
    assert (settings.fit.monitor, settings.fit.higher_is_better, settings.fit.patience) == ("mAP", True, 4)
    assert settings.validate_epochs == 1
    vary = settings.variation
    assert (vary.flip, vary.rotation_rad, vary.shear_rad, vary.scale, vary.shift) == (0.5, 0.1, 0.1, 0.1, 0.1)
    assert (settings.intensity.share, settings.intensity.shift, settings.crop.size_px) == (0, 0, 0)
    match = settings.matching
    assert (match.positive_iou, match.negative_iou, match.match_best) == (0.5, 0.4, False)
    assert (settings.loss.anchors.alpha, settings.loss.anchors.gamma) == (0.25, 2.0)
    assert settings.selection.mask_way == "grabcut"
    assert settings.selection.slices_with == settings.selection.slices_without == 0


def test_a_validation_may_come_after_so_many_rounds():
    settings = RecipeSettings()
    assert in_steps(settings.fit, 22_478, validate_epochs=settings.validate_epochs).validate_every == 5620
    assert in_steps(settings.fit, 10, validate_epochs=0.001).validate_every == 1
    assert in_steps(settings.fit, 10) == settings.fit


def test_anchors_come_from_a_file(tmp_path):
    found = Anchors((16, 32, 64, 128, 256), (0.5, 0.7), (0.5, 1, 2))
    write_anchors(tmp_path / "anchors.json", found)
    settings = replace(RecipeSettings(), anchors_file=str(tmp_path / "anchors.json")).with_anchors()
    architecture = settings.architecture
    assert (architecture.sizes, architecture.scales, architecture.ratios) == (found.sizes, found.scales, found.ratios)
    assert settings.with_anchors() == settings
    assert RecipeSettings().with_anchors() == RecipeSettings()
    write_anchors(tmp_path / "few.json", Anchors((16, 32), (0.5,), (1,)))
    with pytest.raises(UsageError, match=r"few\.json do not fit: it needs 5 sizes"):
        replace(settings, anchors_file=str(tmp_path / "few.json")).with_anchors()
    with pytest.raises(InputError, match="cannot be read"):
        replace(settings, anchors_file=str(tmp_path / "none.json")).with_anchors()


def test_every_preset_fits():
    found = presets("universal-ct")
    assert set(found) == {"standard", "paper", "small", "trial"}
    for preset in found.values():
        assert not changed(RecipeSettings(), preset.settings).architecture.problem()
    assert changed(RecipeSettings(), found["paper"].settings) == RecipeSettings()


def test_the_demonstration_model_is_made_as_its_preset_says():
    given = yaml.safe_load((RESOURCES / "universal-ct-phantom.yaml").read_text(encoding="utf-8"))
    made = changed(RecipeSettings(), given)
    told = changed(RecipeSettings(), presets("universal-ct")["small"].settings)
    assert replace(told, fit=made.fit) == made
    assert replace(told.fit, precision=made.fit.precision) == made.fit
