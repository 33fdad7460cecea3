"""What ``lesion evaluate`` leaves: a summary for programs, tables of lesions and marks, curves, and a report for people (a page and a PDF)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.core.atomic import atomic_folder

from .output.page import PAGE, PDF, Page, Section, write_report
from .output.plots import write_plot
from .output.tables import Cell, Table, short_name, write_columns, write_csv
from .reading.sets import Scoring
from .result_columns import lesion_columns, mark_columns, missed
from .scoring.disagreements import compared, for_people, lesion_disagreements, mark_disagreements
from .scoring.scored import COMPARISON, SENSITIVITY, SIZES, Part, Scored, plain

SUMMARY, LEFT_OUT = "summary.json", "left_out.csv"
LESIONS, MARKS, IMAGES = "lesions.csv", "marks.csv", "images.csv"
LESION_DISAGREEMENTS, MARK_DISAGREEMENTS = "lesion_disagreements.csv", "mark_disagreements.csv"
RESULT_NAMES = (SUMMARY, PAGE, PDF, LESIONS, MARKS, LESION_DISAGREEMENTS, f"{COMPARISON}.json")
_BESIDE = {"froc": SENSITIVITY, "sizes": SIZES}
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
        write_report(folder, Page(title, lead, scoring.notes, (*sections, data)))


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
    sections[1:1] = [_write_part(folder, part) for part in scored.parts if part.early]
    sections += [_write_part(folder, part) for part in scored.parts if not part.early]
    if scored.image_rows is not None:
        write_csv(folder / IMAGES, scored.image_rows)
        sections.append(Section("Images", (_first(scored.image_rows, IMAGES),)))
    sections.append(Section("Missed whatever the marks score", (_first(missed(scored), LESIONS),)))
    return (*sections, Section("Rules", (scored.policy.rule,)))


def _write_part(folder: Path, part: Part) -> Section:
    for stem, plot in part.plots.items():
        write_plot(folder / stem, plot)
    for name, table in part.tables.items():
        write_csv(folder / name, table)
    for name, values in part.values.items():
        _write_json(folder / name, values)
    below = [plot for plot in part.plots.values() if not any(plot is block for block in part.blocks)]
    return Section(part.heading, (*part.blocks, *below))


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    text = json.dumps(plain(values), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _stands_at(stem: str, heading: str, scored: Scored) -> bool:
    """Whether a plot stands beside the table of this heading; those that no table asks for stand at the first."""
    return heading == _BESIDE.get(stem, next(iter(scored.tables)))


def _write_all(folder: Path, scored: Sequence[Scored], notes: tuple[str, ...]) -> tuple[Section, ...]:
    """Each policy in a sub-folder with a page of its own; side by side on this one."""
    for one in scored:
        own = folder / one.policy.name
        own.mkdir()
        write_report(own, Page(one.policy.title, one.lead, notes, write_one(own, one)))
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
    _write_json(folder / SUMMARY, summary)


def _first(table: Table, name: str) -> Table:
    """As much of a table as a page can show; long image names (series UIDs) by their end."""
    if not table.rows:
        return replace(table, caption=table.caption or "None.")
    table = replace(table, rows=tuple((_named(row[0]), *row[1:]) for row in table.rows))
    if len(table.rows) <= _SHOWN_ROWS:
        return table
    note = f"The first {_SHOWN_ROWS} of {len(table.rows)}; {name} has all."
    return replace(table, rows=table.rows[:_SHOWN_ROWS], caption=f"{table.caption} {note}".strip())


def _named(name: Cell) -> Cell:
    return short_name(name) if isinstance(name, str) else name
