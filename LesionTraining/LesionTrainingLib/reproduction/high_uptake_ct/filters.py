"""Figure 4 of the paper: the filters of both layers, what a slice looks like through them, and how many of them are dead.

The paper calls filters dead that are uniformly grey when they are drawn ("nearly half of the learned filters", section 3). It
does not say how they were told; here a filter counts as grey where its weights vary much less than those of the layer's most
varied filter, with which it shares the scale of grey. A second figure needs no eye: filters whose ReLU lets nothing through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.methods.high_uptake_ct.network import PatchNetwork
from torch.nn import functional

from ...evaluation.output.plots import Plot
from ...evaluation.output.tables import Table
from ...evaluation.output.tiles import Filter, filter_tiles

FIRST, SECOND = LAYERS = ("first", "second")
FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class LayerState:
    """The filters of one layer, in order.

    Attributes:
        deviations: standard deviation of the weights of each.
        greatest: greatest response of each, before the ReLU, at any place of the slices that were looked at.
    """

    deviations: tuple[float, ...]
    greatest: tuple[float, ...]

    def grey(self, share: float) -> tuple[bool, ...]:
        """Which are uniformly grey: their weights have less than this share of the deviation of the most varied filter."""
        limit = share * max(self.deviations, default=0.0)
        return tuple(one < limit for one in self.deviations)

    def silent(self) -> tuple[bool, ...]:
        """Which never got through their ReLU."""
        return tuple(one <= 0 for one in self.greatest)


def responses(network: PatchNetwork, stack: npt.NDArray[np.float32], device: torch.device) -> dict[str, FloatArray]:
    """Layer -> [filters, j, i] responses to a slice before the ReLU, at the network's own steps: every second pixel, and every
    sixth.

    Args:
        network: in evaluation mode, on ``device``.
        stack: [5, j, i] in [0, 1].
    """
    with torch.no_grad():
        first = network.conv1(torch.from_numpy(stack)[None].to(device))
        second = network.conv2(functional.relu(first))
    return {FIRST: first[0].float().cpu().numpy(), SECOND: second[0].float().cpu().numpy()}


def layer_states(
    network: PatchNetwork, stacks: Iterable[npt.NDArray[np.float32]], device: torch.device
) -> dict[str, LayerState]:
    """Both layers, over slices, [5, j, i] in [0, 1] each."""
    greatest: dict[str, FloatArray] = {}
    for stack in stacks:
        for layer, values in responses(network, stack, device).items():
            most = values.reshape(len(values), -1).max(axis=1)
            greatest[layer] = np.maximum(greatest[layer], most) if layer in greatest else most
    found = {}
    for layer, weights in weights_of_layers(network).items():
        deviations = weights.reshape(len(weights), -1).std(axis=1)
        most = greatest.get(layer, np.full(len(weights), -np.inf))
        found[layer] = LayerState(tuple(deviations.tolist()), tuple(most.tolist()))
    return found


def weights_of_layers(network: PatchNetwork) -> dict[str, FloatArray]:
    """Layer -> [filters, inputs, h, w]."""
    weights = (network.conv1.weight, network.conv2.weight)
    return {
        layer: one.detach().float().cpu().numpy().astype(np.float64) for layer, one in zip(LAYERS, weights, strict=True)
    }


def filter_plots(
    network: PatchNetwork,
    stack: npt.NDArray[np.float32],
    pixel_mm: tuple[float, float],
    states: Mapping[str, LayerState],
    grey_share: float,
    device: torch.device,
) -> dict[str, Plot]:
    """Stem -> picture of a layer; as in the paper responses of the first are drawn before the ReLU, of the second after it."""
    seen = responses(network, stack, device)
    plots = {}
    for layer, weights in weights_of_layers(network).items():
        response = seen[layer] if layer == FIRST else np.maximum(seen[layer], 0)
        data = _table(states[layer], grey_share)
        filters = [
            Filter(f"{n + 1}{_told(grey, silent)}", weights[n], response[n], pixel_mm)
            for n, (*_, grey, silent) in enumerate(data.rows)
        ]
        shape = " x ".join(map(str, weights.shape[1:]))
        text = f"{len(filters)} filters of the {layer} layer, {shape} weights each, and their responses to a slice."
        columns, width = (4, 240) if layer == FIRST else (8, 184)
        plots[f"fig4_{layer}"] = filter_tiles(filters, data, text, columns=columns, width=width)
    return plots


def _table(state: LayerState, grey_share: float) -> Table:
    most = max(state.deviations, default=0.0) or 1.0
    rows = zip(
        range(1, len(state.deviations) + 1),
        state.deviations,
        (one / most for one in state.deviations),
        state.greatest,
        state.grey(grey_share),
        state.silent(),
        strict=True,
    )
    columns = ("filter", "deviation", "of_the_most_varied", "greatest_response", "uniformly_grey", "silent")
    return Table(columns, tuple(rows))


def _told(grey: object, silent: object) -> str:
    """What is wrong with a filter, behind its number."""
    words = [word for word, is_so in (("grey", grey), ("silent", silent)) if is_so]
    return f": {', '.join(words)}" if words else ""
