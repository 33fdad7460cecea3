"""A proof, for most pixels, of what their response is or that it is no lesion's, from one pixel in each 6 x 6.

With the first hidden layer known everywhere, the response of a pixel follows from the one in the middle of its cell, the
anchor. Let h be the first hidden layer (behind its ReLU), z = W h + b the second before its ReLU, l = v . relu(z) + c the
difference of the two responses, and 0 the anchor. With g = W^T (v where z0 > 0) the slope there,

    l = l0 + g . (h - h0) + sum over k of v_k e_k,    0 <= e_k <= max(0, |z_k - z0_k| - |z0_k|),

since a ReLU is linear until its unit turns on or off, which takes a change of z_k by more than |z0_k|; beyond, it errs upwards
by at most the rest. The last sum lies between the ones over negative and over positive v_k alone. The changes of z are bound
together: for any weights d_k > 0, sum of d_k (z_k - z0_k)^2 <= s^2 t^2, where t = |h - h0| and s is the spectral norm of
diag(sqrt(d)) W. So (Lagrange's multiplier, each k maximised by itself) the sum over positive v_k is, for every m > 0, at most

    m s^2 t^2 + sum over k of max(0, v_k^2 / (4 m d_k) - v_k |z0_k|),

of which the smallest over some m is taken. The second term is the anchor's alone, the slope's term and t are two products
and a norm: a pixel costs a fiftieth of its second layer. This is no estimate: nothing that is left out can be otherwise.

A bound from the layers before it does not help: see Testing/benchmarks/high_uptake_ct_dense.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .features import STRIDE
from .hidden import PHASES
from .network import PatchNetwork
from .readout import Readout
from .scratch import Scratch

ANCHOR = STRIDE * 2 + 2
"""The phase of a cell's anchor: row 2 and column 2 of 6."""
CLOSE_ENOUGH = 1.6e-5
"""Where R lies in an interval as narrow as this, its middle stands for it: wrong by 8e-6 at most."""
ROUNDING = 1e-5
"""What float32 may lose of a sum of 512 products, of the product of both norms."""
WORTH = 0.2
"""Share of the pixels that must be told, or the next ``PAUSE`` calls do without bounds, which take a sixth of their time."""
PAUSE = 7
CELLS = 8
"""Whose pixels go through the products and the norm together, while they are in a core's second cache."""
MULTIPLIERS = torch.logspace(-1, math.log10(20), 12)
"""Tried for each cell, in units of the one that is best for the largest t if all units can turn. Where none can, smaller ones
are, and larger ones for smaller t."""
FEWEST_UNITS = 192
"""Of the second layer; fewer are computed as fast as bounds are."""


class CoarseToFine:
    """See :class:`.readout.Reader`; float32 on a CPU. Each tile has its own.

    With ``exact_from`` -1, R is exact to 1e-5 everywhere. Else it is above ``exact_from``; elsewhere what stands for it lies
    at or below ``exact_from``, as it does itself.
    """

    def __init__(self, bounds: Bounds, readout: Readout, exact_from: float) -> None:
        self._bounds, self._readout = bounds, readout
        self._level = 2 * math.atanh(exact_from) if exact_from > -1 else None
        self._pause = 0

    def __call__(self, units: Tensor, asked: npt.NDArray[np.bool_], scratch: Scratch) -> Tensor:
        count = np.count_nonzero(asked)
        self._pause -= 1
        if self._pause >= 0 or count < WORTH * asked.size:
            return self._readout(units, asked, scratch)
        cells = units.view(-1, PHASES, units.shape[-1])
        view = self._bounds.seen_from_anchors(cells)
        response = self._bounds.highest(view)
        if self._level is not None:
            known = response <= self._level
        else:
            lowest = self._bounds.lowest(view)
            known = torch.tanh(response / 2) - torch.tanh(lowest / 2) <= CLOSE_ENOUGH
            response = (response + lowest) / 2
        known[:, ANCHOR] = True
        response[:, ANCHOR] = view.response
        left = np.flatnonzero(asked.reshape(-1, PHASES) & ~known.numpy())
        if count - len(left) < WORTH * count:
            self._pause = PAUSE
        response = response.flatten()
        self._readout.fill(response, cells.flatten(0, 1), left, scratch)
        return response.view(units.shape[:-1])


