"""A phantom that was made by the worker, as nodes of a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from LesionDetectionLib.app.worker.images import read_image
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.io.mrml import add_detections, volume_node

from .requests import IMAGE, TRUTH


def load_phantom(scene: Any, folder: Path) -> tuple[Any, Any]:
    """Add the volume and its true lesions to ``scene``.

    Args:
        folder: what :func:`.tasks.make_phantom` made.

    Returns:
        The volume node, and the nodes of the true lesions.

    Raises:
        InputError: the folder holds something else.
    """
    image = read_image(folder / IMAGE)
    truth = Detections.load(folder / TRUTH)
    node = volume_node(scene, image)
    return node, add_detections(scene, node, truth, name="Truth")
