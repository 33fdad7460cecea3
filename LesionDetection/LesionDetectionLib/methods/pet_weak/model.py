"""The network in a model bundle, out of it and into it."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import BundleError

from ..network_weights import WIDEST, loaded, weights_of
from ..plain_values import from_json
from .architecture import PetWeakArchitecture
from .network import PetWeakNetwork, make_network

__all__ = ["architecture_from", "load_network", "weights_of"]

MOST_CLASSES = 64
"""A network that tells more kinds of cancer apart is no network of ours."""


def load_network(bundle: Bundle) -> PetWeakNetwork:
    """The network, in evaluation mode on the CPU.

    Raises:
        BundleError: the architecture or the weights are not those of this method.
    """
    return loaded(bundle, lambda: make_network(_architecture(bundle)))


def _architecture(bundle: Bundle) -> PetWeakArchitecture:
    try:
        architecture = architecture_from(bundle.manifest.architecture)
        if problem := architecture.problem():
            raise ValueError(problem)
        if max(architecture.widths) > WIDEST or len(architecture.classes) > MOST_CLASSES:
            raise ValueError(f"widths must lie between 1 and {WIDEST}, and classes are {MOST_CLASSES} at most")
    except ValueError as error:
        raise BundleError(f"The network that {bundle.source} describes is not of this method: {error}.") from error
    return architecture


def architecture_from(given: Any) -> PetWeakArchitecture:
    """An architecture from its JSON object. Raises ValueError where it does not fit."""
    return from_json(PetWeakArchitecture, given)
