"""Anchors side by side on the same boxes: found ones, RetinaNet's, the shrunk octave, the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors
from LesionDetectionLib.methods.universal_ct.architecture import (
    ATTENTION,
    DEFAULT_RATIOS,
    DEFAULT_SCALES,
    ORIGINAL,
    PAPER_RATIOS,
    PAPER_SCALES,
    ROWS,
)

from .overlap import best_overlap
from .placed import placed_overlap

REACHED = 0.5
"""IoU from which an anchor learns the lesion (Lin et al. 2017)."""
BANDS_MM = ((0.0, 10.0), (10.0, 30.0), (30.0, float("inf")))
"""Of the paper's table by size; with the lower bound, without the upper."""
FINE_STRIDE, COARSE_STRIDE = ROWS[ATTENTION].strides[0], ROWS[ORIGINAL].strides[0]
"""Of the level of the first size: P2 with fitted anchors, P3 in the original RetinaNet."""
SHRUNK = min(PAPER_SCALES)
"""The octave's lowest scale: an octave that begins where the paper's scales begin."""


@dataclass(frozen=True)
class Contender:
    """Attributes:
    name: of the anchors, for people.
    anchors: their shapes.
    first_stride: of the grid of the first size, in pixels; it doubles from size to size.
    """

    name: str
    anchors: Anchors
    first_stride: int = FINE_STRIDE


@dataclass(frozen=True, eq=False)
class Fit:
    """How anchors fit boxes.

    Attributes:
        contender: whose anchors.
        overlaps: [n] IoU of each box with the best anchor of the same centre.
        mean, median: of the overlaps.
        unreached: share of the boxes below :data:`REACHED`.
        placed_mean, placed_unreached: the same of the best anchor where anchors lie, over places of the boxes.
        bands: (name, boxes, mean, unreached) by size in mm; empty where no size is known.
    """

    contender: Contender
    overlaps: npt.NDArray[np.float64]
    mean: float
    median: float
    unreached: float
    placed_mean: float
    placed_unreached: float
    bands: tuple[tuple[str, int, float, float], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values, all of them finite."""
        anchors = self.contender.anchors
        return {
            "name": self.contender.name,
            "scales": list(anchors.scales),
            "ratios": list(anchors.ratios),
            "first_stride": self.contender.first_stride,
            "mean_iou": self.mean,
            "median_iou": self.median,
            "share_unreached": self.unreached,
            "placed": {"mean_iou": self.placed_mean, "share_unreached": self.placed_unreached},
            "by_size_mm": {
                name: {"boxes": count, "mean_iou": mean, "share_unreached": share}
                for name, count, mean, share in self.bands
            },
        }


def contenders(found: Anchors) -> tuple[Contender, ...]:
    """The found anchors and those to compare them with, all with the sizes of the found ones."""
    sizes = found.sizes
    octave = tuple(SHRUNK * scale for scale in DEFAULT_SCALES)
    return (
        Contender("found", found),
        Contender("RetinaNet's default", Anchors(sizes, DEFAULT_SCALES, DEFAULT_RATIOS), COARSE_STRIDE),
        Contender("shrunk octave", Anchors(sizes, octave, DEFAULT_RATIOS)),
        Contender("shrunk octave, found ratios", Anchors(sizes, octave, found.ratios)),
        Contender("published (paper)", Anchors(sizes, PAPER_SCALES, PAPER_RATIOS)),
    )


def compare(
    sides: npt.NDArray[np.float64], size_mm: npt.NDArray[np.float64], those: Sequence[Contender]
) -> tuple[Fit, ...]:
    """How each fits.

    Args:
        sides: [n, 2] width and height of the boxes in pixels of the input.
        size_mm: [n] of the lesions; NaN where it is not known.
    """
    return tuple(_fit(sides, size_mm, contender) for contender in those)


def _fit(sides: npt.NDArray[np.float64], size_mm: npt.NDArray[np.float64], contender: Contender) -> Fit:
    overlaps = best_overlap(sides, contender.anchors)
    placed = placed_overlap(sides, contender.anchors, contender.first_stride)
    bands = []
    for low, high in BANDS_MM if np.isfinite(size_mm).any() else ():
        inside = overlaps[(size_mm >= low) & (size_mm < high)]
        if inside.size:
            bands.append((_band(low, high), inside.size, float(inside.mean()), float((inside < REACHED).mean())))
    return Fit(
        contender,
        overlaps,
        float(overlaps.mean()),
        float(np.median(overlaps)),
        float((overlaps < REACHED).mean()),
        float(placed.mean()),
        float((placed < REACHED).mean()),
        tuple(bands),
    )


def _band(low: float, high: float) -> str:
    """``<10 mm``, ``10-30 mm``, ``≥30 mm``."""
    if low == 0:
        return f"<{high:g} mm"
    return f"{low:g}-{high:g} mm" if high < float("inf") else f">={low:g} mm"
