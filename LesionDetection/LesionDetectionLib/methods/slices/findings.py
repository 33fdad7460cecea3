"""Slice after slice through a network: boxes, scores and outlines in the slice's own pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.progress import Progress

from .preprocessing import Placing, network_input, planes_at
from .settings import SliceSettings

FloatArray = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]
Outline = tuple[npt.NDArray[np.bool_], tuple[int, int]]
"""Pixels, [y, x], in the box around them, and where (x, y) that begins."""

REACH_MM = 30.0
"""Slices so far from a region are looked at, too, for lesions that reach into it: as DeepLesion shows around its key slices."""
_TEXT = "Looking for lesions"


@dataclass(frozen=True, eq=False)
class SliceFindings:
    """What was found in one slice.

    Attributes:
        k: the slice, of the image in axial order.
        boxes: [m, 4] edges in its pixels, clipped to it.
        scores: [m], by which lesions are ranked.
        probability: [m]; the scores, where these are probabilities.
        outlines: of each box its pixels in the slice, or None.
    """

    k: int
    boxes: FloatArray
    scores: FloatArray
    probability: FloatArray
    outlines: tuple[Outline | None, ...]

    def only(self, kept: npt.NDArray[np.intp]) -> SliceFindings:
        """The boxes of these indices, in their order."""
        outlines = tuple(self.outlines[n] for n in kept)
        return SliceFindings(self.k, self.boxes[kept], self.scores[kept], self.probability[kept], outlines)


Look = Callable[[Inputs, Sequence[int], Sequence[Placing]], Iterable[SliceFindings]]
"""(inputs [n, 3, size, size], which slices they are, where they lie in the inputs) -> what is found in each."""


def slices_to_look_at(axial: Geometry, settings: SliceSettings) -> list[int]:
    """Which slices of an image in axial order are looked at, in rising order; none where the region lies outside.

    The middle one, or every one where they are ``slice_distance_mm`` or more apart, else every second or third, so that they
    are about that far apart.
    """
    count = axial.shape_kji[0]
    if settings.looks_at_middle(count):
        return [count // 2]
    stride = slice_stride(axial, settings)
    reached = reached_slices(axial, settings)
    return [k for k in range((count - 1) % stride // 2, count, stride) if k in reached]


def slice_stride(axial: Geometry, settings: SliceSettings) -> int:
    """From one slice that is looked at to the next."""
    return max(1, round(settings.slice_distance_mm / axial.spacing_mm[2]))


def reached_slices(axial: Geometry, settings: SliceSettings, beyond_mm: float = REACH_MM) -> range:
    """The slices of an image in axial order that lie in the region, or so far from it; all where there is no region."""
    count = axial.shape_kji[0]
    if settings.region_ras_mm is None:
        return range(count)
    corners = axial.ijk_from_ras(np.array(list(product(*zip(*settings.region_ras_mm, strict=True)))))[:, 2]
    beyond = beyond_mm / axial.spacing_mm[2]
    return range(max(0, math.ceil(corners.min() - beyond)), min(count - 1, math.floor(corners.max() + beyond)) + 1)


def find_in_slices(
    axial: Image, slices: Sequence[int], look: Look, settings: SliceSettings, at_once: int, progress: Progress
) -> Iterator[SliceFindings]:
    """The findings of each slice, in order; of the image only the slices in hand are turned to floats.

    Args:
        axial: in axial order, Hounsfield units.
        slices: to look at.
        at_once: so many slices go to the network together.

    Raises:
        DeviceError: the memory is full even with a single slice.
        Cancelled: between batches.
    """
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
            yield from look(inputs, some, placings)
            done += len(some)
    progress(1.0, _TEXT)
