"""Small pictures side by side: detections painted over slices, and a network's filters above what they respond to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from LesionDetectionLib.app.drawing import INK, QUIET, Writing, canvas, png, text_width

from .figures import Plot
from .tables import Table

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]

YELLOW, RED, BLUE = (1.0, 0.85, 0.1), (0.95, 0.2, 0.15), (0.3, 0.5, 1.0)
"""True positive, false positive, false negative: as in the paper that this was first drawn for (high-uptake-ct, Fig. 7)."""
_PAINT = 0.6
"""Share of the colour; the rest is the picture below."""
_GAP, _LINE = 10, 20
_LETTER = 13


@dataclass(frozen=True, eq=False)
class Outcome:
    """A slice and what was found in it.

    Attributes:
        title: above it, in one line or several.
        grey: [j, i] values to show.
        found: [j, i] pixels that were marked.
        lesions: [j, i] pixels that should be.
        pixel_mm: height and width of a pixel.
    """

    title: str
    grey: FloatArray
    found: BoolArray
    lesions: BoolArray
    pixel_mm: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Filter:
    """A filter of a layer of convolutions.

    Attributes:
        title: above it.
        kernels: [c, h, w] one for each input.
        response: [j, i] to a picture.
        pixel_mm: height and width of a pixel of the response, in any unit.
    """

    title: str
    kernels: FloatArray
    response: FloatArray
    pixel_mm: tuple[float, float] = (1.0, 1.0)


def outcome_tiles(
    outcomes: Sequence[Outcome], window: tuple[float, float], alternative: str, *, columns: int = 4, width: int = 300
) -> Plot:
    """Slices with true positive pixels yellow, false positive ones red, false negative ones blue.

    Args:
        window: values that are black and white.
        alternative: a sentence for readers who cannot see it.
        columns: tiles in a row.
        width: of a tile in pixels.
    """
    tiles = [(one.title, _painted(one, window, width)) for one in outcomes]
    rows = tuple(
        (
            one.title.replace("\n", ", "),
            int((one.found & one.lesions).sum()),
            int((one.found & ~one.lesions).sum()),
            int((one.lesions & ~one.found).sum()),
        )
        for one in outcomes
    )
    data = Table(("slice", "true_positive_pixels", "false_positive_pixels", "false_negative_pixels"), rows)
    legend = (("true positive", YELLOW), ("false positive", RED), ("false negative", BLUE))
    return Plot(sheet(tiles, columns, width, legend), data, alternative, wide=True)


def filter_tiles(
    filters: Sequence[Filter], data: Table, alternative: str, *, columns: int = 4, width: int = 240, in_a_row: int = 8
) -> Plot:
    """Each filter's kernels, and the response below them.

    All kernels are on one scale of grey, the layer's greatest weight: 0 is middle grey, negative weights are darker. Each
    response is on its own, from its least value (black) to its greatest (white).

    Args:
        data: what is known of each, for the CSV file.
        width: of a tile in pixels.
        in_a_row: kernels in a row.
    """
    greatest = max((float(np.abs(one.kernels).max()) for one in filters), default=0.0) or 1.0
    tiles = []
    for one in filters:
        kernels = _kernels(one.kernels, greatest, width, min(in_a_row, len(one.kernels)))
        response = grey(one.response, (float(one.response.min()), float(one.response.max())))
        tiles.append((one.title, np.concatenate([kernels, sized(response, one.pixel_mm, width)])))
    return Plot(sheet(tiles, columns, width), data, alternative, wide=True)


def _painted(one: Outcome, window: tuple[float, float], width: int) -> Pixels:
    below = sized(grey(one.grey, window), one.pixel_mm, width)
    shape = below.shape[1], below.shape[0]
    found, lesions = (
        cv2.resize(mask.astype(np.uint8), shape, interpolation=cv2.INTER_NEAREST).astype(bool)
        for mask in (one.found, one.lesions)
    )
    picture = below.astype(np.float64)
    for mask, color in ((found & lesions, YELLOW), (found & ~lesions, RED), (lesions & ~found, BLUE)):
        picture[mask] = (1 - _PAINT) * picture[mask] + _PAINT * 255 * np.array(color)
    return np.round(picture).astype(np.uint8)


def _kernels(kernels: FloatArray, greatest: float, width: int, in_a_row: int) -> Pixels:
    """Rows of kernels, ``width`` wide with the margins; each weight is a square of whole pixels."""
    count, height, across = kernels.shape
    side = max(1, (width // in_a_row - 2) // across)
    rows = -(-count // in_a_row)
    board = canvas(width, rows * (height * side + 2) + 2)
    for n, kernel in enumerate(kernels):
        square = grey(kernel, (-greatest, greatest)).repeat(side, axis=0).repeat(side, axis=1)
        y, x = n // in_a_row * (height * side + 2), n % in_a_row * (across * side + 2)
        board[y : y + height * side, x : x + across * side] = square
    return board


def grey(values: FloatArray, window: tuple[float, float]) -> Pixels:
    """[j, i, 3] of values between black and white; black where the window is a point."""
    low, high = window
    share = np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros(values.shape)
    return np.repeat(np.round(255 * share).astype(np.uint8)[..., None], 3, axis=2)


def sized(picture: Pixels, pixel_mm: tuple[float, float], width: int) -> Pixels:
    """So wide, its height in proportion."""
    rows, columns = picture.shape[:2]
    height = max(1, round(width * (rows * pixel_mm[0]) / (columns * pixel_mm[1])))
    smaller = height < rows or width < columns
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_NEAREST)
    return np.asarray(resized, dtype=np.uint8)


def sheet(
    tiles: Sequence[tuple[str, Pixels]],
    columns: int,
    width: int,
    legend: Sequence[tuple[str, tuple[float, float, float]]] = (),
) -> bytes:
    """Tiles of one width in rows, a title above each, what the colours mean below them all."""
    columns = max(1, min(columns, len(tiles)))
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    lines = _LINE * max((title.count("\n") + 1 for title, _ in tiles), default=0)
    heights = [max(picture.shape[0] for _, picture in row) for row in rows]
    across = _GAP + columns * (width + _GAP)
    legend_wide = round(sum(text_width(text, _LETTER) + 40 for text, _ in legend)) + _GAP
    down = _GAP + sum(height + lines + _GAP for height in heights) + (_LINE + _GAP if legend else 0)
    board, writing = canvas(max(across, legend_wide), down), Writing()
    y = _GAP
    for row, height in zip(rows, heights, strict=True):
        for n, (title, picture) in enumerate(row):
            x = _GAP + n * (width + _GAP)
            for line, text in enumerate(title.split("\n")):
                writing.add((x, y + line * _LINE), _fitting(text, width), QUIET, _LETTER)
            board[y + lines : y + lines + picture.shape[0], x : x + width] = picture
        y += height + lines + _GAP
    place = float(_GAP)
    for text, color in legend:
        board[y + 3 : y + 15, round(place) : round(place) + 12] = np.round(255 * np.array(color)).astype(np.uint8)
        writing.add((place + 18, y), text, INK, _LETTER)
        place += text_width(text, _LETTER) + 40
    return png(np.ascontiguousarray(writing.on(board)))


def _fitting(text: str, width: int) -> str:
    """The text, cut where it is wider than a tile."""
    if text_width(text, _LETTER) <= width:
        return text
    while text and text_width(f"{text}…", _LETTER) > width:
        text = text[:-1]
    return f"{text}…"
