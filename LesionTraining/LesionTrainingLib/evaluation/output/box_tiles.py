"""Slices side by side with boxes drawn over them, and a probability laid over as a map of heat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from LesionDetectionLib.app.drawing import line

from .figures import Plot
from .tables import Cell, Table
from .tiles import BLUE, FloatArray, Pixels, grey, sheet, sized

TRUTH, HIT, FALSE, IGNORED = "truth", "true positive", "false positive", "further mark"
BOX_COLORS = {TRUTH: (1.0, 0.85, 0.1), HIT: (0.2, 0.85, 0.3), FALSE: (0.95, 0.2, 0.15), IGNORED: BLUE}
"""Those of Zlocha et al. (MICCAI 2019), Figs. 3 and 4; a further mark on a lesion that is found is in another one here."""
_MOST_HEAT = 0.65
"""Share of the colour where the probability is 1."""
_LEAST_HEAT = 0.1
"""Below this probability nothing is laid over."""
_MORE_THAN_PIXELS = 3
"""A box is drawn at least so wide and high."""


@dataclass(frozen=True)
class DrawnBox:
    """Attributes:
    kind: of :data:`BOX_COLORS`.
    edges: (x0, y0, x1, y1) in pixels of the picture, pixel n covering [n, n + 1].
    score: of a mark; NaN for the truth.
    """

    kind: str
    edges: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, eq=False)
class BoxPicture:
    """A slice, or a part of one.

    Attributes:
        title: above it, in one line or several.
        grey: [j, i] values to show.
        window: values that are black and white.
        pixel_mm: height and width of a pixel.
        boxes: drawn in this order.
        heat: [j, i] probability to lay over, or None.
    """

    title: str
    grey: FloatArray
    window: tuple[float, float]
    pixel_mm: tuple[float, float]
    boxes: tuple[DrawnBox, ...]
    heat: FloatArray | None = None


def box_tiles(pictures: Sequence[BoxPicture], alternative: str, *, columns: int = 4, width: int = 300) -> Plot:
    """All of them on one sheet, what the colours mean below.

    Args:
        alternative: a sentence for readers who cannot see it.
        columns: tiles in a row.
        width: of a tile in pixels.
    """
    tiles = [(one.title, _drawn(one, width)) for one in pictures]
    used = {box.kind for one in pictures for box in one.boxes}
    legend = [(kind, color) for kind, color in BOX_COLORS.items() if kind in used]
    rows: list[tuple[Cell, ...]] = [
        (one.title.replace("\n", ", "), box.kind, *map(float, box.edges), float(box.score))
        for one in pictures
        for box in one.boxes
    ]
    data = Table(("slice", "box", "x0", "y0", "x1", "y1", "score"), tuple(rows))
    return Plot(sheet(tiles, columns, width, legend), data, alternative, wide=True)


def _drawn(one: BoxPicture, width: int) -> Pixels:
    picture = sized(grey(one.grey, one.window), one.pixel_mm, width)
    if one.heat is not None:
        picture = _heated(picture, one.heat)
    across, down = picture.shape[1] / one.grey.shape[1], picture.shape[0] / one.grey.shape[0]
    picture = np.ascontiguousarray(picture)
    for box in one.boxes:
        x0, y0, x1, y1 = np.array(box.edges) * (across, down, across, down)
        x1, y1 = max(x1, x0 + _MORE_THAN_PIXELS), max(y1, y0 + _MORE_THAN_PIXELS)
        # Edges lie between pixels, and lines are drawn through the middles of pixels.
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]) - 0.5
        line(picture, corners, BOX_COLORS[box.kind], 1)
    return picture


def _heated(picture: Pixels, heat: npt.NDArray[Any]) -> Pixels:
    """The probability over the picture: nothing where there is none, from red to yellow where it is sure."""
    shape = picture.shape[1], picture.shape[0]
    share = np.clip(cv2.resize(heat.astype(np.float32), shape, interpolation=cv2.INTER_LINEAR), 0, 1)[..., None]
    color = np.concatenate([np.ones_like(share), np.clip(1.6 * share - 0.5, 0, 1), np.zeros_like(share)], axis=2)
    paint = np.where(share >= _LEAST_HEAT, _MOST_HEAT * share, 0)
    return np.asarray(np.round((1 - paint) * picture + paint * 255 * color), dtype=np.uint8)
