"""Explanations stand a little smaller than what they explain; the colour stays the palette's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_SHARE = 0.92


def make_small(ui: Any, names: Iterable[str]) -> None:
    for name in names:
        label = getattr(ui, name)
        font = label.font
        if font.pointSizeF() > 0:  # else it is given in pixels
            font.setPointSizeF(_SHARE * font.pointSizeF())
            label.setFont(font)
