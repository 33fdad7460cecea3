"""A body with bright balls, a tiny network in a bundle, and an engine that marks what is bright in place of a network."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture
from LesionDetectionLib.methods.universal_ct.engine_boxes import SliceBoxes, cut_windows, window_edges
from LesionDetectionLib.methods.universal_ct.model import weights_of
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from scipy import ndimage

TINY = UniversalArchitecture(base=4, pyramid=8, head=8, head_layers=1, dense_widths=(4, 4))
SIZE_PX = 64
BALLS_MM = ((20.0, 8.0, 10.0, 16.0, 300.0), (-26.0, -10.0, -8.0, 11.0, 500.0))
"""Right, anterior, superior, diameter, HU."""
LIMIT = -0.25
"""Of the input: 0 HU is -.01, so this is -250 HU; the balls lie in fat of -400 HU."""


def a_body(balls_mm=BALLS_MM, shape=(22, 60, 60), spacing=(1.5, 1.5, 2.0)) -> Image:
    spacing, size_ijk = np.array(spacing), np.array(shape[::-1])
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = -np.diag(matrix)[:3] * (size_ijk - 1) / 2
    hu = np.full(shape, -400.0)
    for *center, diameter, value in balls_mm:
        hu[distances_mm(shape, matrix, center) < diameter / 2] = value
    hu += np.random.default_rng(0).normal(0, 5, shape)
    return Image(np.round(hu).astype(np.int16), matrix, CT, HU, "body")


def distances_mm(shape, matrix, center):
    k, j, i = np.indices(shape)
    return np.linalg.norm(np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3] - center, axis=-1)


class BrightEngine:
    """Marks what is bright in the slice in the middle: a box 5 pixels around each part, the more probable the brighter.

    Attributes:
        inputs: of every run.
        masked: whether there are windows, as of a network with a mask.
    """

    def __init__(self, masked=True, margin=5.0):
        self.inputs, self.masked, self.margin = [], masked, margin

    def run(self, inputs, limits):
        self.inputs.append(inputs)
        return [self.of_slice(planes[1], limits) for planes in inputs]

    def of_slice(self, plane, limits):
        labels, count = ndimage.label(plane > LIMIT)
        boxes, probability = np.zeros((count, 4)), np.zeros(count)
        for n, (rows, columns) in enumerate(ndimage.find_objects(labels)):
            edges = np.array([columns.start, rows.start, columns.stop, rows.stop], dtype=float)
            boxes[n] = np.clip(edges + self.margin * np.array([-1, -1, 1, 1]), 0, len(plane))
            probability[n] = 0.5 + 0.5 * plane[labels == n + 1].max()
        order = np.argsort(-probability, kind="stable")
        order = order[probability[order] >= limits.least_probability][: limits.most_boxes]
        mask = 1 / (1 + np.exp(-20 * (plane - LIMIT)))
        windows = cut_windows(mask, window_edges(boxes[order], *plane.shape)) if self.masked else ()
        return SliceBoxes(boxes[order], probability[order], windows)


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


@pytest.fixture(scope="module")
def body():
    return a_body()


@pytest.fixture(scope="session")
def make_body():
    return a_body


@pytest.fixture(scope="session")
def bright_engine():
    return BrightEngine
