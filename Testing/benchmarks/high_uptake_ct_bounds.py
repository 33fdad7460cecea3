"""How far the response of the high-uptake network can change from a pixel to those around it, by several proofs.

    python Testing/benchmarks/high_uptake_ct_bounds.py [--model BUNDLE] [--scan SCAN]

On one slice, for the pixels of cells of 2 x 2 to 12 x 12, of which one each is known: the share of those inside the lungs' hull
of which R <= 0 is proven, and how far a bound lies above what it bounds. The bounds, from what they need to what they are:

- features, spectral: |l - l0| <= |v| |W2| |W1| D, the change D of the 4800 features alone (nothing of the fully connected layers);
- features, by unit: each unit of the first hidden layer changes by at most its weights' norm times D, and these intervals
  through the second;
- hidden, spectral: |l - l0| <= |v| |W2| t, the change t of the first hidden layer, which is known everywhere;
- hidden, slope and remainder: the one that is used, `methods/high_uptake_ct/coarse_to_fine.py`.

What came of it: high_uptake_ct_dense.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from high_uptake_ct_dense import a_network, a_slice
from LesionDetectionLib.methods.high_uptake_ct.coarse_to_fine import Bounds, View
from LesionDetectionLib.methods.high_uptake_ct.features import MARGIN, STRIDE, DenseFeatures
from LesionDetectionLib.methods.high_uptake_ct.network import FEATURES_YX, PatchNetwork
from torch import Tensor
from torch.nn import functional

SIDES = (2, 3, 4, 6, 12)


class Slice:
    """Features [filter, y + 54, x + 54], first hidden layer behind its ReLU [unit, y, x] and response [y, x] of a slice."""

    def __init__(self, network: PatchNetwork, stack: np.ndarray) -> None:
        height, width = stack.shape[1:]
        voxels = functional.pad(torch.from_numpy(stack), (37, 37, 37, 37))
        features = torch.empty(height + MARGIN, width + MARGIN, network.conv2.out_channels)
        DenseFeatures(network, torch.device("cpu"), torch.float32).fill(features, voxels)
        self.features = features.permute(2, 0, 1)
        weight = network.fc1.weight.view(-1, len(self.features), *FEATURES_YX)
        self.hidden = functional.conv2d(self.features[None], weight, network.fc1.bias, dilation=STRIDE)[0].relu_()
        second = functional.relu(
            torch.einsum("ku,uyx->kyx", network.fc2.weight, self.hidden) + network.fc2.bias[:, None, None]
        )
        logits = torch.einsum("ck,kyx->cyx", network.fc3.weight, second) + network.fc3.bias[:, None, None]
        self.response = logits[1] - logits[0]


class Proofs:
    """Highest response by each bound."""

    def __init__(self, network: PatchNetwork) -> None:
        self._rows1, self._rows2 = network.fc1.weight.norm(dim=1), network.fc2.weight.norm(dim=1)
        self._weight2, self._bias2 = network.fc2.weight, network.fc2.bias
        self._v = network.fc3.weight[1] - network.fc3.weight[0]
        norms = [float(torch.linalg.matrix_norm(layer.weight, 2)) for layer in (network.fc1, network.fc2)]
        self._from_hidden = norms[1] * float(self._v.norm())
        self._from_features = norms[0] * self._from_hidden
        self._bounds = Bounds(network)
        print(
            f"spectral norms {norms[0]:.2f}, {norms[1]:.2f}; norm of the last layer's difference {float(self._v.norm()):.2f}"
        )

    def highest(self, at_anchor: Tensor, anchors: Tensor, hidden: Tensor, change: Tensor) -> dict[str, Tensor]:
        """[n] each, of the response [n] and hidden layer [n, unit] at the anchors, that of the pixels, and D [n]."""
        distance = (hidden - anchors).norm(dim=1)
        second = torch.addmm(self._bias2, anchors, self._weight2.T)
        return {
            "features, spectral": at_anchor + self._from_features * change,
            "features, by unit": at_anchor + self._by_unit(anchors, second, change),
            "hidden, spectral": at_anchor + self._from_hidden * distance,
            "hidden, slope and remainder": self._used(at_anchor, anchors, second, hidden, distance),
        }

    def _by_unit(self, anchors: Tensor, second: Tensor, change: Tensor) -> Tensor:
        first = (
            self._rows1 * change[:, None]
        )  # more than a unit that is off can rise, but it is not known how far off it is
        moved = torch.minimum(first @ self._weight2.abs().T, self._rows2 * first.norm(dim=1, keepdim=True))
        rises = (second + moved).relu() - second.relu()
        falls = second.relu() - (second - moved).relu()
        return rises @ self._v.clamp_min(0) + falls @ (-self._v).clamp_min(0)

    def _used(self, at_anchor: Tensor, anchors: Tensor, second: Tensor, hidden: Tensor, distance: Tensor) -> Tensor:
        slope = (self._v * (second > 0)) @ self._weight2
        linear = at_anchor + (slope * (hidden - anchors)).sum(dim=1)
        zero = torch.zeros_like(linear)[:, None]
        return self._bounds.highest(View(at_anchor, second.abs(), linear[:, None], distance.square()[:, None], zero))[
            :, 0
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--scan", type=Path)
    options = parser.parse_args()
    network = a_network(options.model).requires_grad_(False)
    stack, hull, name = a_slice(options.scan, options.model)
    print(f"{name}, {int(hull.sum())} pixels inside the lungs' hull")
    with torch.inference_mode():
        of, proofs = Slice(network, stack), Proofs(network)
        spread = np.quantile(of.response.numpy()[hull], [0, 0.05, 0.5, 0.95, 1]).round(2)
        print(
            f"responses there: lowest, 5 %, median, 95 %, highest {spread}; R > 0 at {(of.response.numpy()[hull] > 0).mean():.2%}"
        )
        for side in SIDES:
            print_side(of, proofs, torch.from_numpy(hull), side)


def print_side(of: Slice, proofs: Proofs, hull: Tensor, side: int) -> None:
    """Of all pixels of cells of ``side`` but the anchors, in the cells' middle."""
    middle = (side - 1) // 2
    height, width = (length // side * side for length in hull.shape)
    rows, columns = torch.arange(middle, height, side), torch.arange(middle, width, side)
    told: dict[str, int] = {}
    above: dict[str, list[Tensor]] = {}
    count, truly, changes = 0, 0, []
    for y in range(-middle, side - middle):
        for x in range(-middle, side - middle):
            if (y, x) == (0, 0):
                continue
            inside = hull[rows + y][:, columns + x]
            anchors, pixels = (of.hidden[:, rows + a][:, :, columns + b][:, inside].T for a, b in ((0, 0), (y, x)))
            at_anchor, response = (of.response[rows + a][:, columns + b][inside] for a, b in ((0, 0), (y, x)))
            change = moved_features(of.features, y, x, rows, columns)[inside]
            count, truly = count + len(response), truly + int((response <= 0).sum())
            changes.append((response - at_anchor).abs())
            for bound, highest in proofs.highest(at_anchor, anchors, pixels, change).items():
                assert bool((highest >= response - 1e-3).all()), bound
                told[bound] = told.get(bound, 0) + int((highest <= 0).sum())
                above.setdefault(bound, []).append(highest - response)
    print(
        f"\ncells of {side} x {side}: median change {float(torch.cat(changes).median()):.3f}; R <= 0 at {truly / count:.2%}"
    )
    for bound, number in told.items():
        print(
            f"  {bound:28} proves {number / count:7.2%}, median {float(torch.cat(above[bound]).median()):8.2f} above the response"
        )


def moved_features(features: Tensor, y: int, x: int, rows: Tensor, columns: Tensor) -> Tensor:
    """D [row, column]: how far the 4800 features of pixels (y, x) further are from those of the pixels."""
    height, width = features.shape[1:]
    squares = torch.zeros(height, width)
    inner = (slice(max(0, -y), height - max(0, y)), slice(max(0, -x), width - max(0, x)))
    there = (slice(inner[0].start + y, inner[0].stop + y), slice(inner[1].start + x, inner[1].stop + x))
    squares[inner] = (features[:, there[0], there[1]] - features[:, inner[0], inner[1]]).square().sum(dim=0)
    sums = functional.conv2d(squares[None, None], torch.ones(1, 1, *FEATURES_YX), dilation=STRIDE)[0, 0]
    return sums.clamp_min_(0).sqrt_()[rows][:, columns]


if __name__ == "__main__":
    main()
