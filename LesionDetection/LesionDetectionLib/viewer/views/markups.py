"""Markups of a scene that belong to no result: what a person drew there, here or in Slicer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LesionDetectionLib.io.mrml_findings import results_in

from .marks import IN_SLICE_MM, Place, Points, rounded
from .slice_moves import from_ras

_PATHS = ("vtkMRMLMarkupsLineNode", "vtkMRMLMarkupsAngleNode", "vtkMRMLMarkupsCurveNode")
_POINTS = "vtkMRMLMarkupsFiducialNode"
_CLOSED = "vtkMRMLMarkupsClosedCurveNode"
_MOST_POINTS = 2000
"""Of all of them: a page has to draw each."""
_ARM = 4.0
"""Of the cross that a point is drawn as, pixels of the page."""


@dataclass(frozen=True)
class Markup:
    """Attributes:
    name: written beside it.
    points_ras_mm: [N, 3]
    joined: by a line from each to the next; else it is one point.
    color: for the page.
    """

    name: str
    points_ras_mm: Points
    joined: bool
    color: str


def markups_in(scene: Any) -> tuple[Markup, ...]:
    """Those that are visible and no result's own: points, lines, angles and curves."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLMarkupsNode") for n in range(count)]
    own = _of_results(scene) if nodes else set()
    found: list[Markup] = []
    left = _MOST_POINTS
    for node in nodes:
        left -= node.GetNumberOfControlPoints()
        if left >= 0 and node.GetID() not in own and _is_visible(node):
            found += _parts(node)
    return tuple(found)


def slice_markups(
    markups: Sequence[Markup], node: Any, spacing_mm: float, place: Place
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(lines, names) of those that lie in the slice, for the page.

    Args:
        node: slice node of the view.
        spacing_mm: between slices.
    """
    lines, names, near = [], [], max(IN_SLICE_MM, spacing_mm / 2)
    for one in markups:
        pixels, depths = from_ras(node, one.points_ras_mm)
        there = np.abs(depths) <= near
        if not there.any():
            continue
        at = [place(x, y) for x, y in pixels]
        if one.joined:
            ends = [(at[n], at[n + 1]) for n in range(len(at) - 1) if there[n] and there[n + 1]]
        else:
            (x, y) = at[0]
            ends = [((x - _ARM, y - _ARM), (x + _ARM, y + _ARM)), ((x - _ARM, y + _ARM), (x + _ARM, y - _ARM))]
        for (x1, y1), (x2, y2) in ends:
            line = {"x1": rounded(x1), "y1": rounded(y1), "x2": rounded(x2), "y2": rounded(y2)}
            lines.append({**line, "color": one.color})
        if ends and one.name:
            x, y = at[int(np.flatnonzero(there)[-1])]
            names.append(
                {"text": one.name, "color": one.color, "current": False, "x": rounded(x), "y": rounded(y), "r": 6}
            )
    return lines, names


def _parts(node: Any) -> Iterator[Markup]:
    display = node.GetDisplayNode()
    color = "rgb({}, {}, {})".format(*(round(255 * part) for part in display.GetSelectedColor()))
    there = [
        n
        for n in range(node.GetNumberOfControlPoints())
        if node.GetNthControlPointVisibility(n) and node.GetNthControlPointPositionStatus(n) == node.PositionDefined
    ]
    points = np.array([node.GetNthControlPointPositionWorld(n) for n in there], dtype=float).reshape(-1, 3)
    if node.IsA(_POINTS):
        for n, point in zip(there, points, strict=True):
            yield Markup(node.GetNthControlPointLabel(n) or "", point[None], False, color)
    elif any(node.IsA(kind) for kind in _PATHS) and len(points) > 1:
        points = np.vstack([points, points[:1]]) if node.IsA(_CLOSED) else points
        yield Markup(node.GetName() or "", points, True, color)


def _is_visible(node: Any) -> bool:
    display = node.GetDisplayNode()
    return display is not None and bool(display.GetVisibility()) and bool(display.GetVisibility2D())


def _of_results(scene: Any) -> set[str]:
    """Ids of all nodes that a result refers to."""
    found = set()
    for text in results_in(scene):
        for role in (text.GetNthNodeReferenceRole(n) for n in range(text.GetNumberOfNodeReferenceRoles())):
            found |= {text.GetNthNodeReferenceID(role, n) for n in range(text.GetNumberOfNodeReferences(role))}
    return found
