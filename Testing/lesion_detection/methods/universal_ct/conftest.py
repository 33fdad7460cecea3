"""A tiny network in a bundle, and an engine that marks what is bright in place of a network."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture
from LesionDetectionLib.methods.universal_ct.engine_boxes import SliceBoxes, cut_windows, window_edges
from LesionDetectionLib.methods.universal_ct.model import weights_of
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork

TINY = UniversalArchitecture(base=4, pyramid=8, head=8, head_layers=1, dense_widths=(4, 4))
SIZE_PX = 64
LIMIT = -0.25
"""Of the input: 0 HU is -.01, so this is -250 HU; the balls lie in fat of -400 HU."""


class BrightEngine:
    """Marks what is bright in the slice in the middle: a box 5 pixels around each part, the more probable the brighter.

    Attributes:
        inputs: of every run.
        masked: whether there are windows, as of a network with a mask.
    """

    def __init__(self, boxes_around, masked=True, margin=5.0):
        self.boxes_around, self.inputs, self.masked, self.margin = boxes_around, [], masked, margin

    def run(self, inputs, limits):
        self.inputs.append(inputs)
        return [self.of_slice(planes[1], limits) for planes in inputs]

    def of_slice(self, plane, limits):
        boxes, probability = self.boxes_around(plane, LIMIT, self.margin, limits)
        mask = 1 / (1 + np.exp(-20 * (plane - LIMIT)))
        windows = cut_windows(mask, window_edges(boxes, *plane.shape)) if self.masked else ()
        return SliceBoxes(boxes, probability, windows)


def manifest(**changes) -> Manifest:
    plain = Manifest(
        method="universal-ct",
        name="tiny",
        version="1",
        architecture=dataclasses.asdict(TINY),
        settings={
            "universal_settings": {"size_px": SIZE_PX},
            "operating_points": {"balanced": 0.6, "sensitive": 0.1},
            "default_operating_point": "balanced",
        },
        training={"data": "none"},
        trained_on_phantoms=True,
    )
    return dataclasses.replace(plain, **changes)


@pytest.fixture(scope="module")
def a_bundle(tmp_path_factory):
    """``a_bundle(weights changed by a function, architecture, manifest entries)``: opened from disk, as users have it."""
    folder = tmp_path_factory.mktemp("bundle")

    def make(change=lambda weights: weights, architecture=TINY, network=None, settings=None, **entries) -> Bundle:
        if network is None:
            torch.manual_seed(1)
            network = UniversalNetwork(architecture)
        described = architecture if isinstance(architecture, dict) else dataclasses.asdict(architecture)
        entries["architecture"] = described
        if settings is not None:
            entries["settings"] = {**manifest().settings, **settings}
        write_bundle(folder / "it", manifest(**entries), change(weights_of(network.eval())), "card", overwrite=True)
        return Bundle.open(folder / "it")

    return make


@pytest.fixture(scope="session")
def bright_engine(bright_boxes):
    """The class, ready to be made."""
    return functools.partial(BrightEngine, bright_boxes)
