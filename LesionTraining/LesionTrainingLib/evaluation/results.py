"""What ``lesion evaluate`` leaves: a summary for programs, tables of lesions and marks, curves, and a page for people."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib import __version__
from LesionDetectionLib.core.atomic import atomic_file, atomic_folder

from .matching.findings import FloatArray
from .matching.outcome import Fate
from .matching.policy import DISTANCE_MM
from .matching.reasons import why_lesion
from .output.page import Page, Section, write_page
from .output.plots import write_plot
from .output.tables import Cell, Table, write_csv
from .reading.sets import Scoring
from .scoring.disagreements import compared, for_people, lesion_disagreements, mark_disagreements
from .scoring.scored import SENSITIVITY, Scored, plain

SUMMARY, PAGE, LEFT_OUT = "summary.json", "index.html", "left_out.csv"
LESIONS, MARKS, IMAGES = "lesions.csv", "marks.csv", "images.csv"
LESION_DISAGREEMENTS, MARK_DISAGREEMENTS = "lesion_disagreements.csv", "mark_disagreements.csv"
RESULT_NAMES = (SUMMARY, PAGE, LESIONS, MARKS, LESION_DISAGREEMENTS)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell of text that begins so."""
_NAME_END = 12
_SHOWN_ROWS = 60
"""A page shows so many rows of a long table; the CSV has all."""


@dataclass(frozen=True)
class About:
    """What was scored, in words.

    Attributes:
        title: for the page.
        truth, marks: what they are.
        values: further plain values for the summary (cohort, model).
    """

    title: str
    truth: str
    marks: str
    values: Mapping[str, Any]


def write_evaluation(output: Path, scored: Sequence[Scored], scoring: Scoring, about: About, overwrite: bool) -> None:
    """Write all results into the folder, whole or not at all. Several policies have a sub-folder each, and what they
    disagree on.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_folder(output, overwrite) as folder:
        if len(scored) == 1:
            sections = write_one(folder, scored[0])
            values: dict[str, Any] = dict(scored[0].summary)
            title, lead = f"{about.title}: {scored[0].policy.title}", scored[0].lead
        else:
            sections = _write_all(folder, scored, scoring.notes)
            values = {"protocols": {one.policy.name: one.summary for one in scored}}
            title, lead = f"{about.title}: every protocol", "The same marks under the rules of every protocol."
        _write_summary(folder, scored, scoring, about, values)
        if scoring.left_out:
            left = Table(("image", "reason"), tuple((one.case, one.reason) for one in scoring.left_out))
            write_csv(folder / LEFT_OUT, left)
            sections = (*sections, Section("Left out", (_first(left, LEFT_OUT),)))
        data = Section("Data", (f"Truth: {about.truth}. Marks: {about.marks}.",))
        write_page(folder / PAGE, Page(title, lead, scoring.notes, (*sections, data)))


def write_one(folder: Path, scored: Scored) -> tuple[Section, ...]:
    """Tables and curves of one policy; gives the page's sections."""
    write_columns(folder / LESIONS, lesion_columns(scored))
    write_columns(folder / MARKS, mark_columns(scored))
    for stem, plot in scored.plots.items():
        write_plot(folder / stem, plot)
    sections = [
        Section(heading, (table, *(plot for stem, plot in scored.plots.items() if _stands_at(stem, heading, scored))))
        for heading, table in scored.tables.items()
    ]
    if scored.image_rows is not None:
        write_csv(folder / IMAGES, scored.image_rows)
        sections.append(Section("Images", (_first(scored.image_rows, IMAGES),)))
    sections.append(Section("Missed, the largest first", (_first(missed(scored), LESIONS),)))
    return (*sections, Section("Rules", (scored.policy.rule,)))


def _stands_at(stem: str, heading: str, scored: Scored) -> bool:
    """Whether a plot stands beside the table of this heading: the FROC beside the sensitivities, others at the first."""
    return heading == (SENSITIVITY if stem == "froc" else next(iter(scored.tables)))


