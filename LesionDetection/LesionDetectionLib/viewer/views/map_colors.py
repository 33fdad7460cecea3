"""Which colour of a map means which value, for the page."""

from __future__ import annotations

from typing import Any

_STEPS = 8


def legend(volume_node: Any | None) -> tuple[str, list[str]]:
    """Which colour of a volume means which value; nothing without one."""
    return ("", ["", ""]) if volume_node is None else (gradient(volume_node), span(volume_node))


def gradient(volume_node: Any) -> str:
    """The colours from the lowest to the highest value, for a style sheet; empty where there are none."""
    display = volume_node.GetScalarVolumeDisplayNode()
    colors = None if display is None else display.GetColorNode()
    if colors is None or colors.GetNumberOfColors() < 2:
        return ""
    count = colors.GetNumberOfColors()
    rgba = [0.0] * 4
    found = []
    for n in range(_STEPS):
        colors.GetColor(round(n * (count - 1) / (_STEPS - 1)), rgba)
        found.append("rgb({}, {}, {})".format(*(round(255 * part) for part in rgba[:3])))
    return f"linear-gradient(to right, {', '.join(found)})"


def span(volume_node: Any) -> list[str]:
    """The lowest and the highest value that have a colour."""
    display = volume_node.GetScalarVolumeDisplayNode()
    if display is None:
        return ["", ""]
    low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    return [f"{low:.3g}", f"{high:.3g}"]
