"""How findings are shown here: quieter than their nodes say, with names that the page writes beside the outlines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.io.display import lesion_color

from .slice_moves import xy_of

_FILL = 0.12
"""Opacity of an outline's inside: what lies below is what is looked at."""
_LINE_PIXELS = 2
_MOST_LABELS = 60
"""In one view; more of them would hide what they name."""


@dataclass(frozen=True)
class Mark:
    """Attributes:
    name: id of the finding.
    center_ras_mm: its middle.
    radius_mm: half of its diameter.
    color: for the page.
    current: whether it is the one that is looked at.
    """

    name: str
    center_ras_mm: Point
    radius_mm: float
    color: str
    current: bool

    @property
    def look(self) -> dict[str, Any]:
        """What the page is told besides a place."""
        return {"text": self.name, "color": self.color, "current": self.current}


class Marks:
    """Attributes:
    marks: what is drawn of the active result.
    """

    def __init__(self) -> None:
        self.marks: tuple[Mark, ...] = ()
        self._before: dict[str, tuple[Any, Mapping[str, Any]]] = {}
        self._now: dict[str, Mapping[str, Any]] = {}

    def show(self, results: Any | None) -> None:
        """Show the active result, a :class:`.ResultSet`; None for none."""
        self.marks = ()
        if results is None:
            return
        current = results.current
        self.marks = tuple(
            Mark(
                item.id,
                item.lesion.center_ras_mm,
                item.lesion.diameter_mm / 2,
                "rgb({}, {}, {})".format(*(round(255 * part) for part in lesion_color(item.number))),
                item.id == current,
            )
            for item in results.findings.drawn
        )
        nodes = results.nodes
        # Names beside outlines are written by the page: sharp, short, and not in the way of the picture.
        self._put(nodes.points, {"Visibility2D": False, "Visibility3D": False})
        self._put(nodes.segmentation, {"Opacity2DFill": _FILL, "SliceIntersectionThickness": _LINE_PIXELS})
        for name, lines in nodes.axes.items():
            for line in lines:
                self._put(
                    line,
                    {
                        "Visibility2D": name == current,
                        "Visibility3D": False,
                        "PropertiesLabelVisibility": False,
                        "PointLabelsVisibility": False,
                    },
                )

    def forget(self) -> None:
        """The scene is empty."""
        self.marks = ()
        self._before.clear()
        self._now.clear()

    @contextlib.contextmanager
    def as_for_slicer(self) -> Iterator[None]:
        """Within it, the nodes look as they were made, such as while the scene is saved."""
        for display, before in self._before.values():
            _put(display, before)
        try:
            yield
        finally:
            for name, (display, _before) in self._before.items():
                _put(display, self._now[name])

    def _put(self, node: Any | None, values: Mapping[str, Any]) -> None:
        display = None if node is None else node.GetDisplayNode()
        if display is None:
            return
        name = display.GetID()
        if name not in self._before or self._before[name][0] is not display:
            self._before[name] = (display, {key: getattr(display, f"Get{key}")() for key in values})
        self._now[name] = values
        _put(display, values)


def slice_labels(
    marks: Sequence[Mark], node: Any, place: Callable[[float, float], tuple[float, float]]
) -> list[dict[str, Any]]:
    """Names of the findings that the slice cuts, each where the page shall write it.

    Args:
        node: slice node of the view.
        place: from a pixel of the view to the page.
    """
    thick = node.GetSlabReconstructionThickness() / 2 if node.GetSlabReconstructionEnabled() else 0.0
    found = []
    for mark in marks:
        x, y, depth = xy_of(node, mark.center_ras_mm)
        if abs(depth) > mark.radius_mm + thick:
            continue
        left, top = place(x, y)
        radius = mark.radius_mm / max(node.GetFieldOfView()[0], 1e-9) * node.GetDimensions()[0]
        right, _top = place(x + radius, y)
        found.append(
            {**mark.look, "x": round(float(left), 1), "y": round(float(top), 1), "r": round(float(right - left), 1)}
        )
    return sorted(found, key=lambda one: not one["current"])[:_MOST_LABELS]


def space_labels(
    marks: Sequence[Mark], to_view: np.ndarray[Any, Any], size: tuple[int, int], scale: float
) -> list[dict[str, Any]]:
    """Names of all findings in the 3D view.

    Args:
        to_view: [4, 4], from RAS mm to the view's box, -1 to 1, before the division by the last.
        size: of the view, pixels.
        scale: its pixels for each of the page.
    """
    found = []
    for mark in marks:
        x, y, _z, w = to_view @ (*mark.center_ras_mm, 1.0)
        if w <= 0 or abs(x) > w or abs(y) > w:
            continue
        left, top = (x / w + 1) / 2 * size[0] / scale, (1 - y / w) / 2 * size[1] / scale
        found.append({**mark.look, "x": round(float(left), 1), "y": round(float(top), 1), "r": 6})
    return sorted(found, key=lambda one: not one["current"])[:_MOST_LABELS]


def _put(display: Any, values: Mapping[str, Any]) -> None:
    if display.GetScene() is None:
        return
    modifying = display.StartModify()
    for key, value in values.items():
        getattr(display, f"Set{key}")(value)
    display.EndModify(modifying)
