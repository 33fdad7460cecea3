"""Weights of a model bundle in a network: all that fit, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from LesionDetectionLib.core.bundle import Bundle, Weights
from LesionDetectionLib.core.errors import BundleError

WIDEST = 4096
"""A network with more channels or units in a layer than this is no network of ours, but a way to fill the memory."""

Network = TypeVar("Network", bound=nn.Module)


def loaded(bundle: Bundle, make: Callable[[], Network]) -> Network:
    """The one network of a bundle, in evaluation mode on the CPU.

    Args:
        make: makes the network that the bundle describes; raises BundleError where that cannot be.

    Raises:
        BundleError: the weights are not those of this network.
    """
    weights = bundle.weights()
    with shapes_only():
        network = make()
    refuse_others(weights, fill(network, weights, bundle.source), bundle.source)
    return network


@contextmanager
def shapes_only() -> Iterator[None]:
    """Networks made meanwhile are for :func:`fill`: on the meta device, where nothing is allocated, so that shapes are
    compared before memory is taken. No initial weights are drawn either."""
    with torch.device("meta"), _NothingDrawn():
        yield


class _NothingDrawn(TorchFunctionMode):
    """Normal draws on the meta device give nothing, but torch loads its compiler for them: two seconds of each start."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.normal_ or getattr(func, "__module__", "") == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def weights_of(network: nn.Module) -> Weights:
    """The weights as a bundle holds them."""
    return {key: tensor.detach().cpu().numpy() for key, tensor in network.state_dict().items()}


def fill(network: nn.Module, weights: Weights, source: str, prefix: str = "") -> set[str]:
    """Put the weights in place and the network in evaluation mode; the names of those used.

    Args:
        network: of shapes only (:func:`shapes_only`), or any other.
        source: the bundle, for the text of errors.
        prefix: of the names of its weights (``screening.``).

    Raises:
        BundleError: one is missing, of another shape, or not a number.
    """
    filled: dict[str, Tensor] = {}
    for key, expected in network.state_dict().items():
        array = weights.get(f"{prefix}{key}")
        if array is None or tuple(array.shape) != tuple(expected.shape):
            found = "is missing" if array is None else f"has the shape {array.shape}, not {tuple(expected.shape)}"
            raise BundleError(f"{source} does not fit its own description: {prefix}{key} {found}. Get it again.")
        tensor = torch.from_numpy(array).to(expected.dtype)
        if not torch.isfinite(tensor).all():
            raise BundleError(
                f"{source} is not usable: {prefix}{key} holds values that are not numbers. Train it again."
            )
        filled[key] = tensor
    network.load_state_dict(filled, assign=True)
    network.eval().requires_grad_(False)
    return {f"{prefix}{key}" for key in filled}


def refuse_others(weights: Weights, used: set[str], source: str) -> None:
    """Raises BundleError where the bundle holds weights that no network of the method took."""
    if unknown := sorted(set(weights) - used):
        raise BundleError(f"{source} does not fit this method: it also holds {unknown[0]}.")
