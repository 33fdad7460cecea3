"""Table 1 of the paper, sensitivities by size, and what missing labels do; ours beside what was printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...evaluation.output.tables import Cell, Table
from ..key_slices.measured import BANDS, of_band, with_bounds
from .measured import RATES, SIZE_RATE, Measured
from .paper import DATA, QUOTED, SIZES, TABLE_1, WHOSE
from .rows import UniversalRow

_RATE_COLUMNS = tuple(f"{rate:g} FP" for rate in RATES)


@dataclass(frozen=True)
class Timed:
    """How long one image takes, from its three slices to boxes with scores.

    Attributes:
        milliseconds: the median.
        images: that were timed, one at a time.
        device: in words, with the number format of the convolutions.
    """

    milliseconds: float
    images: int
    device: str


def table_1(rows: Sequence[tuple[UniversalRow, Measured, Timed]], name: str, data: str) -> Table:
    """For people: each of our rows above the paper's, then what the paper quotes.

    Args:
        name: of our rows.
        data: what they were measured on.
    """
    shown: list[tuple[Cell, ...]] = []
    for row, one, timed in rows:
        ours = [with_bounds(value, bound) for value, bound in zip(one.sensitivities, one.bounds, strict=True)]
        shown.append((row.title, name, data, *ours, f"{timed.milliseconds:.0f}", timed.device))
        printed = TABLE_1.get(row.name)
        if printed is not None:
            theirs = [f"{value:.2f}" for value in printed.sensitivity]
            shown.append((row.title, WHOSE, DATA, *theirs, f"{printed.milliseconds:g}", printed.gpu))
    for title, quoted in QUOTED.items():
        time = "–" if quoted.milliseconds is None else f"{quoted.milliseconds:g}"
        shown.append((title, WHOSE, DATA, *(f"{value:.2f}" for value in quoted.sensitivity), time, quoted.gpu or "–"))
    images = max((timed.images for _, _, timed in rows), default=0)
    caption = (
        "Sensitivity in per cent at so many false positives per image; in brackets 95 %, patients drawn anew. Time: median of "
        f"{images} images, one at a time, from three slices to boxes with scores; the paper’s mean was taken on another device, and "
        "the two cannot be compared."
    )
    return Table(("network", "whose", "measured on", *_RATE_COLUMNS, "ms an image", "on"), tuple(shown), caption)


def table_1_values(rows: Sequence[tuple[UniversalRow, Measured, Timed]], data: str) -> Table:
    """For programs: our rows with all digits, shares from 0 to 1."""
    columns = [f"{part}_at_{rate:g}" for rate in RATES for part in ("sensitivity", "lower", "upper")]
    found: list[tuple[Cell, ...]] = []
    for row, one, timed in rows:
        cells = [
            cell
            for value, bound in zip(one.sensitivities, one.bounds, strict=True)
            for cell in (value, *(bound or (None, None)))
        ]
        found.append((row.number, row.name, data, *cells, timed.milliseconds, timed.device))
    return Table(("row", "network", "measured_on", *columns, "milliseconds", "device"), tuple(found))


def sizes_table(rows: Sequence[tuple[UniversalRow, Measured, Timed]], name: str, data: str) -> Table:
    """Sensitivities by the lesion's longer diameter at :data:`SIZE_RATE` false positives per image."""
    shown: list[tuple[Cell, ...]] = [
        (row.title, name, data, *(of_band(band) for band in one.bands)) for row, one, _ in rows
    ]
    for key, values in SIZES.items():
        title = next((row.title for row, _, _ in rows if row.name == key), "+ attention gate")
        title = f"{key} (quoted)" if key not in TABLE_1 else title
        shown.append((title, WHOSE, DATA, *(f"{value:.2f}" for value in values)))
    caption = (
        f"Sensitivity in per cent at {SIZE_RATE:g} false positives per image by the longer diameter, and how many lesions that is; in "
        "brackets 95 % (Wilson)."
    )
    return Table(("network", "whose", "measured on", *BANDS), tuple(shown), caption)


@dataclass(frozen=True)
class MissingLabels:
    """One row by both lists.

    Attributes:
        row: the network.
        listed, complete: its marks by the list with lesions missing, and by the one with all.
        really: marks above the threshold that are false by the list and hit a lesion that it lacks.
        false: marks above the threshold that are false by the list.
    """

    row: UniversalRow
    listed: Measured
    complete: Measured
    really: int
    false: int


def missing_table(rows: Sequence[MissingLabels], fitted_with: Sequence[str], data: str) -> Table:
    """The same marks by either list.

    Args:
        fitted_with: of each row, the list that its network learned from.
        data: the name of the data.
    """
    shown: list[tuple[Cell, ...]] = []
    for one, learned in zip(rows, fitted_with, strict=True):
        share = f"{one.really} of {one.false}"
        for scored, values, shared in (("the list", one.listed, share), ("all lesions", one.complete, "–")):
            ours = [with_bounds(*pair) for pair in zip(values.sensitivities, values.bounds, strict=True)]
            rate = f"{values.false_positives:.2f}"
            shown.append((one.row.title, learned, scored, data, values.lesions, *ours, rate, shared))
    caption = (
        "Ours: the same marks, scored by the list, from which lesions are missing as they are in DeepLesion, and by all lesions. FP at "
        f"the threshold: that at which there are {SIZE_RATE:g} per image by the list. False that are lesions: marks above it that are "
        "false by the list, and hit a lesion that it lacks."
    )
    columns = ("network", "learned from", "scored by", "measured on", "lesions", *_RATE_COLUMNS)
    return Table((*columns, "FP at the threshold", "false that are lesions"), tuple(shown), caption)
