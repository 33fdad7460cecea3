"""The network to begin with."""

from __future__ import annotations

from pathlib import Path

from LesionDetectionLib.methods.backbones.initial_weights import load_backbone
from LesionDetectionLib.methods.liver_ct.architecture import VGG_FRONT
from LesionDetectionLib.methods.liver_ct.network import LiverNetwork, freeze, make_network

from ..engine.networks import fresh
from .settings import STAGES, RecipeSettings

NAME = "detection"
"""Of the fit: its folder, its place in the record, and its random numbers."""


def starting_network(settings: RecipeSettings, seed: int) -> LiverNetwork:
    """At random, or with the backbone's weights from a file, of which then some are frozen.

    Raises:
        InputError: the initial weights cannot be used.
    """
    network: LiverNetwork = fresh(lambda: make_network(settings.network(), settings.sampling), seed, NAME)
    if settings.initial_weights:
        assert network.backbone is not None  # the settings refuse weights for the baseline
        load_backbone(network.backbone, Path(settings.initial_weights))
        freeze(network, settings.frozen.batch_norm, min(settings.frozen.stages, _stages(network)))
    return network


def _stages(network: LiverNetwork) -> int:
    """How many the backbone has; the front of VGG-16 is cut off behind one of its blocks."""
    architecture = network.architecture
    return architecture.front_block if architecture.detector == VGG_FRONT else STAGES
