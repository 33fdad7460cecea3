"""The detectors in tiny, for the cases that all recipes of slices are tested on."""

from __future__ import annotations

from dataclasses import replace

from LesionDetectionLib.methods.liver_ct.architecture import LiverArchitecture
from LesionDetectionLib.methods.liver_ct.network import Sampling
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.liver_ct.settings import RecipeSettings, paper
from LesionTrainingLib.learning.slices.settings import SelectionSettings

SHAPES = {"widths": (4, 4, 4, 4), "vgg_base": 2, "resnet_base": 2, "sizes": (16.0, 32.0), "ratios": (1.0,), "roi_px": 4}
FIT = EngineSettings(steps=4, batch=4, learning_rate=2e-3, validate_every=2, tensorboard=False)


def tiny(detector, **changes) -> RecipeSettings:
    """Settings of a detector that is fitted in a second or two; slices of 64 pixels, as the cases have them."""
    architecture = LiverArchitecture(detector, roi_pooling="align", **SHAPES)
    if detector.startswith("vgg"):
        architecture = replace(architecture, vgg_normalised=True, dropout=0.05)
    settings = replace(
        paper("faster-rcnn"),
        size_px=64,
        window_hu=(-1024.0, 1050.0),
        architecture=architecture,
        sampling=Sampling(anchors=32, proposals=50, boxes=8),
        epochs=0.0,
        validate_epochs=0.0,
        fit=FIT,
        selection=SelectionSettings(slices_with=1, slices_without=1),
    )
    return replace(settings, **changes)