def missed(scored: Scored) -> Table:
    """The lesions that no mark is credited for, the largest first, and why."""
    rows = [
        (
            image.image,
            lesion + 1,
            float(image.truth.diameters_mm[lesion]),
            why_lesion(scored.policy, image, outcome, lesion),
        )
        for image, outcome in zip(scored.images, scored.outcomes, strict=True)
        for lesion in np.flatnonzero(outcome.lesion_marks < 0).tolist()
    ]
    rows.sort(key=lambda row: -np.nan_to_num(row[2], nan=-1.0))
    note = "" if rows else "None: every lesion has a mark."
    return Table(("image", "lesion", "diameter_mm", "why"), tuple(rows), note, digits=1)


def lesion_columns(scored: Scored) -> dict[str, list[Cell]]:
    """One row a lesion, as columns."""
    images, outcomes = scored.images, scored.outcomes
    places = np.concatenate([image.truth.centers_ras_mm for image in images])
    credited = [outcome.lesion_marks for outcome in outcomes]
    ranks = [
        [int(image.marks.ranks[mark]) if mark >= 0 else None for mark in marks.tolist()]
        for image, marks in zip(images, credited, strict=True)
    ]
    scores = [[score if mark >= 0 else None for score, mark in zip(o.lesion_scores.tolist(), m.tolist(), strict=True)]
              for o, m in zip(outcomes, credited, strict=True)]  # fmt: skip
    return {
        "image": [image.image for image in images for _ in range(len(image.truth))],
        "lesion": [lesion + 1 for image in images for lesion in range(len(image.truth))],
        "source_row": [row for image in images for row in _sources(image.truth.sources, len(image.truth))],
        **_place_columns(places),
        "diameter_mm": _without_nan(np.concatenate([image.truth.diameters_mm for image in images])),
        "found": ["yes" if mark >= 0 else "no" for marks in credited for mark in marks.tolist()],
        "mark": [rank for of_image in ranks for rank in of_image],
        "score": [score for of_image in scores for score in of_image],
        "marks_on_it": np.concatenate([outcome.lesion_hits for outcome in outcomes]).tolist(),
        "why": [
            why_lesion(scored.policy, image, outcome, lesion)
            for image, outcome in zip(images, outcomes, strict=True)
            for lesion in range(len(image.truth))
        ],
    }


def mark_columns(scored: Scored) -> dict[str, list[Cell]]:
    """One row a mark, as columns: its fate, the lesion it is about, and how near the nearest lesion is."""
    images, outcomes = scored.images, scored.outcomes
    texts = [fate.text for fate in Fate]
    lesions = np.concatenate([outcome.mark_lesions for outcome in outcomes]) + 1
    return {
        "image": [image.image for image in images for _ in range(len(image.marks))],
        "mark": np.concatenate([image.marks.ranks for image in images]).tolist(),
        "source_row": [row for image in images for row in _sources(image.marks.sources, len(image.marks))],
        **_place_columns(np.concatenate([image.marks.centers_ras_mm for image in images])),
        "score": np.concatenate([image.marks.scores for image in images]).tolist(),
        "fate": [texts[fate] for outcome in outcomes for fate in outcome.fates.tolist()],
        "lesion": [lesion or None for lesion in lesions.tolist()],
        _nearest_name(scored): _without_nan(np.concatenate([_nearest(scored, outcome.values) for outcome in outcomes])),
    }


def write_columns(path: Path, columns: Mapping[str, list[Cell]]) -> None:
    """Write columns of one length, of text or of Python's own numbers, as :func:`.output.tables.write_csv` would.

    Column by column: a cohort has a hundred thousand cells, and most columns need no look at each.

    Raises:
        OutputError: it cannot be written.
    """
    safe = [
        _safe_texts(column) if any(isinstance(cell, str) for cell in column) else column for column in columns.values()
    ]
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows(zip(*safe, strict=True))


