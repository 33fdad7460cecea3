"""Views of one size, and scans that lie as no view does."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.image import CT, HU, Image
from scipy.spatial.transform import Rotation

WIDTH, HEIGHT = 240, 200


@pytest.fixture
def stage(viewer):
    """The views of the viewer, in sight, with nothing in them."""
    stage = viewer.context.stage
    for area in stage.areas.values():
        area.painter.moving = False  # whatever another test left it in
        area.on_event({"type": "size", "w": WIDTH, "h": HEIGHT, "ratio": 1.0})
    stage.space.on_event({"type": "size", "w": WIDTH, "h": HEIGHT, "ratio": 1.0})
    yield stage
    for area in (*stage.areas.values(), stage.space):
        area.on_event({"type": "size", "w": 0, "h": 0})


@pytest.fixture
def red(stage):
    return stage.areas["Red"]


def oblique(voxels, spacing=(1.1, 0.9, 2.0), angles=(10, -20, 30), modality=CT, unit=HU, name="oblique"):
    """An image that is turned by three angles, its middle near the origin."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ np.diag(spacing)
    matrix[:3, 3] = -matrix[:3, :3] @ (np.array(voxels.shape[::-1]) - 1) / 2
    return Image(voxels, matrix, modality, unit, name)


def drawn(area):
    """The picture of a view, [row, column], grey."""
    return area.painter.draw_now().pixels.max(axis=2)
