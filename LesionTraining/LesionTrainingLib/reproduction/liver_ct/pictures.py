"""Figures 4, 5 and 7 of the paper: what networks mark in images, beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...cohorts.case import TRAINING
from ...evaluation.output.box_tiles import BoxPicture, box_tiles
from ...evaluation.output.figures import Plot
from ..key_slices.pictures import Shown, by_outcome, whole
from .paper import RATE
from .row_work import Looked, RowResult
from .tables import PART_NAMES

COLUMNS = 4


def single_box_figure(results: Sequence[RowResult], count: int, iou: float, window: tuple[float, float]) -> Plot:
    """A row of images for each network with one box: training images, then test images.

    Args:
        count: images of each network.
        iou: above which a box hits.
        window: HU.
    """
    pictures = list[BoxPicture]()
    for result in results:
        for part, looked in result.parts:
            before = f"{result.row.title}\n{PART_NAMES[part]}"
            shown = shown_of(looked, iou, -np.inf)
            some = by_outcome(looked.readable, shown, count // 2 if part == TRAINING else count - count // 2)
            pictures += [whole(one, shown, window, before) for one in some]
    caption = (
        f"As Fig. 4 of the paper: training and test images with the one box that each network gives; a hit is an IoU above {iou:g}. Of each "
        "part one that is found and one that is missed, where there are such."
    )
    text = "Training and test images with the box of a lesion and the box of a network."
    return replace(box_tiles(pictures, text, columns=max(1, min(COLUMNS, count))), caption=caption)


def region_figure(
    result: RowResult, threshold: float, count: int, iou: float, window: tuple[float, float], data: str
) -> Plot:
    """Test images with the marks of Faster R-CNN."""
    shown = shown_of(result.test, iou, threshold)
    some = by_outcome(result.test.readable, shown, count)
    pictures = [whole(one, shown, window, "test") for one in some]
    score = "all marks" if not np.isfinite(threshold) else f"marks of a score of {threshold:.3g} and more"
    caption = (
        f"As Figs. 5 and 7 of the paper, test images of {data}: {score}, at which there are at most {RATE:g} false positives per image; a "
        f"hit is an IoU above {iou:g}. Found lesions from small to large, and one that was missed."
    )
    text = "Test images with boxes of lesions and marks of Faster R-CNN."
    return replace(box_tiles(pictures, text, columns=max(1, min(COLUMNS, count))), caption=caption)


def shown_of(looked: Looked, iou: float, threshold: float) -> Shown:
    """What is drawn of the marks in one part of the data."""
    return Shown(looked.store, {one.image: one for one in looked.outcomes(iou)}, threshold)
