"""The network of a row as a reader of key slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from LesionDetectionLib.methods.liver_ct.boxes import Limits
from LesionDetectionLib.methods.liver_ct.engine import SliceEngine
from LesionDetectionLib.methods.liver_ct.in_slice import look_with
from LesionDetectionLib.methods.liver_ct.network import LiverNetwork
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings
from LesionDetectionLib.methods.slices.findings import Inputs, Look, SliceFindings
from LesionDetectionLib.methods.slices.preprocessing import Placing
from LesionDetectionLib.methods.slices.settings import MIDDLE

from ..key_slices.marks import Reader


def reader_of(network: LiverNetwork, method: LiverSettings, device: torch.device) -> Reader:
    """How a network reads key slices: Faster R-CNN as the detector would, on all of the slice; of the others the one box as it is.

    Args:
        method: what it sees, and how boxes are chosen.
    """
    engine, method = SliceEngine(network, device), replace(method, slices=MIDDLE)
    single = network.architecture.single_box
    return Reader(method, _one_box(engine) if single else look_with(engine, method, 0.0))


def _one_box(engine: SliceEngine) -> Look:
    """A box without any area is kept, too, which no user would be shown: its error counts."""

    def look(inputs: Inputs, slices: Sequence[int], placings: Sequence[Placing]) -> Iterator[SliceFindings]:
        for k, placing, found in zip(slices, placings, engine.run(inputs, Limits()), strict=True):
            height, width = placing.slice_yx
            edges = np.clip(placing.to_slice(found.boxes), 0, (width, height, width, height))
            yield SliceFindings(k, edges, found.probability, found.probability, (None,) * len(edges))

    return look
