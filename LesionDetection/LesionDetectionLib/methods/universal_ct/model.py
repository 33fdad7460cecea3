"""The network in a model bundle, out of it and into it."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import BundleError

from ..network_weights import WIDEST, loaded, weights_of
from ..plain_values import from_json
from .architecture import UniversalArchitecture
from .network import UniversalNetwork

__all__ = ["architecture_from", "load_network", "weights_of"]

MOST_SHAPES = 16
"""A network with more scales or more ratios of anchors is no network of ours."""


def load_network(bundle: Bundle) -> UniversalNetwork:
    """The network, in evaluation mode on the CPU.

    Raises:
        BundleError: the architecture or the weights are not those of this method.
    """
    return loaded(bundle, lambda: UniversalNetwork(_architecture(bundle)))


def _architecture(bundle: Bundle) -> UniversalArchitecture:
    try:
        architecture = architecture_from(bundle.manifest.architecture)
        widths = (architecture.base, architecture.pyramid, architecture.head, *architecture.dense_widths)
        if not all(1 <= size <= WIDEST for size in (*widths, architecture.head_layers)):
            raise ValueError(f"sizes must lie between 1 and {WIDEST}")
        if max(len(architecture.scales), len(architecture.ratios)) > MOST_SHAPES:
            raise ValueError(f"more than {MOST_SHAPES} scales or ratios of anchors")
        if problem := architecture.problem():
            raise ValueError(problem)
    except ValueError as error:
        raise BundleError(f"The network that {bundle.source} describes is not of this method: {error}.") from error
    return architecture


def architecture_from(given: Any) -> UniversalArchitecture:
    """An architecture from its JSON object. Raises ValueError where it does not fit."""
    return from_json(UniversalArchitecture, given)
