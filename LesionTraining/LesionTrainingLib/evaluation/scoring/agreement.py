"""How well what was found is measured: diameters, outlines and volumes of the credited marks against their lesions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..froc_bootstrap import patient_index, patients_drawn
from ..matching.findings import FloatArray, ImageFindings, IntArray
from ..matching.outcome import Outcome
from ..metrics.diameters import Agreement, agreement_by_size, diameter_agreement
from ..metrics.quartiles import quartiles
from ..output.plots import Plot, bland_altman_plot
from ..output.tables import Cell, Table
from .mask_pairs import MaskAgreement
from .scored import Part, Scored, ScoreOptions, band_name

HEADING = "Agreement of what was found"
_OUTLINES = (
    ("dice", "Dice"),
    ("surface_mm", "mean surface distance in mm"),
    ("hausdorff_95_mm", "95th percentile Hausdorff distance in mm"),
    ("volume_error_ml", "volume error in mL"),
    ("volume_error_percent", "volume error in % of the true volume"),
)
"""What is told of outlines: name in files, and for people."""
_EVERY = 16
"""Pairs of masks between two reports of progress."""


def with_agreement(scored: Scored, options: ScoreOptions) -> Scored:
    """The same with the agreement of diameters and of outlines, as far as marks have them; else as it was.

    Raises:
        Cancelled: through ``options.progress``.
    """
    diameters = _diameters(scored, options)
    outlines = _outlines(scored, options)
    measured = [one for one in (diameters, outlines) if one is not None]
    if not measured:
        return scored
    found = sum(int((outcome.lesion_marks >= 0).sum()) for outcome in scored.outcomes)
    values = {"found": found, **{name: value for one in measured for name, value in one.values.items()}}
    which = ", whatever their marks score" if scored.policy.rates else " by the marks that are shown"
    lead = f"Of the {found} {scored.policy.lesion_is}s found{which}: each against the mark it is credited with."
    part = Part(
        HEADING,
        (lead, *(block for one in measured for block in one.blocks)),
        {stem: plot for one in measured for stem, plot in one.plots.items()},
    )
    columns = {name: column for one in measured for name, column in one.columns.items()}
    return scored.having("agreement", values, part, lesion_columns={**scored.lesion_columns, **columns})


def marked_diameters_mm(images: Sequence[ImageFindings], outcomes: Sequence[Outcome]) -> FloatArray:
    """[T] diameter of the mark that each lesion of all images is credited with; NaN where there is none."""
    return np.concatenate(
        [
            # Index -1, no mark, is the last entry.
            np.append(image.marks.diameters_mm, np.nan)[outcome.lesion_marks]
            for image, outcome in zip(images, outcomes, strict=True)
        ]
    )


@dataclass(frozen=True, eq=False)
class _Measured:
    """What one kind of measurement adds."""

    values: dict[str, Any]
    blocks: tuple[str | Table, ...]
    columns: dict[str, FloatArray]
    plots: dict[str, Plot]


def _diameters(scored: Scored, options: ScoreOptions) -> _Measured | None:
    marked = marked_diameters_mm(scored.images, scored.outcomes)
    true = np.concatenate([image.truth.diameters_mm for image in scored.images])
    errors = marked - true
    known = np.isfinite(errors)
    if not known.any():
        return None
    bands = scored.policy.size_bands_mm
    every = diameter_agreement(marked[known], true[known])
    by_size = agreement_by_size(marked[known], true[known], bands)
    names = [band_name(low, high) for low, high in bands]
    table = Table(
        ("true diameter", "found", "bias in mm", "mean absolute error in mm", "lower limit in mm", "upper limit in mm"),
        tuple(_diameter_row(name, one) for name, one in zip(("all", *names), (every, *by_size), strict=True)),
        "Marked minus true diameter; 95 % of the differences lie between the limits of agreement where they are normally "
        "distributed. It means something only where marks and truth give the same diameter (longest, or of equal volume).",
        digits=2,
    )
    values = {
        **asdict(every),
        "by_size": [
            {"from_mm": low, "to_mm": high, **asdict(one)} for (low, high), one in zip(bands, by_size, strict=True)
        ],
    }
    plots = {"diameters": bland_altman_plot(marked[known], true[known])} if options.plots else {}
    columns = {"marked_diameter_mm": marked, "diameter_error_mm": errors}
    return _Measured({"diameters": values}, (f"Diameters. {every.sentence()}", table), columns, plots)


def _diameter_row(name: str, one: Agreement) -> tuple[Cell, ...]:
    return name, one.count, one.bias_mm, one.mean_absolute_mm, one.lower_limit_mm, one.upper_limit_mm


def _outlines(scored: Scored, options: ScoreOptions) -> _Measured | None:
    pairs, rows, image_of_row = _compared(scored, options)
    if not pairs:
        return None
    columns = {
        name: _column([getattr(pair, name) for pair in pairs], rows, len(image_of_row))
        for name in ("true_ml", "marked_ml", *(name for name, _ in _OUTLINES))
    }
    values, table_rows = dict[str, Any](), list[tuple[Cell, ...]]()
    for name, title in _OUTLINES:
        of_rows = patient_index(scored.outcomes)[image_of_row[rows]]
        found = quartiles(columns[name][rows], of_rows, resamples=options.samples, seed=options.seed)
        middle = found.median
        values[name] = {
            "median": middle.estimate,
            "lower_quartile": found.lower,
            "upper_quartile": found.upper,
            "median_lower": middle.low,
            "median_upper": middle.high,
        }
        table_rows.append((title, middle.estimate, middle.low, middle.high, found.lower, found.upper))
    what = "patients" if patients_drawn(scored.outcomes) else f"{scored.policy.image_is}s"
    drawn = f"95 % bounds of the median from {options.samples} bootstrap samples of the {what}"
    table = Table(
        ("outlines", "median", "95 % from", "to", "lower quartile", "upper quartile"),
        tuple(table_rows),
        f"{len(pairs)} {scored.policy.lesion_is}s with a mask of truth and of mark on one grid; errors are marked minus "
        f"true. {drawn if options.samples else 'No bootstrap'}.",
    )
    dice = values["dice"]
    sentence = f"Outlines. Median Dice {dice['median']:.3f}, half of all between {dice['lower_quartile']:.3f} and {dice['upper_quartile']:.3f}."
    return _Measured({"outlines": {"compared": len(pairs), **values}}, (sentence, table), columns, {})


def _compared(scored: Scored, options: ScoreOptions) -> tuple[list[MaskAgreement], IntArray, IntArray]:
    """The P pairs of masks of lesions found; [P] the row of each among all lesions; [T] the image of each lesion."""
    pairs, rows, row = list[MaskAgreement](), list[int](), 0
    counts = [len(image.truth) for image in scored.images]
    for index, (image, outcome) in enumerate(zip(scored.images, scored.outcomes, strict=True)):
        if index % _EVERY == 0:
            options.progress(index / len(scored.images), "Comparing outlines")
        if image.truth.masks and image.marks.masks:
            for lesion in np.flatnonzero(outcome.lesion_marks >= 0).tolist():
                pair = options.pairs.agreement(image, lesion, int(outcome.lesion_marks[lesion]))
                if pair is not None:
                    pairs.append(pair)
                    rows.append(row + lesion)
        row += len(image.truth)
    return pairs, np.array(rows, dtype=np.intp), np.repeat(np.arange(len(counts)), counts)


def _column(values: list[float], rows: IntArray, count: int) -> FloatArray:
    column = np.full(count, np.nan)
    column[rows] = values
    return column
