"""Which route a convolution takes."""

from __future__ import annotations

from torch import Tensor

from .fourier import POINTS, SIZE

PRODUCTS_A_CHANNEL = 450
"""What transforming one channel of one place costs, there or back, in products of the direct sum that take as long.
Counted, the transforms are about 130; but they move 2 to 3 times the data at a third of the speed. Measured on two cores
with AVX-512 from 16 to 250 channels, the time of a route is told to a third by it."""


def fourier_pays(weight: Tensor) -> bool:
    """Whether the Fourier route has less to do for one place, transforms included. ``weight``: [channels out, in, z, y, x].

    A rule and no measurement, so that a scan's scores are the same in every run.
    """
    return products(weight) < weight.numel()


def products(weight: Tensor) -> float:
    """Multiplications (with an addition each) for one place by the route that the convolution takes."""
    outputs, inputs, depth, height, width = weight.shape
    kept = SIZE - max(height, width) + 1
    if kept < SIZE // 2:
        return weight.numel()
    fourier: float = depth * inputs * outputs * POINTS / kept**2 + PRODUCTS_A_CHANNEL * (inputs + outputs)
    return min(fourier, weight.numel())
