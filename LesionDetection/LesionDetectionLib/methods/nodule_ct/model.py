"""The two networks in a model bundle, out of it and into it."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from LesionDetectionLib.core.bundle import Bundle, Weights
from LesionDetectionLib.core.errors import BundleError

from ..plain_values import from_json
from .network import ReductionArchitecture, ReductionResNet, ScreeningArchitecture, ScreeningFCN

Architecture = TypeVar("Architecture", ScreeningArchitecture, ReductionArchitecture)

NAMES = ("screening", "reduction")
"""Of the networks, in ``architecture`` and before the first dot of each weight's name."""

WIDEST = 4096
"""A network with more channels than this is no network of this method, but a way to fill the memory."""


def load_networks(bundle: Bundle) -> tuple[ScreeningFCN, ReductionResNet]:
    """Both networks, in evaluation mode on the CPU.

    Raises:
        BundleError: the architecture or the weights are not those of this method.
    """
    weights = bundle.weights()
    screening = _architecture(bundle, NAMES[0], ScreeningArchitecture)
    reduction = _architecture(bundle, NAMES[1], ReductionArchitecture)
    # On the meta device nothing is allocated: shapes are compared before memory is taken.
    with torch.device("meta"):
        networks = ScreeningFCN(screening), ReductionResNet(reduction)
    unknown = set(weights)
    for name, network in zip(NAMES, networks, strict=True):
        unknown -= _fill(network, name, weights, bundle.source)
    if unknown:
        raise BundleError(f"{bundle.source} does not fit this method: it also holds {sorted(unknown)[0]}.")
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


def _fill(network: nn.Module, name: str, weights: Weights, source: str) -> set[str]:
    """Put the weights in place; the names of those used.

    Raises:
        BundleError: one is missing, of another shape, or not a number.
    """
    filled: dict[str, Tensor] = {}
    for key, expected in network.state_dict().items():
        array = weights.get(f"{name}.{key}")
        if array is None or tuple(array.shape) != tuple(expected.shape):
            found = "is missing" if array is None else f"has the shape {array.shape}, not {tuple(expected.shape)}"
            raise BundleError(f"{source} does not fit its own description: {name}.{key} {found}. Get it again.")
        tensor = torch.from_numpy(array).to(expected.dtype)
        if not torch.isfinite(tensor).all():
            raise BundleError(
                f"{source} is not usable: {name}.{key} holds values that are not numbers. Train it again."
            )
        filled[key] = tensor
    network.load_state_dict(filled, assign=True)
    network.eval().requires_grad_(False)
    return {f"{name}.{key}" for key in filled}
