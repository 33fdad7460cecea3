"""Table 1 of the paper, ours beside what was printed, and what goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...evaluation.blob_detection import FULL, NONE, RESPONSE, SIZE
from ...evaluation.metrics.wilcoxon import PairedComparison
from ...evaluation.output.tables import Cell, Table
from ..spread import Spread
from .measured import FoldSlices, Measured
from .paper import DATA, TABLE_1, WHOSE, WITHOUT, Pair

NAMES = {NONE: "None", RESPONSE: "Resp.", SIZE: "Size", FULL: "Full"}
"""As the paper writes the variants."""
BANDS = ("< 15", "15–25", "25–40", "> 40")
_BAND_STEMS = ("below_15", "15_to_25", "25_to_40", "above_40")


def table_1(rows: Sequence[Measured], name: str, data: Mapping[str, str], without: str) -> Table:
    """For people: ours above the paper's, mean ± standard deviation over the folds.

    Args:
        rows: of :func:`.measured.measured`.
        name: of our rows.
        data: part of the table -> what it was measured on.
        without: the scans without active lesions, in words; empty where there are none.
    """
    shown: list[tuple[Cell, ...]] = []
    for row in rows:
        spreads = [Spread.of(values) for values in (row.precision, row.recall, *row.bands)]
        rates = [Spread.of(values) for values in (row.images, row.scans)]
        ours = [*map(_share, spreads), *map(_percent, rates)]
        printed = TABLE_1[row.data, row.variant]
        theirs = [_printed(pair) for pair in (printed.precision, printed.recall, *printed.bands)]
        theirs += [_printed(printed.false_positives, 2), "–"]
        shown.append((row.data, NAMES[row.variant], name, data[row.data], *ours))
        shown.append((row.data, NAMES[row.variant], WHOSE, DATA[row.data], *theirs))
    marked = f"on {without}" if without else "not measured: no scans without active lesions"
    caption = (
        "Mean ± standard deviation (n − 1) over the folds. Precision: share of the verified blobs that overlap an active "
        "lesion by a pixel; recall: share of the lesions that a verified blob overlaps, all and by longest diameter in the "
        f"slice, mm. FP: share of the slices, and of the scans, with a verified blob, {marked} (the paper: {WITHOUT}; it "
        "says “images”, and leaves open whether slices or scans are meant). The more slices of a scan are looked at, the higher is "
        "the share of scans."
    )
    columns = ("data", "verif.", "whose", "measured on", "precision", "recall", *BANDS, "FP images, %", "FP scans, %")
    return Table(columns, tuple(shown), caption)


def table_1_values(rows: Sequence[Measured], data: Mapping[str, str]) -> Table:
    """For programs: our rows with all digits, and in how many folds each figure is defined."""
    figures = ("precision", "recall", *(f"recall_{band}" for band in _BAND_STEMS), "f_score")
    rates = ("false_positive_images", "false_positive_scans")
    columns = [f"{figure}_{part}" for figure in (*figures, *rates) for part in ("mean", "sd", "folds")]
    found: list[tuple[Cell, ...]] = []
    for row in rows:
        values = (row.precision, row.recall, *row.bands, row.f_score, row.images, row.scans)
        spreads = [Spread.of(one) for one in values]
        cells = [cell for one in spreads for cell in (one.mean, one.deviation, one.folds)]
        found.append((row.data, row.variant, data[row.data], *cells))
    return Table(("data", "verification", "measured_on", *columns), tuple(found))


def wilcoxon_table(found: Sequence[tuple[str, PairedComparison]]) -> Table:
    """F-scores of two variants in the same folds."""
    rows = tuple(
        (
            data,
            NAMES[one.first],
            NAMES[one.second],
            one.cases,
            one.higher,
            one.lower,
            one.median_difference,
            one.p_value,
        )
        for data, one in found
    )
    caption = (
        "F-scores, the first against the second in the same folds: two-tailed Wilcoxon signed-rank test. Fewer than six folds "
        "that differ cannot reach p < 0.05, ten give p = 0.002 at best. The paper: differences important at p < .01 in all "
        "three sets."
    )
    columns = ("data", "first", "second", "folds", "first higher", "lower", "median difference", "p")
    return Table(columns, rows, caption)


def folds_table(folds: Sequence[FoldSlices], seconds: Mapping[int, float]) -> Table:
    """One row a fold: what it was learned from and measured on, and its thresholds.

    Args:
        seconds: fold -> of its fit.
    """
    rows = tuple(
        (
            one.number,
            len(one.training),
            sum(len(each.lesion_mm) for each in one.training),
            len(one.test),
            sum(len(each.lesion_mm) for each in one.test),
            len(one.without),
            one.least_response,
            round(one.least_area),
            round(seconds.get(one.number, 0.0)),
        )
        for one in folds
    )
    caption = (
        "T_R and T_S: each found by itself on the training slices, where precision equals recall as closely as it can; 0 "
        "where no verification comes closest. Lesions: sections in these slices."
    )
    learned, tested = ("training slices", "their lesions"), ("test slices", "their lesions")
    return Table(
        ("fold", *learned, *tested, "slices without lesions", "T_R", "T_S, pixels", "fit, s"), rows, caption, digits=4
    )


def _share(one: Spread) -> str:
    return _text(one.mean, one.deviation, 3)


def _percent(one: Spread) -> str:
    return _text(100 * one.mean, 100 * one.deviation, 2)


def _printed(pair: Pair | None, digits: int = 3) -> str:
    return "–" if pair is None else _text(*pair, digits)


def _text(mean: float, deviation: float, digits: int) -> str:
    """``0.789 ± 0.179``; a dash where there is no mean, no ± where there is no deviation."""
    if mean != mean:
        return "–"
    return f"{mean:.{digits}f}" + (f" ± {deviation:.{digits}f}" if deviation == deviation else "")
