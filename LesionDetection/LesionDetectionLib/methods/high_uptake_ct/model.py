"""The patch network in a model bundle, out of it and into it."""

from __future__ import annotations

import torch

from LesionDetectionLib.core.bundle import Bundle, Weights
from LesionDetectionLib.core.errors import BundleError

from ..network_weights import WIDEST, fill, refuse_others
from ..plain_values import from_json
from .network import PatchArchitecture, PatchNetwork


def load_network(bundle: Bundle) -> PatchNetwork:
    """The network, in evaluation mode on the CPU.

    Raises:
        BundleError: the architecture or the weights are not those of this method.
    """
    weights = bundle.weights()
    architecture = _architecture(bundle)
    # On the meta device nothing is allocated: shapes are compared before memory is taken.
    with torch.device("meta"):
        network = PatchNetwork(architecture)
    refuse_others(weights, fill(network, weights, bundle.source), bundle.source)
    return network


def weights_of(network: PatchNetwork) -> Weights:
    """The weights as a bundle holds them."""
    return {key: tensor.detach().cpu().numpy() for key, tensor in network.state_dict().items()}


def _architecture(bundle: Bundle) -> PatchArchitecture:
    try:
        architecture = from_json(PatchArchitecture, bundle.manifest.architecture)
        if not all(1 <= size <= WIDEST for size in (*architecture.filters, *architecture.hidden)):
            raise ValueError(f"sizes must lie between 1 and {WIDEST}")
        if not 0 <= architecture.dropout < 1:
            raise ValueError(f"“dropout” cannot be {architecture.dropout!r}")
    except ValueError as error:
        raise BundleError(f"The network that {bundle.source} describes is not of this method: {error}.") from error
    return architecture
