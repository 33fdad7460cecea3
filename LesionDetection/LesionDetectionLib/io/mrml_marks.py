"""Lesions as marks: a point list, measured diameters as lines, and a table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import vtk

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.lesion import Lesion, Point

from .display import lesion_color
from .lesion_table import Column, lesion_columns, lesion_label

_TEXT_SCALE = 2.5
"""Per cent of the view's height; Slicer's 5 hides small nodules behind their own labels."""
_LINE_THICKNESS = 0.2
"""Of the glyph's size."""
_POINT_COLOR = (1.0, 0.85, 0.2)


def point_list_node(scene: Any, detections: Detections, name: str) -> Any:
    """Add a locked point list, one point a lesion at its centre (RAS mm), labelled with rank, score and diameter."""
    node = new_point_list(scene, name)
    fill_points(node, [(lesion_label(rank, lesion), lesion) for rank, lesion in enumerate(detections.lesions, 1)])
    return node


def new_point_list(scene: Any, name: str) -> Any:
    """Add an empty, locked point list."""
    return _markups_node(scene, "vtkMRMLMarkupsFiducialNode", name, _POINT_COLOR)


def fill_points(node: Any, labelled: Iterable[tuple[str, Lesion]]) -> None:
    """Let the list hold one locked point a lesion, at its centre, in this order, and nothing else."""
    was_modifying = node.StartModify()
    try:
        node.RemoveAllControlPoints()
        for label, lesion in labelled:
            index = node.AddControlPoint(list(lesion.center_ras_mm), label)
            node.SetNthControlPointDescription(index, _description(lesion))
            node.SetNthControlPointLocked(index, True)
    finally:
        node.EndModify(was_modifying)


def diameter_nodes(scene: Any, detections: Detections) -> list[Any]:
    """Add two locked lines for each lesion that has RECIST diameters: its long and its short axis, in its colour."""
    nodes = []
    for rank, lesion in enumerate(detections.lesions, 1):
        nodes += axis_nodes(scene, f"L{rank}", rank, lesion)
    return nodes


def axis_nodes(scene: Any, name: str, number: int, lesion: Lesion) -> list[Any]:
    """Add the lesion's long and short axis as locked lines in the colour of its number; none without RECIST diameters."""
    if lesion.recist is None:
        return []
    axes = (("long", lesion.recist.long_axis_ras_mm), ("short", lesion.recist.short_axis_ras_mm))
    return [_line_node(scene, f"{name} {kind} axis", axis, number) for kind, axis in axes]


def table_node(scene: Any, detections: Detections, name: str) -> Any:
    """Add a table with the columns of :func:`lesion_columns`; a missing number is NaN."""
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    fill_table(node, lesion_columns(detections))
    return node


def fill_table(node: Any, columns: Iterable[Column]) -> None:
    """Let the table hold these columns and nothing else, locked; a missing number is NaN."""
    was_modifying = node.StartModify()
    try:
        node.RemoveAllColumns()
        for column in columns:
            array = {int: vtk.vtkIntArray, float: vtk.vtkDoubleArray, str: vtk.vtkStringArray}[column.kind]()
            array.SetName(column.name)
            for value in column.values:
                array.InsertNextValue(math.nan if value is None else value)
            node.AddColumn(array)
            if column.name.endswith("_mm"):
                node.SetColumnUnitLabel(column.name, "mm")
        node.SetLocked(True)
    finally:
        node.EndModify(was_modifying)


def _line_node(scene: Any, name: str, axis: tuple[Point, Point], number: int) -> Any:
    node = _markups_node(scene, "vtkMRMLMarkupsLineNode", name, lesion_color(number))
    for end in axis:
        node.SetNthControlPointLocked(node.AddControlPoint(list(end)), True)
    return node


def _markups_node(scene: Any, class_name: str, name: str, color: tuple[float, float, float]) -> Any:
    node = scene.AddNewNodeByClass(class_name, name)
    node.CreateDefaultDisplayNodes()
    node.SetLocked(True)
    display = node.GetDisplayNode()
    display.SetTextScale(_TEXT_SCALE)
    display.SetColor(*color)
    display.SetSelectedColor(*color)
    if class_name == "vtkMRMLMarkupsLineNode":
        display.SetCurveLineSizeMode(display.UseLineThickness)
        display.SetLineThickness(_LINE_THICKNESS)
    return node


def _description(lesion: Lesion) -> str:
    parts = [lesion.meaning.meaning, f"score {lesion.score:.3f}", f"diameter {lesion.diameter_mm:.1f} mm"]
    if lesion.note:
        parts.append(lesion.note)
    return "; ".join(parts)
