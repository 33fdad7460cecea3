"""What is under the mouse: the values of all volumes there, the place, the finding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer
import vtk

from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.io.display import modality_name, value_unit
from LesionDetectionLib.io.mrml import image_from_node

_AXES = (("R", "L"), ("A", "P"), ("S", "I"))
_MINUS = "\N{MINUS SIGN}"
_WIDE = "\N{EM SPACE}"


class UnderCursor:
    """Says it again and again, while the mouse moves: what does not change is looked up once a volume."""

    def __init__(self) -> None:
        self._units: dict[str, str] = {}

    def forget(self) -> None:
        """The volumes are others."""
        self._units.clear()

    def text(self, point_ras_mm: Point, volumes: Mapping[str, Any], finding: str = "") -> str:
        """``CT 43 HU   PET SUV 3.2   L 43.5 A 12.0 S 20.1 mm   L1``.

        Args:
            volumes: nodes by what they are called in front of their value: a modality, or the title of a map.
            finding: what is there; empty for nothing.
        """
        parts = [self._value(name, node, point_ras_mm) for name, node in volumes.items()]
        return _WIDE.join(part for part in (*parts, place(point_ras_mm), finding) if part)

    def _value(self, name: str, node: Any, point_ras_mm: Point) -> str:
        value = value_at(node, point_ras_mm)
        if value is None:
            return ""
        unit = self._unit(node)
        number = _number(value, unit)
        said = f"{unit} {number}" if unit.startswith("SUV") else f"{number} {unit}".strip()
        return f"{modality_name(name)} {said}"

    def _unit(self, node: Any) -> str:
        if node.GetID() not in self._units:
            try:
                self._units[node.GetID()] = value_unit(image_from_node(node))
            except LesionDetectionError:
                self._units[node.GetID()] = ""
        return self._units[node.GetID()]


def value_at(volume_node: Any, point_ras_mm: Point) -> float | None:
    """Value of the voxel that a place (RAS mm) is in; None outside of the volume. NaN where the voxel is."""
    data = volume_node.GetImageData()
    if data is None or data.GetPointData().GetScalars() is None:
        return None
    ijk = voxel_of(volume_node, point_ras_mm)
    if any(not 0 <= n < size for n, size in zip(ijk, data.GetDimensions(), strict=True)):
        return None
    return float(data.GetScalarComponentAsDouble(*ijk, 0))


def voxel_of(volume_node: Any, point_ras_mm: Point) -> tuple[int, int, int]:
    """Indices of the voxel whose centre is nearest; also outside of the volume."""
    point = list(point_ras_mm)
    transform = volume_node.GetParentTransformNode()
    if transform is not None:
        from_world = vtk.vtkGeneralTransform()
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, transform, from_world)
        point = list(from_world.TransformPoint(point))
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetRASToIJKMatrix(matrix)
    i, j, k = np.rint(matrix.MultiplyPoint((*point, 1.0))[:3]).astype(int)
    return int(i), int(j), int(k)


def place(point_ras_mm: Point) -> str:
    """``L 43.5 A 12.0 S 20.1 mm``."""
    said = (
        f"{letters[0] if value >= 0 else letters[1]} {abs(value):.1f}"
        for value, letters in zip(point_ras_mm, _AXES, strict=True)
    )
    return f"{' '.join(said)} mm"


def _number(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "no value"
    digits = 0 if unit == "HU" or (value == round(value) and abs(value) >= 100) else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}".replace("-", _MINUS)
