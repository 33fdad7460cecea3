"""What the engine found in a slice, in the slice's own pixels: scores calibrated by the mask, and outlines out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..slices.findings import Inputs, Look, Outline, SliceFindings
from ..slices.preprocessing import Placing
from .calibration import calibrated, outline_in
from .engine_boxes import Limits, SliceBoxes, Window
from .settings import UniversalSettings


class Engine(Protocol):
    """What :class:`.engine.SliceEngine` does."""

    def run(self, inputs: Inputs, limits: Limits) -> list[SliceBoxes]: ...


def look_with(engine: Engine, settings: UniversalSettings, least_score: float) -> Look:
    """How :func:`..slices.findings.find_in_slices` looks at slices.

    Args:
        least_score: boxes below it are not wanted.
    """
    # Agreement of box and mask doubles a probability at most.
    limits = Limits(
        least_probability=max(settings.least_score, least_score / 2),
        nms_iou=settings.nms_iou,
        most_boxes=settings.most_boxes,
    )

    def look(inputs: Inputs, slices: Sequence[int], placings: Sequence[Placing]) -> Iterator[SliceFindings]:
        for k, placing, found in zip(slices, placings, engine.run(inputs, limits), strict=True):
            yield in_slice(k, found, placing, settings, least_score)

    return look


def in_slice(
    k: int, found: SliceBoxes, placing: Placing, settings: UniversalSettings, least_score: float = 0.0
) -> SliceFindings:
    """Boxes of the input with scores, in pixels of the slice; without those below ``least_score``, and beyond its border."""
    scores, masks = calibrated(found, settings)
    height, width = placing.slice_yx
    boxes = np.clip(placing.to_slice(found.boxes), 0, (width, height, width, height))
    kept = np.flatnonzero((scores >= least_score) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    outlines: list[Outline | None] = []
    for n in kept:
        mask = masks[n] if settings.measure else None
        if mask is not None and placing.slice_yx != placing.input_yx:
            mask = _in_slice_pixels(mask, found.windows[n], boxes[n], placing, settings.mask_threshold)
        outlines.append(None if mask is None else _within(mask, boxes[n]))
    return SliceFindings(k, boxes[kept], scores[kept], found.probability[kept], tuple(outlines))


def _within(mask: Outline, box: npt.NDArray[Any]) -> Outline | None:
    """The pixels with their centres in the box: a mask that runs on into what is no part of it ends there [choice]."""
    pixels, (x, y) = mask
    x0, y0, x1, y1 = (max(0, int(np.ceil(edge - 0.5))) for edge in box - (x, y, x, y))
    inside = pixels[y0:y1, x0:x1]
    return (inside.copy(), (x + x0, y + y0)) if inside.any() else None


def _in_slice_pixels(
    mask: Outline, window: Window, box: npt.NDArray[Any], placing: Placing, threshold: float
) -> Outline | None:
    """The outline in the slice's pixels: the probability is interpolated there, not its yes and no."""
    import cv2  # late: Slicer may not have it yet when a panel is opened

    (scale_x, scale_y), (left, top) = placing.scale_xy, window.start_xy
    height, width = window.probability.shape
    # Pixels of the slice whose centres lie in the window.
    x0, y0 = (max(0, int(np.ceil(n / scale - 0.5))) for n, scale in ((left, scale_x), (top, scale_y)))
    x1 = min(placing.slice_yx[1], int(np.ceil((left + width) / scale_x - 0.5)))
    y1 = min(placing.slice_yx[0], int(np.ceil((top + height) / scale_y - 0.5)))
    if x1 > x0 and y1 > y0:
        x = ((np.arange(x0, x1) + 0.5) * scale_x - 0.5 - left).astype(np.float32)
        y = ((np.arange(y0, y1) + 0.5) * scale_y - 0.5 - top).astype(np.float32)
        probability = cv2.remap(
            window.probability, *np.meshgrid(x, y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        found = outline_in(np.asarray(probability, dtype=np.float32), (x0, y0), box, threshold)
        if found is not None:
            return found
    return _nearest_pixels(mask, placing)


def _nearest_pixels(mask: Outline, placing: Placing) -> Outline | None:
    """Of a mask that lies between the centres of coarse pixels, or beyond the slice's border."""
    pixels, (left, top) = mask
    places = np.argwhere(pixels) + 0.5 + (top, left)
    places = np.floor(places / placing.scale_xy[::-1]).astype(int)
    places = places[(places < placing.slice_yx).all(axis=1)]
    if not len(places):
        return None
    first = places.min(axis=0)
    out = np.zeros(places.max(axis=0) - first + 1, dtype=bool)
    out[tuple((places - first).T)] = True
    return out, (int(first[1]), int(first[0]))
