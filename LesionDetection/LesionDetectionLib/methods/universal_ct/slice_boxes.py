"""Slice after slice through the network: boxes, scores and outlines in the slice's own pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.core.progress import Progress

from .calibration import Outline, calibrated, outline_in
from .engine_boxes import Limits, SliceBoxes, Window
from .preprocessing import Placing, network_input, planes_at
from .settings import UniversalSettings

FloatArray = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]

REACH_MM = 30.0
"""Slices so far from a region are looked at, too, for lesions that reach into it: as DeepLesion shows around its key slices."""
_TEXT = "Looking for lesions"


class Engine(Protocol):
    """What :class:`.engine.SliceEngine` does."""

    def run(self, inputs: Inputs, limits: Limits) -> list[SliceBoxes]: ...


@dataclass(frozen=True, eq=False)
class SliceFindings:
    """What was found in one slice.

    Attributes:
        k: the slice, of the image in axial order.
        boxes: [m, 4] edges in its pixels, clipped to it.
        scores: [m], p (1 + IoU).
        probability: [m].
        outlines: of each box its pixels in the slice, or None.
    """

    k: int
    boxes: FloatArray
    scores: FloatArray
    probability: FloatArray
    outlines: tuple[Outline | None, ...]


def slices_to_look_at(axial: Geometry, settings: UniversalSettings) -> list[int]:
    """Which slices of an image in axial order are looked at, in rising order; none where the region lies outside.

    The middle one, or every one where they are ``slice_distance_mm`` or more apart, else every second or third, so that they
    are about that far apart.
    """
    count = axial.shape_kji[0]
    if settings.looks_at_middle(count):
        return [count // 2]
    stride = slice_stride(axial, settings)
    slices = range((count - 1) % stride // 2, count, stride)
    if settings.region_ras_mm is None:
        return list(slices)
    low, high = _reach(axial, settings.region_ras_mm)
    return [k for k in slices if low <= k <= high]


def slice_stride(axial: Geometry, settings: UniversalSettings) -> int:
    """From one slice that is looked at to the next."""
    return max(1, round(settings.slice_distance_mm / axial.spacing_mm[2]))


def _reach(axial: Geometry, region: tuple[Point, Point]) -> tuple[float, float]:
    corners = axial.ijk_from_ras(np.array(list(product(*zip(*region, strict=True)))))[:, 2]
    beyond = REACH_MM / axial.spacing_mm[2]
    return float(corners.min() - beyond), float(corners.max() + beyond)


def find_in_slices(
    axial: Image,
    slices: Sequence[int],
    engine: Engine,
    settings: UniversalSettings,
    least_score: float,
    at_once: int,
    progress: Progress,
) -> Iterator[SliceFindings]:
    """The findings of each slice, in order; of the image only the slices in hand are turned to floats.

    Args:
        axial: in axial order, Hounsfield units.
        slices: to look at.
        least_score: boxes below it are not wanted.
        at_once: so many slices go to the network together.

    Raises:
        DeviceError: the memory is full even with a single slice.
        Cancelled: between batches.
    """
    # Agreement of box and mask doubles a probability at most.
    limits = Limits(
        least_probability=max(settings.least_score, least_score / 2),
        nms_iou=settings.nms_iou,
        most_boxes=settings.most_boxes,
    )
    batches = [slices[start : start + at_once] for start in range(0, len(slices), at_once)]

    def prepare(some: Sequence[int]) -> tuple[Inputs, list[Placing]]:
        prepared = [network_input(planes_at(axial, k, settings.slice_distance_mm), settings) for k in some]
        return np.stack([inputs for inputs, _ in prepared]), [placing for _, placing in prepared]

    done = 0
    # The next slices are prepared while the network, on a GPU, looks at these.
    with ThreadPoolExecutor(1) as ahead:
        waiting = [ahead.submit(prepare, some) for some in batches[:1]]
        for some, following in zip(batches, [*batches[1:], None], strict=True):
            progress(done / len(slices), _TEXT)
            inputs, placings = waiting.pop().result()
            if following is not None:
                waiting.append(ahead.submit(prepare, following))
            for k, placing, found in zip(some, placings, engine.run(inputs, limits), strict=True):
                yield in_slice(k, found, placing, settings, least_score)
            done += len(some)
    progress(1.0, _TEXT)


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
