"""The part of an evaluation's page that is about one operating point: sizes, cases, and the worst of them as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from LesionDetectionLib.app.documents.document import Cell, Column, Row
from LesionDetectionLib.app.documents.document import Table as PageTable
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import Case
from .at_point import AtPoint, CaseCounts
from .froc import false_positives_per_scan
from .metrics.proportions import wilson_interval
from .output.histograms import FOUND, MISSED, Bars, histogram, sensitivity_plot, size_edges
from .output.page import Block
from .output.plots import Plot
from .output.tables import Table, counted, number_text, short_name
from .picturing import draw
from .scoring.scored import Part, Scored, band_name
from .worst import Worst

POINT, CASES, CASES_FILE = "At the operating point", "Cases, the worst first", "cases.csv"
_SHOWN_CASES = 30
_TO, _OF = "\u00a0to\u00a0", "\u00a0of\u00a0"
"""Between two numbers that stay on one line."""
_WILSON = "95 % intervals by Wilson, as if every lesion were of another patient: where many are of one, the truth is less sure."


def with_reports(
    reported: Sequence[AtPoint], cases: Mapping[str, Case], most: int, progress: Progress
) -> tuple[Scored, ...]:
    """What was scored, each with the report of its operating point. An image is read once for all of them.

    Args:
        cases: where the images can be read, by name; empty where they are not known.
        most: pictures of missed lesions, and of false marks; 0 for none.

    Raises:
        Cancelled: through ``progress``.
    """
    every = [Worst.of(at, most if cases else 0) for at in reported]
    pictures = draw([wanted for worst in every for wanted in worst.wanted], cases, progress)
    return tuple(
        replace(
            worst.at.scored,
            summary={**worst.at.scored.summary, "at_operating_point": values_of(worst.at)},
            parts=(_sizes(worst.at), _cases(worst), *worst.parts(pictures), *worst.at.scored.parts),
        )
        for worst in every
    )


def values_of(at: AtPoint) -> dict[str, Any]:
    """For ``summary.json``."""
    return {
        "name": at.point.name or None,
        "threshold": at.point.least,
        "cases": len(at.cases),
        "lesions": at.lesions,
        "found": at.lesions_found,
        "missed": at.lesions - at.lesions_found,
        "false_positives": at.false_marks,
        "by_size": [
            {"from_mm": low, "to_mm": high, "found": hit, "all": every, "lower_95": lower, "upper_95": upper}
            for (low, high), hit, every, lower, upper in _bands(at)
        ],
    }


def _sizes(at: AtPoint) -> Part:
    found, missed, false = at.diameters_mm
    edges = size_edges(found, missed, false)
    plots: dict[str, Plot] = {}
    if at.lesions:
        bars = (Bars("found", found, FOUND), Bars("missed", missed, MISSED))
        plots["lesion_sizes"] = histogram(bars, edges, what=f"{at.scored.policy.lesion_is}s", x="Diameter (mm)")
    if np.isfinite(false).any() or not at.false_marks:
        marks = (Bars("false marks", false, MISSED),)
        plots["false_mark_sizes"] = histogram(marks, edges, what="false marks", x="Diameter (mm)")
    blocks: list[Block] = [_sentence(at), *plots.values()]
    if at.lesions:
        bands = _bands(at)
        names = [band_name(*band) for band, *_ in bands]
        plots["sensitivity_by_size"] = sensitivity_plot(names, [row[1] for row in bands], [row[2] for row in bands])
        blocks += [plots["sensitivity_by_size"], _bands_table(at, names)]
    return Part(POINT, tuple(blocks), plots, early=True)


def _sentence(at: AtPoint) -> str:
    policy = at.scored.policy
    rate = false_positives_per_scan(at.scored.outcomes, at.point.least)
    text, false = at.point.text, counted(at.false_marks, "false mark")
    found = (
        f"{at.lesions_found} of {counted(at.lesions, policy.lesion_is)} found, {at.lesions - at.lesions_found} missed, "
    )
    told = f"{text[:1].upper()}{text[1:]}: {found if at.lesions else ''}{false}, {rate:.2f} a {policy.image_is}."
    return told if not at.false_marks or np.isfinite(at.diameters_mm[2]).any() else f"{told} No mark says its size."


def _bands(at: AtPoint) -> list[tuple[tuple[float, float], int, int, float, float]]:
    """Of each size band of the policy: found and all lesions, and Wilson's interval of their share."""
    found, missed, _ = at.diameters_mm
    rows = []
    for low, high in at.scored.policy.size_bands_mm:
        hit, lost = (int(((values >= low) & (values < high)).sum()) for values in (found, missed))
        lower, upper = map(float, wilson_interval(hit, hit + lost))
        rows.append(((low, high), hit, hit + lost, lower, upper))
    return rows


def _bands_table(at: AtPoint, names: Sequence[str]) -> Table:
    found, missed, false = at.diameters_mm
    rows = []
    for name, ((low, high), hit, every, lower, upper) in zip(names, _bands(at), strict=True):
        bounds = f"{lower:.2f}{_TO}{upper:.2f}" if every else None
        beside = int(((false >= low) & (false < high)).sum())
        rows.append((name, f"{hit}{_OF}{every}", hit / every if every else None, bounds, beside))
    unknown = int(np.isnan(np.concatenate([found, missed])).sum()), int(np.isnan(false).sum())
    note = _WILSON
    if any(unknown):
        lesions, marks = counted(unknown[0], at.scored.policy.lesion_is), counted(unknown[1], "false mark")
        note += f" Of unknown size: {lesions}, {marks}."
    return Table(("diameter", "found", "sensitivity", "95 %", "false marks"), tuple(rows), note)


def _cases(worst: Worst) -> Part:
    names = ("case", "lesions", "found", "missed", "false_positives", "largest_missed_mm", "highest_false_score")
    rows = tuple(
        (row.name, row.lesions, row.found, row.missed, row.false_marks, row.largest_missed_mm, row.highest_false)
        for row in worst.at.cases
    )
    return Part(CASES, (_cases_table(worst),), tables={CASES_FILE: Table(names, rows)}, early=True)


def _cases_table(worst: Worst) -> PageTable:
    misses, false = worst.first_names(worst.misses), worst.first_names(worst.false_marks)

    def row(case: CaseCounts) -> Row:
        return Row(
            (
                short_name(case.name),
                str(case.lesions),
                str(case.found),
                Cell(str(case.missed), misses.get(case.image, "")),
                Cell(str(case.false_marks), false.get(case.image, "")),
                number_text(case.largest_missed_mm, 1, " mm"),
                number_text(case.highest_false, 3),
            )
        )

    every, shown = worst.at.cases, worst.at.cases[:_SHOWN_CASES]
    notes = []
    if len(every) > len(shown):
        notes.append(f"The first {len(shown)} of {len(every)}; {CASES_FILE} has all.")
    if misses or false:
        notes.append("A number that is a link leads to the first picture of it.")
    heads = ("lesions", "found", "missed", "false marks", "largest missed", "highest false score")
    return PageTable((Column("case", False), *map(Column, heads)), tuple(map(row, shown)), " ".join(notes))