def _safe_texts(column: list[Cell]) -> list[Cell]:
    """A column of texts of which a spreadsheet runs none."""
    safe = {text: f"'{text}" if str(text).startswith(_FORMULA_STARTS) else text for text in set(column)}
    return [safe[text] for text in column]


def _write_all(folder: Path, scored: Sequence[Scored], notes: tuple[str, ...]) -> tuple[Section, ...]:
    """Each policy in a sub-folder with a page of its own; side by side on this one."""
    for one in scored:
        own = folder / one.policy.name
        own.mkdir()
        write_page(own / PAGE, Page(one.policy.title, one.lead, notes, write_one(own, one)))
    lesions, marks = lesion_disagreements(scored), mark_disagreements(scored)
    write_csv(folder / LESION_DISAGREEMENTS, lesions)
    write_csv(folder / MARK_DISAGREEMENTS, marks)
    side = compared(scored)
    write_csv(folder / "protocols.csv", side)
    return (
        Section("Side by side", (side, "Each protocol has a folder with a page, curves and tables of its own.")),
        Section("Lesions that the protocols judge differently", (_first(for_people(lesions), LESION_DISAGREEMENTS),)),
        Section("Marks that are false under some protocols only", (_first(for_people(marks), MARK_DISAGREEMENTS),)),
        Section("Rules", tuple(f"{one.policy.name}: {one.policy.rule}" for one in scored)),
    )


def _write_summary(
    folder: Path, scored: Sequence[Scored], scoring: Scoring, about: About, values: Mapping[str, Any]
) -> None:
    summary = {
        "schema": "lesion-evaluation",
        "schema_version": 1,
        "protocol": scored[0].policy.name if len(scored) == 1 else "all",
        **values,
        "truth": about.truth,
        "marks": about.marks,
        **about.values,
        "warnings": list(scoring.notes),
        "left_out": [{"image": one.case, "reason": one.reason} for one in scoring.left_out],
        "software": f"SlicerLesionDetection {__version__}",
    }
    text = json.dumps(plain(summary), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")


def _first(table: Table, name: str) -> Table:
    """As much of a table as a page can show; long image names (series UIDs) by their end."""
    if not table.rows:
        return replace(table, caption=table.caption or "None.")
    table = replace(table, rows=tuple((_short(row[0]), *row[1:]) for row in table.rows))
    if len(table.rows) <= _SHOWN_ROWS:
        return table
    note = f"The first {_SHOWN_ROWS} of {len(table.rows)}; {name} has all."
    return replace(table, rows=table.rows[:_SHOWN_ROWS], caption=f"{table.caption} {note}".strip())


def _short(name: Cell) -> Cell:
    return f"…{name[-_NAME_END:]}" if isinstance(name, str) and len(name) > 2 * _NAME_END else name


def _sources(sources: Any, count: int) -> list[Cell]:
    return sources.tolist() if sources is not None else [None] * count


def _place_columns(places: FloatArray) -> dict[str, list[Cell]]:
    """RAS mm, rounded to a thousandth."""
    rounded = np.round(places, 3) + 0.0  # no minus zero
    return {name: rounded[:, axis].tolist() for axis, name in enumerate(("r_mm", "a_mm", "s_mm"))}


def _without_nan(values: FloatArray) -> list[Cell]:
    return [None if value != value else value for value in values.tolist()]


def _nearest_name(scored: Scored) -> str:
    return {DISTANCE_MM: "nearest_lesion_mm"}.get(
        scored.policy.measures, "best_" + scored.policy.measures.replace(" ", "_").lower()
    )


def _nearest(scored: Scored, values: FloatArray) -> FloatArray:
    """[M] the distance to the nearest lesion, or the largest overlap with any; NaN where there is no lesion."""
    if not values.size:
        return np.full(values.shape[1], np.nan)
    best: FloatArray = values.min(axis=0) if scored.policy.measures == DISTANCE_MM else values.max(axis=0)
    return np.round(best, 4)
