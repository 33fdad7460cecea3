"""The rows: the paper's three detectors, and by a setting what it tried first; each a detector with a recipe of its own."""

from __future__ import annotations

from dataclasses import dataclass

from LesionDetectionLib.methods.liver_ct.architecture import (
    BASELINE,
    FASTER_RCNN,
    FRONT_BLOCKS,
    SINGLE_BOX,
    VGG,
    VGG_FRONT,
)

from ..rows import Row, rows_by_number


@dataclass(frozen=True)
class LiverRow(Row):
    """One network.

    Attributes:
        detector: of ``architecture.DETECTORS``.
        front_block: of VGG-16, where its features alone are looked at; else 0.
    """

    detector: str
    front_block: int = 0

    @property
    def single_box(self) -> bool:
        """Whether it gives one box for each image, and no score."""
        return self.detector in SINGLE_BOX


BASELINE_ROW = LiverRow(0, BASELINE, "Baseline", BASELINE)
VGG_ROW = LiverRow(1, VGG, "Baseline + VGG", VGG)
REGION_ROW = LiverRow(2, FASTER_RCNN, "Faster R-CNN", FASTER_RCNN)
FRONT_ROWS = tuple(
    LiverRow(number, f"{VGG_FRONT}-{block}", f"VGG block {block} before the baseline", VGG_FRONT, block)
    for number, block in enumerate(FRONT_BLOCKS, REGION_ROW.number + 1)
)
ALL_ROWS = (BASELINE_ROW, VGG_ROW, REGION_ROW, *FRONT_ROWS)
"""By number."""


def chosen_rows(wanted: tuple[int, ...], *, front_ends: bool) -> tuple[LiverRow, ...]:
    """The rows that are asked for by number, in order; where none is named the paper's three and those that settings add.

    Raises:
        UsageError: there is no such row, or a setting leaves it out.
    """
    there = [row for row in ALL_ROWS if front_ends or not row.front_block]
    return rows_by_number(there, wanted, "“front_ends: true” adds rows 3 to 5.")