@dataclass(frozen=True, eq=False)
class View:
    """Of n cells, from their anchors.

    Attributes:
        response: l0, [n].
        room: |z0|, [n, unit].
        linear: l0 + g . (h - h0), [n, phase].
        squares: t squared, [n, phase]; not below what it is.
        margin: for rounding, [n, phase].
    """

    response: Tensor
    room: Tensor
    linear: Tensor
    squares: Tensor
    margin: Tensor


class Bounds:
    """Lowest and highest response of all pixels of cells, for the weights of one network."""

    def __init__(self, network: PatchNetwork) -> None:
        outputs, biases = network.fc3.weight.detach().cpu().double(), network.fc3.bias.detach().cpu().double()
        response = outputs[1] - outputs[0]
        self._weight, self._bias = network.fc2.weight.detach().cpu().clone(), network.fc2.bias.detach().cpu().clone()
        self._response, self._constant = response.float(), float(biases[1] - biases[0])
        self._rise, self._fall = _Beyond(self._weight, response), _Beyond(self._weight, -response)

    def seen_from_anchors(self, cells: Tensor) -> View:
        """Of the first hidden layer before its ReLU [n, phase, unit], which becomes what it is behind it."""
        anchors = cells[:, ANCHOR].relu()
        second = torch.addmm(self._bias, anchors, self._weight.T)
        response = second.relu() @ self._response + self._constant
        slope = (self._response * (second > 0)) @ self._weight
        products, norms = _products(cells, torch.stack([slope, anchors], dim=1))

        linear = products[..., 0] + (response - (slope * anchors).sum(dim=1))[:, None]
        norm = anchors.norm(dim=1, keepdim=True)
        both = norms.square() + norm.square()
        squares = (both * (1 + ROUNDING) - 2 * products[..., 1]).clamp_min_(0)
        margin = ROUNDING * (response.abs()[:, None] + slope.norm(dim=1, keepdim=True) * (norms + norm))
        return View(response, second.abs_(), linear, squares, margin)

    def highest(self, view: View) -> Tensor:
        """[n, phase]."""
        return view.linear + view.margin + self._rise(view.room, view.squares)

    def lowest(self, view: View) -> Tensor:
        """[n, phase]."""
        return view.linear - view.margin - self._fall(view.room, view.squares)


def _products(cells: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Of each cell's pixels with its two ``vectors`` [n, 2, unit]: [n, phase, 2]; and their norms [n, phase]. Applies the ReLU."""
    products, norms = torch.empty((*cells.shape[:2], 2)), torch.empty(cells.shape[:2])
    for start in range(0, len(cells), CELLS):
        some, theirs = cells[start : start + CELLS].relu_(), vectors[start : start + CELLS]
        torch.linalg.vector_norm(some, dim=2, out=norms[start : start + CELLS])
        # All pixels with all vectors, though only those of one cell belong together: so it is one product.
        every = torch.mm(some.flatten(0, 1), theirs.flatten(0, 1).T).view(len(some), PHASES, len(some), 2)
        products[start : start + CELLS] = every.diagonal(dim1=0, dim2=2).permute(2, 0, 1)
    return products, norms


class _Beyond:
    """The largest sum of v_k e_k over the units with v_k > 0, see above."""

    def __init__(self, weight: Tensor, response: Tensor) -> None:
        """``weight``: W. ``response``: v in float64; units with v_k <= 0 are left out."""
        self._units = (response > 0).nonzero()[:, 0]
        v = response[self._units]
        # d_k = sqrt(v_k): of some powers the one with the smallest bound, for random and trained weights.
        scaled = weight[self._units].double() * v.sqrt().sqrt()[:, None]
        self._norm = float(torch.linalg.matrix_norm(scaled, 2)) * (1 + 1e-6) if len(v) else 0.0
        self._v, self._gain = v.float(), (v * v.sqrt() / 4).float()
        self._all = float((v * v.sqrt()).sum().sqrt())

    def __call__(self, room: Tensor, squares: Tensor) -> Tensor:
        """[n, pixel], of |z0| [n, unit] and t squared [n, pixel]."""
        if self._norm == 0:
            return torch.zeros_like(squares)
        multipliers = self._all / (2 * self._norm * (float(squares.max().sqrt()) + 1e-12)) * MULTIPLIERS
        rest = self._v * room[:, self._units]
        turning = [(self._gain / float(m) - rest).clamp_min_(0).sum(dim=1) for m in multipliers]
        grown = multipliers[:, None, None] * self._norm**2 * squares
        return (grown + torch.stack(turning)[:, :, None]).amin(dim=0)
