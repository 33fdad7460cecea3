"""A body with bright balls, and who marks what is bright in place of a network: for methods that look at slices."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.image import CT, HU, Image
from scipy import ndimage

BALLS_MM = ((20.0, 8.0, 10.0, 16.0, 300.0), (-26.0, -10.0, -8.0, 11.0, 500.0))
"""Right, anterior, superior, diameter, HU."""


def a_body(balls_mm=BALLS_MM, shape=(22, 60, 60), spacing=(1.5, 1.5, 2.0), fat=-400.0) -> Image:
    spacing, size_ijk = np.array(spacing), np.array(shape[::-1])
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = -np.diag(matrix)[:3] * (size_ijk - 1) / 2
    hu = np.full(shape, fat)
    for *center, diameter, value in balls_mm:
        hu[distances_mm(shape, matrix, center) < diameter / 2] = value
    hu += np.random.default_rng(0).normal(0, 5, shape)
    return Image(np.round(hu).astype(np.int16), matrix, CT, HU, "body")


def distances_mm(shape, matrix, center):
    k, j, i = np.indices(shape)
    return np.linalg.norm(np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3] - center, axis=-1)


def boxes_around(plane, above, margin, limits):
    """A box so many pixels around each part of a plane that lies above a value, the more probable the brighter: edges and
    probabilities, falling."""
    labels, count = ndimage.label(plane > above)
    boxes, probability = np.zeros((count, 4)), np.zeros(count)
    for n, (rows, columns) in enumerate(ndimage.find_objects(labels)):
        edges = np.array([columns.start, rows.start, columns.stop, rows.stop], dtype=float)
        boxes[n] = np.clip(edges + margin * np.array([-1, -1, 1, 1]), 0, len(plane))
        probability[n] = 0.5 + 0.5 * plane[labels == n + 1].max()
    order = np.argsort(-probability, kind="stable")
    order = order[probability[order] >= limits.least_probability][: limits.most_boxes]
    return boxes[order], probability[order]


@pytest.fixture(scope="module")
def body():
    return a_body()


@pytest.fixture(scope="session")
def make_body():
    return a_body


@pytest.fixture(scope="session")
def bright_boxes():
    return boxes_around
