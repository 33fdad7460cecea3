"""The patch network in a model bundle, out of it and into it."""

from __future__ import annotations

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import BundleError

from ..network_weights import WIDEST, loaded, weights_of
from ..plain_values import from_json
from .network import PatchArchitecture, PatchNetwork

__all__ = ["load_network", "weights_of"]


def load_network(bundle: Bundle) -> PatchNetwork:
    """The network, in evaluation mode on the CPU.

    Raises:
        BundleError: the architecture or the weights are not those of this method.
    """
    return loaded(bundle, lambda: PatchNetwork(_architecture(bundle)))


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
