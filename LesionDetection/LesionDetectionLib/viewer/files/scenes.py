"""Scenes of Slicer, ours and others', loaded into the viewer's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import vtk

from LesionDetectionLib.core.errors import InputError


def load_scene(stage: Any, path: Path) -> None:
    """Add all that a scene file (.mrml) holds. Its files have been looked at by :func:`.references.check_scene`.

    The slice views keep their directions, whatever the scene had in them.

    Raises:
        InputError: it could not be read, or holds no volume; some of it may be in the scene then.
    """
    scene = stage.scene
    before = {name: _direction(area.node) for name, area in stage.areas.items()}
    scene.SetURL(str(path))
    scene.SetRootDirectory(str(path.parent))
    try:
        read = bool(scene.Import(None))
    finally:
        # Its files are gone soon, and what is saved later goes elsewhere.
        scene.SetURL("")
        scene.SetRootDirectory("")
    for name, area in stage.areas.items():
        area.node.GetSliceToRAS().DeepCopy(before[name])
        area.node.UpdateMatrices()
    if not read:
        raise InputError(
            f"{path.stem} could not be read: a part of it is missing or damaged. Save the scene again in Slicer."
        )
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
    if not any(node.GetImageData() is not None for node in nodes):
        raise InputError(f"The scene {path.stem} holds no volume that could be shown.")


def _direction(slice_node: Any) -> Any:
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(slice_node.GetSliceToRAS())
    return matrix
