"""How findings are shown here: outlines quieter than their nodes say, names and diameters written by the page."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.io.display import lesion_color
from LesionDetectionLib.io.mrml_findings import segmentations_of_results

from .slice_moves import from_ras

_OUTLINES = {"Opacity2DFill": 0.12, "SliceIntersectionThickness": 2}
"""What lies below an outline is what is looked at."""
_MOST_LABELS = 60
"""In one view; more of them would hide what they name."""
IN_SLICE_MM = 1.0
"""A diameter is drawn in the slices that both of its ends are so near to, or nearer than half a slice."""

Points = npt.NDArray[np.float64]
Place = Callable[[float, float], tuple[float, float]]
"""From a pixel of a view to the page."""


@dataclass(frozen=True)
class Mark:
    """Attributes:
    name: id of the finding.
    center_ras_mm: its middle.
    radius_mm: half of its diameter.
    color: for the page.
    current: whether it is the one that is looked at.
    diameters_ras_mm: the ends of its diameters; only of the current one.
    """

    name: str
    center_ras_mm: Point
    radius_mm: float
    color: str
    current: bool
    diameters_ras_mm: tuple[tuple[Point, Point], ...] = ()

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
        self._hidden: list[Any] = []
        self._before: dict[str, tuple[Any, Mapping[str, Any]]] = {}

    def show(self, results: Any | None) -> None:
        """Show the active result, a :class:`.ResultSet`, and no other one's outlines: they may be of another scan. None for none."""
        self.marks = ()
        self._hide_others(results)
        if results is None:
            return
        self.marks = tuple(_mark(item, item.id == results.current) for item in results.findings.drawn)
        node = results.nodes.segmentation
        display = None if node is None else node.GetDisplayNode()
        if display is not None and self._before.get(display.GetID(), (None,))[0] is not display:
            before = {key: getattr(display, f"Get{key}")() for key in _OUTLINES}
            self._before[display.GetID()] = (display, before)
            _put(display, _OUTLINES)

    def forget(self) -> None:
        """The scene is empty."""
        self.marks, self._hidden = (), []
        self._before.clear()

    def _hide_others(self, results: Any | None) -> None:
        """Hide the outlines of all results but this one; none where it is None."""
        others: list[Any] = []
        if results is not None:
            own = results.nodes.segmentation
            nodes = (one for one in segmentations_of_results(results.nodes.text.GetScene()) if one is not own)
            others = [one.GetDisplayNode() for one in nodes if one.GetDisplayNode() is not None]
        for display in [one for one in self._hidden if one not in others]:
            self._hidden.remove(display)
            _put(display, {"Visibility": True})
        for display in [one for one in others if one not in self._hidden and one.GetVisibility()]:
            self._hidden.append(display)
            _put(display, {"Visibility": False})

    def _show_hidden(self, shown: bool) -> None:
        for display in self._hidden:
            _put(display, {"Visibility": shown})

    @contextlib.contextmanager
    def as_for_slicer(self) -> Iterator[None]:
        """Within it, the nodes look as they were made, such as while the scene is saved."""
        self._show_hidden(True)
        for display, before in self._before.values():
            _put(display, before)
        try:
            yield
        finally:
            self._show_hidden(False)
            for display, _before in self._before.values():
                _put(display, _OUTLINES)


def slice_labels(marks: Sequence[Mark], node: Any, place: Place) -> list[dict[str, Any]]:
    """Names of the findings that the slice cuts, each where the page shall write it.

    Args:
        node: slice node of the view.
    """
    if not marks:
        return []
    thick = node.GetSlabReconstructionThickness() / 2 if node.GetSlabReconstructionEnabled() else 0.0
    pixels = node.GetDimensions()[0] / max(node.GetFieldOfView()[0], 1e-9)
    places, depths = from_ras(node, np.array([mark.center_ras_mm for mark in marks]))
    found = []
    for mark, (x, y), depth in zip(marks, places, depths, strict=True):
        if abs(depth) > mark.radius_mm + thick:
            continue
        left, top = place(x, y)
        right, _top = place(x + mark.radius_mm * pixels, y)
        found.append({**mark.look, "x": rounded(left), "y": rounded(top), "r": rounded(right - left)})
    return sorted(found, key=lambda one: not one["current"])[:_MOST_LABELS]


def slice_lines(marks: Sequence[Mark], node: Any, spacing_mm: float, place: Place) -> list[dict[str, Any]]:
    """Diameters that lie in the slice, as lines of the page.

    Args:
        spacing_mm: between slices.
    """
    found = []
    for mark in marks:
        for ends in mark.diameters_ras_mm:
            places, depths = from_ras(node, np.array(ends))
            if np.abs(depths).max() <= max(IN_SLICE_MM, spacing_mm / 2):
                (left, top), (right, bottom) = (place(x, y) for x, y in places)
                line = {"x1": rounded(left), "y1": rounded(top), "x2": rounded(right), "y2": rounded(bottom)}
                found.append({**line, "color": mark.color})
    return found


def space_labels(marks: Sequence[Mark], to_view: Points, size: tuple[int, int], scale: float) -> list[dict[str, Any]]:
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
        found.append({**mark.look, "x": rounded(left), "y": rounded(top), "r": 6})
    return sorted(found, key=lambda one: not one["current"])[:_MOST_LABELS]


def _mark(item: Any, current: bool) -> Mark:
    lesion = item.lesion
    recist = lesion.recist if current else None
    return Mark(
        item.id,
        lesion.center_ras_mm,
        lesion.diameter_mm / 2,
        "rgb({}, {}, {})".format(*(round(255 * part) for part in lesion_color(item.number))),
        current,
        () if recist is None else (recist.long_axis_ras_mm, recist.short_axis_ras_mm),
    )


def rounded(value: float) -> float:
    """A place in the page."""
    return round(float(value), 1)


def _put(display: Any, values: Mapping[str, Any]) -> None:
    if display.GetScene() is None:
        return
    modifying = display.StartModify()
    for key, value in values.items():
        getattr(display, f"Set{key}")(value)
    display.EndModify(modifying)
