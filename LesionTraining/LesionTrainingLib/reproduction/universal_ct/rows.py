"""The rows: the four networks of Table 1, and two more by settings; each by what it takes away from the full one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors
from LesionDetectionLib.methods.universal_ct.architecture import (
    ANCHORS,
    ATTENTION,
    DEFAULT_RATIOS,
    DEFAULT_SCALES,
    DENSE,
    ORIGINAL,
    RESNET50,
    ROWS,
    UniversalArchitecture,
)

from ..rows import Row, rows_by_number

COMPLETE = "complete"
"""The full network, fitted with the list that misses no lesion."""


@dataclass(frozen=True)
class UniversalRow(Row):
    """One network; ``name`` is one of ``architecture.ROWS``, where it is a row of the paper's table."""

    @property
    def printed(self) -> bool:
        """Whether it is a row of the paper's table."""
        return self.name in ROWS

    def architecture(self, full: UniversalArchitecture, anchors: Anchors) -> UniversalArchitecture:
        """The network of the row.

        Args:
            full: the network of the last row; widths and backbone are kept.
            anchors: optimised ones, of all rows but the original's.
        """
        flags = ROWS.get(self.name, ROWS[ATTENTION])
        one = replace(full, lowest=flags.lowest, dense=flags.dense, attention=flags.attention)
        if self.name == RESNET50:
            one = replace(one, backbone=RESNET50)
        if self.name == ORIGINAL:
            return replace(one, scales=DEFAULT_SCALES, ratios=DEFAULT_RATIOS)
        return replace(one, sizes=anchors.sizes, scales=anchors.scales, ratios=anchors.ratios)


ALL_ROWS = (
    UniversalRow(0, ORIGINAL, "original RetinaNet"),
    UniversalRow(1, ANCHORS, "+ anchor optimization"),
    UniversalRow(2, DENSE, "+ dense supervision"),
    UniversalRow(3, ATTENTION, "+ attention gate"),
    UniversalRow(4, RESNET50, "+ attention gate, ResNet-50"),
    UniversalRow(5, COMPLETE, "+ attention gate, complete labels"),
)
"""By number."""


def chosen_rows(wanted: tuple[int, ...], *, resnet50: bool, complete: bool) -> tuple[UniversalRow, ...]:
    """The rows that are asked for by number, in order; where none is named the paper's four and those that settings add.

    Raises:
        UsageError: there is no such row, or a setting leaves it out.
    """
    there = [
        row
        for row in ALL_ROWS
        if row.printed or (row.name == RESNET50 and resnet50) or (row.name == COMPLETE and complete)
    ]
    return rows_by_number(
        there, wanted, "“resnet50: true” adds row 4, “complete: true” row 5 where there is a complete list."
    )
