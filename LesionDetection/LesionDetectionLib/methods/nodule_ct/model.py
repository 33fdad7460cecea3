"""The two networks in a model bundle, out of it and into it."""

from __future__ import annotations

from typing import TypeVar

from LesionDetectionLib.core.bundle import Bundle, Weights
from LesionDetectionLib.core.errors import BundleError

from ..network_weights import WIDEST, fill, refuse_others, shapes_only
from ..plain_values import from_json
from .network import ReductionArchitecture, ReductionResNet, ScreeningArchitecture, ScreeningFCN

Architecture = TypeVar("Architecture", ScreeningArchitecture, ReductionArchitecture)

NAMES = ("screening", "reduction")
"""Of the networks, in ``architecture`` and before the first dot of each weight's name."""


def load_networks(bundle: Bundle) -> tuple[ScreeningFCN, ReductionResNet]:
    """Both networks, in evaluation mode on the CPU.

    Raises:
        BundleError: the architecture or the weights are not those of this method.
    """
    weights = bundle.weights()
    screening = _architecture(bundle, NAMES[0], ScreeningArchitecture)
    reduction = _architecture(bundle, NAMES[1], ReductionArchitecture)
    with shapes_only():
        networks = ScreeningFCN(screening), ReductionResNet(reduction)
    used: set[str] = set()
    for name, network in zip(NAMES, networks, strict=True):
        used |= fill(network, weights, bundle.source, f"{name}.")
    refuse_others(weights, used, bundle.source)
    return networks


def weights_of(screening: ScreeningFCN, reduction: ReductionResNet) -> Weights:
    """The weights of both networks as a bundle holds them."""
    return {
        f"{name}.{key}": tensor.detach().cpu().numpy()
        for name, network in zip(NAMES, (screening, reduction), strict=True)
        for key, tensor in network.state_dict().items()
    }


def _architecture(bundle: Bundle, name: str, kind: type[Architecture]) -> Architecture:
    try:
        architecture = from_json(kind, bundle.manifest.architecture.get(name))
        sizes = [
            size for value in vars(architecture).values() for size in (value if isinstance(value, tuple) else [value])
        ]
        if not all(1 <= size <= WIDEST for size in sizes if type(size) is int):
            raise ValueError(f"sizes must lie between 1 and {WIDEST}")
    except ValueError as error:
        raise BundleError(f"The networks that {bundle.source} describes are not of this method: {error}.") from error
    return architecture
