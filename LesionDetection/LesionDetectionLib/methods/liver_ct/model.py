"""The network in a model bundle, out of it and into it."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import BundleError

from ..network_weights import WIDEST, loaded, weights_of
from ..plain_values import from_json
from .architecture import LiverArchitecture
from .network import LiverNetwork, make_network

__all__ = ["architecture_from", "load_network", "weights_of"]

MOST_SHAPES = 16
"""A network with more sizes or more ratios of anchors is no network of ours."""
LARGEST_PX = 4096
"""Nor is one that looks at larger slices."""


def load_network(bundle: Bundle) -> LiverNetwork:
    """The network, in evaluation mode on the CPU.

    Raises:
        BundleError: the architecture or the weights are not those of this method.
    """
    return loaded(bundle, lambda: make_network(_architecture(bundle)))


def _architecture(bundle: Bundle) -> LiverArchitecture:
    try:
        architecture = architecture_from(bundle.manifest.architecture)
        widths = (*architecture.widths, architecture.vgg_base, architecture.resnet_base)
        if not all(1 <= size <= WIDEST for size in widths):
            raise ValueError(f"widths must lie between 1 and {WIDEST}")
        if not (1 <= architecture.input_px <= LARGEST_PX and 1 <= architecture.roi_px <= WIDEST):
            raise ValueError(f"sides must lie between 1 and {LARGEST_PX}")
        if max(len(architecture.sizes), len(architecture.ratios)) > MOST_SHAPES:
            raise ValueError(f"more than {MOST_SHAPES} sizes or ratios of anchors")
        if problem := architecture.problem():
            raise ValueError(problem)
    except ValueError as error:
        raise BundleError(f"The network that {bundle.source} describes is not of this method: {error}.") from error
    return architecture


def architecture_from(given: Any) -> LiverArchitecture:
    """An architecture from its JSON object. Raises ValueError where it does not fit."""
    return from_json(LiverArchitecture, given)
