"""Lines and text on pictures: OpenCV draws lines (anti-aliased, to a fraction of a pixel), Pillow writes."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from LesionDetectionLib.io.display import Color

from .planes import Pixels, View

INK: Color = (0.93, 0.93, 0.91)
QUIET: Color = (0.62, 0.64, 0.66)
PAPER: Color = (0.055, 0.06, 0.07)
_HALO: Color = (0.0, 0.0, 0.0)
_SHIFT = 4
"""OpenCV takes whole numbers of 1/16 pixel."""
_TICK = 4.0
"""Half length in pixels of the small bars that end a measured line."""
_JPEG_QUALITY = 90
_SCALE_BARS_MM = (1, 2, 5, 10, 20, 50, 100, 200)
_SCALE_BAR_SHARE = 0.3
"""A scale bar is at most this share of the picture's width."""


def canvas(width: int, height: int) -> Pixels:
    return np.full((height, width, 3), np.array(_bytes(PAPER), dtype=np.uint8))


def line(pixels: Pixels, points: npt.ArrayLike, color: Color, width: int = 1) -> None:
    """An open line through ``points``, [N, 2] (x, y)."""
    fixed = [np.round(np.asarray(points, dtype=np.float64) * 2**_SHIFT).astype(np.int32)]
    cv2.polylines(pixels, fixed, False, _bytes(color), width, cv2.LINE_AA, _SHIFT)


def measured_line(pixels: Pixels, ends: npt.ArrayLike, color: Color) -> None:
    """A line between two ends, [2, 2] (x, y), with a small bar across each.

    Without a dark border, as text has one: it would look like three lines on a bright lesion.
    """
    first, last = np.asarray(ends, dtype=np.float64)
    length = float(np.linalg.norm(last - first))
    x, y = (last - first) / max(length, 1e-6)
    across = np.array([-y, x]) * min(_TICK, length / 5)
    for stroke in ((first, last), (first - across, first + across), (last - across, last + across)):
        line(pixels, np.array(stroke), color)


def outline(pixels: Pixels, contours: list[npt.NDArray[np.int32]], color: Color) -> None:
    """Chains of neighbouring pixels, each painted whole: smoothing them would only make them pale."""
    cv2.drawContours(pixels, contours, -1, _bytes(color), 1, cv2.LINE_8)


def circle(pixels: Pixels, center: npt.ArrayLike, radius: float, color: Color) -> None:
    x, y = (round(float(n) * 2**_SHIFT) for n in np.asarray(center))
    fixed = round(radius * 2**_SHIFT)
    cv2.circle(pixels, (x, y), fixed, _bytes(color), 1, cv2.LINE_AA, _SHIFT)


def ring(pixels: Pixels, center: npt.ArrayLike, radius: float, color: Color) -> None:
    """A thick circle with a dark border, to be seen from afar."""
    x, y = (round(float(n) * 2**_SHIFT) for n in np.asarray(center))
    fixed = round(radius * 2**_SHIFT)
    cv2.circle(pixels, (x, y), fixed, _bytes(_HALO), 4, cv2.LINE_AA, _SHIFT)
    cv2.circle(pixels, (x, y), fixed, _bytes(color), 2, cv2.LINE_AA, _SHIFT)


class Writing:
    """Text to be written on a picture; :meth:`on` writes all of it at once."""

    def __init__(self) -> None:
        self._entries: list[tuple[tuple[float, float], str, Color, int, bool, str]] = []

    def add(
        self,
        place: tuple[float, float],
        text: str,
        color: Color = INK,
        size: int = 13,
        bold: bool = False,
        anchor: str = "la",
    ) -> None:
        """Text at (x, y); ``anchor`` as in Pillow: l, m, r and a (top), m, s (baseline), b (bottom)."""
        self._entries.append((place, text, color, size, bold, anchor))

    def on(self, pixels: Pixels) -> Pixels:
        picture = PillowImage.fromarray(pixels)
        draw = ImageDraw.Draw(picture)
        for place, text, color, size, bold, anchor in self._entries:
            draw.text(
                place,
                text,
                fill=_bytes(color),
                font=_font(size, bold),
                anchor=anchor,
                stroke_width=1 if size < 12 else 2,
                stroke_fill=_bytes(_HALO),
            )
        return np.asarray(picture)


def text_width(text: str, size: int = 13, bold: bool = False) -> float:
    return float(_font(size, bold).getlength(text))


def annotate(pixels: Pixels, view: View, writing: Writing, origin: tuple[int, int], letter_size: int = 13) -> None:
    """Edge letters and a scale bar of a view whose picture begins at ``origin`` (x, y) of ``pixels``."""
    width, height = view.size
    x, y = origin
    left, right, top, bottom = view.edge_letters()
    writing.add((x + 7, y + height / 2), left, INK, letter_size, anchor="lm")
    writing.add((x + width - 7, y + height / 2), right, INK, letter_size, anchor="rm")
    writing.add((x + width / 2, y + 6), top, INK, letter_size, anchor="ma")
    writing.add((x + width / 2, y + height - 6), bottom, INK, letter_size, anchor="mb")
    length = max((mm for mm in _SCALE_BARS_MM if mm * view.pixels_per_mm <= _SCALE_BAR_SHARE * width), default=1)
    end = x + width - 9
    start = end - length * view.pixels_per_mm
    bar = [(start, y + height - 11), (end, y + height - 11)]
    line(pixels, bar, _HALO, 4)
    measured_line(pixels, bar, INK)
    writing.add(((start + end) / 2, y + height - 17), f"{length} mm", INK, letter_size - 2, anchor="mb")


def png(pixels: Pixels) -> bytes:
    """The picture as a PNG file."""
    return _encoded(".png", pixels, [])


def jpeg(pixels: Pixels) -> bytes:
    """The picture as a JPEG file a third as large as PNG: full colour resolution, so that thin outlines stay sharp."""
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _encoded(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY, *sampling])


def _encoded(ending: str, pixels: Pixels, options: list[int]) -> bytes:
    done, data = cv2.imencode(ending, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise RuntimeError(f"OpenCV could not encode a {ending} picture.")
    return bytes(data)


@functools.lru_cache(maxsize=16)
def _font(size: int, bold: bool) -> Any:
    import matplotlib  # only for where it keeps DejaVu Sans, which has the signs we write

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def _bytes(color: Color) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, math.floor(part * 255 + 0.5))) for part in color)
    return red, green, blue
