"""Small icons, drawn in the colours of the palette, so that they are seen in a light and in a dark theme."""

from __future__ import annotations

import html
import logging
from typing import Any

import qt
import slicer

_log = logging.getLogger(__name__)
_GRID = 64
"""Icons are drawn on so many pixels a side; Qt scales them down smoothly to what a screen needs."""
_STROKE = 7
_ACCEPTED, _REJECTED, _WARNING = "#2f9e5e", "#d64550", "#d98a00"
"""Readable on white and on Slicer's dark grey."""

Stroke = tuple[str, int, int, int, int] | tuple[str, int, int, int, int, int, int]

_STROKES: dict[str, tuple[Stroke, ...]] = {
    "accept": (("line", 12, 34, 26, 48), ("line", 26, 48, 52, 16)),
    "reject": (("line", 16, 16, 48, 48), ("line", 48, 16, 16, 48)),
    "undecided": (("ellipse", 16, 16, 32, 32),),
    "previous": (("line", 14, 42, 32, 22), ("line", 32, 22, 50, 42)),
    "next": (("line", 14, 22, 32, 42), ("line", 32, 42, 50, 22)),
    "show": (
        ("ellipse", 16, 16, 32, 32),
        ("line", 32, 4, 32, 22),
        ("line", 32, 42, 32, 60),
        ("line", 4, 32, 22, 32),
        ("line", 42, 32, 60, 32),
    ),
    "undo": (("arc", 12, 16, 40, 36, -60, 240), ("line", 8, 12, 12, 34), ("line", 12, 34, 32, 30)),
    "redo": (("arc", 12, 16, 40, 36, 0, 240), ("line", 56, 12, 52, 34), ("line", 52, 34, 32, 30)),
    "merge": (("ellipse", 8, 18, 28, 28), ("ellipse", 28, 18, 28, 28)),
    "delete": (
        ("line", 12, 16, 52, 16),
        ("line", 26, 8, 38, 8),
        ("line", 18, 16, 22, 56),
        ("line", 22, 56, 42, 56),
        ("line", 42, 56, 46, 16),
    ),
    "click": (("ellipse", 10, 10, 44, 44), ("ellipse", 28, 28, 8, 8)),
    "warning": (
        ("line", 32, 8, 6, 56),
        ("line", 6, 56, 58, 56),
        ("line", 58, 56, 32, 8),
        ("line", 32, 24, 32, 40),
        ("line", 32, 48, 32, 49),
    ),
    "note": (("ellipse", 6, 6, 52, 52), ("line", 32, 28, 32, 46), ("line", 32, 17, 32, 18)),
}
_COLORS = {"accept": _ACCEPTED, "reject": _REJECTED, "warning": _WARNING}


def icon(name: str) -> Any:
    """The icon of this name, for a button or a table's cell. Raises KeyError where there is none.

    Where this Slicer cannot draw it, it is empty: a panel must not lack its buttons for want of pictures on them.
    """
    if name not in _STROKES:
        raise KeyError(name)
    try:
        made = qt.QIcon(_drawn(name))
        made.addPixmap(_drawn(name, qt.QPalette.Disabled), qt.QIcon.Disabled)
        return made
    except Exception:
        _log.exception("The icon %s cannot be drawn.", name)
        return qt.QIcon()


def picture(name: str, size: int = 16) -> Any:
    """The icon of this name as a pixmap of ``size`` points, for a label."""
    return icon(name).pixmap(size, size)


def swatch(color: tuple[float, float, float]) -> Any:
    """A round spot of a colour (red, green, blue in [0, 1]): a finding's colour in the views."""
    pixmap = _empty()
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    pen = qt.QPen()
    pen.setStyle(qt.Qt.NoPen)
    painter.setPen(pen)
    painter.setBrush(qt.QBrush(qt.QColor(*(round(255 * part) for part in color))))
    painter.drawEllipse(12, 12, 40, 40)
    painter.end()
    return qt.QIcon(pixmap)


def link(target: str, text: str) -> str:
    """A link as HTML, in the colour of text: a theme's own colour of links is not always readable on it."""
    color = slicer.app.palette().color(qt.QPalette.WindowText).name()
    return f'<a href="{target}" style="color: {color}">{html.escape(text)}</a>'


def _drawn(name: str, group: int = qt.QPalette.Active) -> Any:
    pixmap = _empty()
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    color = slicer.app.palette().color(group, qt.QPalette.WindowText)
    if name in _COLORS and group == qt.QPalette.Active:
        color = qt.QColor(_COLORS[name])
    pen = qt.QPen()
    pen.setColor(color)
    pen.setWidth(_STROKE)
    pen.setCapStyle(qt.Qt.RoundCap)
    pen.setJoinStyle(qt.Qt.RoundJoin)
    painter.setPen(pen)
    draw = {"line": painter.drawLine, "ellipse": painter.drawEllipse, "arc": painter.drawArc}
    for kind, *numbers in _STROKES[name]:
        if kind == "arc":
            *box, start, span = numbers
            draw[kind](*box, 16 * start, 16 * span)  # Qt counts in sixteenths of a degree
        else:
            draw[kind](*numbers)
    painter.end()
    return pixmap


def _empty() -> Any:
    pixmap = qt.QPixmap(_GRID, _GRID)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    return pixmap
