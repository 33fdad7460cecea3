"""What the engine found in a slice, in the slice's own pixels; of the liver only, where that was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.imaging.liver import Liver

from ..slices.findings import Inputs, Look, SliceFindings
from ..slices.preprocessing import Placing
from .boxes import Limits, Rectangle, SliceBoxes
from .settings import LiverSettings

BESIDE_MM = 10.0
"""So much farther than ``liver_margin_mm`` from the liver proposals are judged: boxes move, and of large lesions at the liver's rim,
which may be missing from what was found of it, the middle may lie farther out (:meth:`~LesionDetectionLib.imaging.liver.Liver.holds_boxes`)."""


class Engine(Protocol):
    """What :class:`.engine.SliceEngine` does."""

    def run(
        self, inputs: Inputs, limits: Limits, within: Sequence[Rectangle | None] | None = None
    ) -> list[SliceBoxes]: ...


def look_with(engine: Engine, settings: LiverSettings, least_score: float, liver: Liver | None = None) -> Look:
    """How :func:`..slices.findings.find_in_slices` looks at slices.

    Args:
        least_score: boxes below it are not wanted.
        liver: only boxes whose middle lies in it, or near it, are wanted; all slices are such that show it or its margin. None:
            boxes anywhere.
    """
    limits = Limits(
        least_probability=max(settings.least_score, least_score),
        proposals=settings.proposals,
        nms_iou=settings.nms_iou,
        most_boxes=settings.most_boxes,
    )

    def look(inputs: Inputs, slices: Sequence[int], placings: Sequence[Placing]) -> Iterator[SliceFindings]:
        within = None
        if liver is not None:
            within = [
                rectangle_of(liver.section(k, settings.liver_margin_mm + BESIDE_MM), placing)
                for k, placing in zip(slices, placings, strict=True)
            ]
        for k, placing, found in zip(slices, placings, engine.run(inputs, limits, within), strict=True):
            yield in_slice(k, found, placing, settings, least_score, liver)

    return look


def rectangle_of(section: npt.NDArray[np.bool_], placing: Placing) -> Rectangle:
    """The edges around a section that is not empty, [y, x] in pixels of the slice, in pixels of the input."""
    columns, rows = (np.flatnonzero(section.any(axis=axis)) for axis in (0, 1))
    (edges,) = placing.to_input([(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)])
    x0, y0, x1, y1 = edges.tolist()
    return x0, y0, x1, y1


def in_slice(
    k: int,
    found: SliceBoxes,
    placing: Placing,
    settings: LiverSettings,
    least_score: float = 0.0,
    liver: Liver | None = None,
) -> SliceFindings:
    """Boxes of the input in pixels of the slice; without those below ``least_score``, beyond its border, or off the liver."""
    height, width = placing.slice_yx
    boxes = np.clip(placing.to_slice(found.boxes), 0, (width, height, width, height))
    wanted = (found.probability >= least_score) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    if liver is not None:
        wanted &= liver.holds_boxes(boxes, k, settings.liver_margin_mm)
    kept = np.flatnonzero(wanted)
    probability = found.probability[kept]
    return SliceFindings(k, boxes[kept], probability, probability, (None,) * len(kept))
