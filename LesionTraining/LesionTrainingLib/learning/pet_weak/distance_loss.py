"""The distance loss: a class activation map shall lie where the annotated point is (Amyar et al., sections 2 and 2.2).

The paper names “a distance between the CAM and the central point in the tumor”, and no formula. Ours [choice] is the mean
distance from the point, with the normalised map as weights:

    loss = sum over places x of M(x) |x - p| / sum of M(x) / diagonal

M is the map of the scan's class (Eq. 1), p the point, and the diagonal that of the input, so that a loss lies in [0, 1] whatever
the size of pixels and canvas. What M is divided by cancels.

The loss has a softplus where the map that is looked at has a ReLU [choice]. With the ReLU a map that is positive nowhere would
cost nothing, and a place that does not speak for the class yet would get no gradient to begin to: on phantoms all maps were
empty after a few dozen steps.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.methods.pet_weak.architecture import STRIDE
from torch import Tensor
from torch.nn import functional


def distance_loss(activations: Tensor, points: Tensor) -> Tensor:
    """[n] in [0, 1]; 0, without a gradient, where a point is not a number.

    Args:
        activations: [n, h, w] w_c . f of the scan's class; places of 16 x 16 pixels of the input.
        points: [n, 2] row and column in pixels of the input, whose first pixel's centre is at 0; not numbers for images without
            a tumour.
    """
    means = mean_distances(functional.softplus(activations), points) / (STRIDE * math.hypot(*activations.shape[1:]))
    return torch.where(means.isnan(), 0.0, means)


def mean_distances(maps: Tensor, points: Tensor, stride: int = STRIDE) -> Tensor:
    """[n] the mean distance from the point in pixels of the input; not a number where there is none to tell.

    Args:
        maps: [n, h, w], 0 or more.
        points: see :func:`distance_loss`.
        stride: pixels of the input from one place of a map to the next.
    """
    points = points.to(maps.device, torch.float32)
    known = ~points.isnan().any(dim=1)
    at = torch.where(known[:, None], points, 0.0)[:, :, None, None]
    rows, columns = (
        (torch.arange(count, device=maps.device, dtype=torch.float32) + 0.5) * stride - 0.5 for count in maps.shape[1:]
    )
    distances = torch.hypot(rows[:, None] - at[:, 0], columns - at[:, 1])
    total = maps.sum(dim=(1, 2))
    counted = known & (total > 0)
    # Division by 0 would make the gradient not a number, even where its result is not taken.
    means = (maps * distances).sum(dim=(1, 2)) / torch.where(counted, total, 1.0)
    return torch.where(counted, means, math.nan)


def plain_distance_loss(
    activations: npt.NDArray[np.floating], point: tuple[float, float], stride: int = STRIDE
) -> float:
    """The loss of one map, [h, w], place by place: the reference that the fast way is tested against."""
    height, width = activations.shape
    diagonal = math.sqrt((height * stride) ** 2 + (width * stride) ** 2)
    total, weighted = 0.0, 0.0
    for row in range(height):
        for column in range(width):
            weight = math.log1p(math.exp(float(activations[row, column])))
            y, x = row * stride + (stride - 1) / 2, column * stride + (stride - 1) / 2
            weighted += weight * math.dist((y, x), point)
            total += weight
    return weighted / total / diagonal
