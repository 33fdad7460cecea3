"""Batch normalisation over the samples of all processes, on any device.

PyTorch's own ``SyncBatchNorm`` runs on a GPU only. Statistics are those of Ioffe and Szegedy (2015) over the global
batch: the mean first, then the squared distances from it, as the difference of two large sums would lose digits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn

KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@contextlib.contextmanager
def synchronised(network: nn.Module, world: int) -> Iterator[None]:
    """Within the block, every batch normalisation of ``network`` takes its training statistics over all processes.

    The layers stay the same objects with the same parameters and names; only their ``forward`` is another one.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, KINDS) and world > 1]
    for layer in layers:
        layer.forward = partial(_forward, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _forward(layer: nn.modules.batchnorm._BatchNorm, values: Tensor) -> Tensor:
    """What ``layer`` gives for [n, channels, ...]."""
    if not layer.training and layer.running_mean is not None:
        return type(layer).forward(layer, values)
    normal, mean, variance, count = _normalise(values, layer.weight, layer.bias, layer.eps)
    if layer.training and layer.track_running_stats:
        _track(layer, mean, variance, count)
    return normal


@torch.no_grad()
def _track(layer: nn.modules.batchnorm._BatchNorm, mean: Tensor, variance: Tensor, count: Tensor) -> None:
    """The running statistics, as torch keeps them: with the variance of the sample, over count - 1."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked += 1
    share = 1.0 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), share)
    unbiased = variance * (count / (count - 1).clamp(min=1))
    layer.running_var.lerp_(unbiased.to(layer.running_var.dtype), share)


class _Normalise(torch.autograd.Function):
    """(values - mean) / sqrt(variance + eps) * weight + bias, with sums over all processes.

    Gradients of weight and bias are those of the own samples: the engine adds the gradients of all processes.
    """

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        exact = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
        axes = [axis for axis in range(values.dim()) if axis != 1]
        own = exact.new_tensor([exact.numel() / exact.shape[1]])
        sums = _added(torch.cat([exact.sum(axes), own]))
        count = sums[-1]
        mean = sums[:-1] / count
        centred = exact - _wide(mean, exact)
        variance = _added(centred.square().sum(axes)) / count
        scale = torch.rsqrt(variance + eps)
        normal = centred * _wide(scale, exact)
        ctx.save_for_backward(normal, weight, scale, count)
        ctx.mark_non_differentiable(mean, variance, count)
        if weight is not None:
            normal = normal * _wide(weight, exact)
        if bias is not None:
            normal = normal + _wide(bias, exact)
        return normal.to(values.dtype), mean, variance, count

    @staticmethod
    def backward(ctx: Any, given: Tensor, *_: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        normal, weight, scale, count = ctx.saved_tensors
        gradient = given.to(normal.dtype)
        axes = [axis for axis in range(normal.dim()) if axis != 1]
        of_bias = gradient.sum(axes)
        of_weight = (gradient * normal).sum(axes)
        all_bias, all_weight = _added(torch.stack([of_bias, of_weight])) / count
        factor = scale if weight is None else scale * weight
        inner = gradient - _wide(all_bias, normal) - normal * _wide(all_weight, normal)
        values = (inner * _wide(factor, normal)).to(given.dtype)
        return values, None if weight is None else of_weight, of_bias if ctx.needs_input_grad[2] else None, None


_normalise: Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]] = _Normalise.apply


def _added(values: Tensor) -> Tensor:
    """The sum over all processes; ``values`` is used up."""
    torch.distributed.all_reduce(values)
    return values


def _wide(values: Tensor, like: Tensor) -> Tensor:
    """[channels] -> [1, channels, 1, ...], to go with ``like``."""
    return values.view(1, -1, *[1] * (like.dim() - 2))
