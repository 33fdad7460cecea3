"""What is written over a slice: sides of the patient, place, window, name of the scan."""

from __future__ import annotations

from typing import Any

import numpy as np

from .slice_moves import slice_range, xy_of

_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))
_STRAIGHT = 0.99
_MINUS = "\N{MINUS SIGN}"


def slice_notes(node: Any, logic: Any) -> dict[str, Any]:
    """For the page: text in the corners and at the edges, and the range of the slider."""
    background = logic.GetBackgroundLayer().GetVolumeNode()
    if background is None:
        return {"empty": True}
    if node.GetSlabReconstructionEnabled():
        # It shows the whole depth: there is no slice to go to.
        return {
            **sides(node),
            "position": "Maximum intensity",
            "window": window(background),
            "name": background.GetName() or "",
        }
    lowest, highest, step = slice_range(logic)
    return {
        **sides(node),
        "position": position(node, logic),
        "window": window(background),
        "name": background.GetName() or "",
        "min": lowest,
        "max": highest,
        "step": step,
        "value": float(logic.GetSliceOffset()),
    }


def sides(node: Any) -> dict[str, str]:
    """The letters of the directions to which the view's right, left, upper and lower edge lie."""
    right, up = _column(node, 0), _column(node, 1)
    return {"right": _letter(right), "left": _letter(-right), "top": _letter(up), "bottom": _letter(-up)}


def position(node: Any, logic: Any) -> str:
    """Where the slice is: ``S 43.5 mm``, ``I 20.0 mm`` below the origin; without a letter for an oblique one."""
    normal = _column(node, 2)
    axis = int(np.abs(normal).argmax())
    if abs(normal[axis]) < _STRAIGHT:
        return f"{logic.GetSliceOffset():.1f} mm".replace("-", _MINUS)
    along = float(node.GetSliceToRAS().GetElement(axis, 3))
    return f"{_LETTERS[axis][0] if along >= 0 else _LETTERS[axis][1]} {abs(along):.1f} mm"


def window(volume_node: Any) -> str:
    """Window of a volume, in its unit: ``W 1500 L −600``."""
    display = volume_node.GetScalarVolumeDisplayNode()
    if display is None:
        return ""
    width, level = display.GetWindow(), display.GetLevel()
    digits = 0 if width >= 50 else 1 if width >= 1 else 3
    return f"W {width:.{digits}f} L {level:.{digits}f}".replace("-", _MINUS)


def cross(node: Any, point_ras_mm: Any, place: Any) -> list[float] | None:
    """Where the crosshair is in the page; None for none.

    Args:
        place: from a pixel of the view to the page.
    """
    if point_ras_mm is None:
        return None
    x, y, _depth = xy_of(node, point_ras_mm)
    return [round(n, 1) for n in place(x, y)]


def _column(node: Any, number: int) -> np.ndarray[Any, Any]:
    matrix = node.GetSliceToRAS()
    values = np.array([matrix.GetElement(row, number) for row in range(3)])
    return np.asarray(values / max(np.linalg.norm(values), 1e-12))


def _letter(direction: np.ndarray[Any, Any]) -> str:
    axis = int(np.abs(direction).argmax())
    return _LETTERS[axis][0] if direction[axis] > 0 else _LETTERS[axis][1]
