"""What was found in a cohort, for people: one document of sizes, scores and cases, and of what nobody checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np
from LesionDetectionLib import __version__
from LesionDetectionLib.app.documents.document import (
    Block,
    Cell,
    Column,
    Document,
    Facts,
    Items,
    Picture,
    Row,
    Section,
    Table,
    Tiles,
)
from LesionDetectionLib.app.export import DETECTIONS
from LesionDetectionLib.app.report.rates import rate_text, rates_of
from LesionDetectionLib.app.threshold_text import point_text, score_name_of
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError

from ..cohorts.cohort import Cohort
from ..evaluation.output.histograms import FOUND, Bars, count_edges, histogram, score_edges, size_edges
from ..evaluation.output.tables import counted, number_text
from .ending import LEFT_OUT, SUMMARY, CohortDetections
from .found import CaseFindings, read_findings
from .job import Job

LIMITS = (
    "Research software, not a medical device, and not for clinical decisions. A score orders the findings of one method; it is "
    "not the probability of disease. A case without a finding was not shown to be healthy."
)
_MOST_ROWS = 500
"""A page lists so many cases; the table beside it has all."""


@dataclass(frozen=True, eq=False)
class Ending:
    """All that the page is made of."""

    cohort: Cohort
    job: Job
    bundle: Bundle | None
    result: CohortDetections
    cases: Sequence[CaseFindings]


def cohort_document(cohort: Cohort, job: Job, bundle: Bundle | None, result: CohortDetections) -> Document:
    """The page of a run. It names cases as the cohort does, and no patient."""
    end = Ending(cohort, job, bundle, result, read_findings(job.output, result.done))
    sections = [
        Section("Findings", _findings(end)),
        Section("Cases, the highest score first", (_cases_table(end),)),
        *([Section("Left out", (_left_out_table(result),))] if result.left_out else []),
        Section("What was not checked", (Items(tuple(_unchecked(end))),)),
        Section("How it was done", (Facts(tuple(_facts(end))),)),
    ]
    return Document(
        "Cohort report",
        f"{job.info.title}: {cohort.title}",
        _lead(end),
        tuple(_warnings(end)),
        tuple(section for section in sections if section.blocks),
        (LIMITS,),
    )


def _lead(end: Ending) -> str:
    counts = end.result.counts()
    if not counts["done"]:
        return f"Not one of {counted(counts['cases'], 'case')} is done."
    none = sum(not case.outcome.lesions for case in end.cases)
    without = f", {none} of them without any" if none else ""
    failed = f"; {counted(counts['failed'], 'case')} failed" if counts["failed"] else ""
    return f"{counted(counts['lesions'], 'finding')} in {counted(counts['done'], 'case')}{without}{failed}."


def _warnings(end: Ending) -> Iterator[str]:
    if end.cohort.on_phantoms:
        yield "The cohort is computer-made: no patients."
    yield from end.bundle.warnings() if end.bundle is not None else ()
    if end.result.unfinished:
        left = counted(end.result.unfinished, "case")
        yield f"The run was stopped, with {left} not done yet. The same command goes on from there."
    if end.result.left_out:
        left, were = counted(len(end.result.left_out), "case"), "was" if len(end.result.left_out) == 1 else "were"
        yield f"{left} {were} left out of every figure; why stands below and in {LEFT_OUT}."


def _findings(end: Ending) -> tuple[Block, ...]:
    if not end.cases:
        return ()
    scores = np.concatenate([case.scores for case in end.cases])
    sizes = np.concatenate([case.diameters_mm for case in end.cases])
    numbers = np.array([len(case.scores) for case in end.cases if not case.problem], dtype=np.float64)
    score = end.job.info.score.title
    plots = (
        histogram((Bars("findings", sizes, FOUND),), size_edges(sizes), what="findings", x="Diameter (mm)"),
        histogram(
            (Bars("findings", scores, FOUND),), score_edges(scores), what="findings", x=score, missing="without a score"
        ),
        histogram((Bars("cases", numbers, FOUND),), count_edges(numbers), what="cases", x="Findings in a case"),
    )
    pictures = tuple(Picture(plot.png, plot.alternative, plot.caption) for plot in plots)
    return (Tiles((*pictures, *_operating(end))),)


def _operating(end: Ending) -> tuple[Facts, ...]:
    """What the first result says of its operating point, and what it let through where the model was measured."""
    first = _first_detections(end)
    if first is None:
        return ()
    pairs = [("Operating point", point_text(first))]
    rates = rates_of(first, end.bundle.manifest) if end.bundle is not None else None
    if rates is None:
        pairs.append(("How good it is", "not known: nothing was measured at this threshold"))
        return (Facts(tuple(pairs)),)
    where = f"{counted(rates.scans, 'scan')} " if rates.scans else ""
    where += f"with {counted(rates.lesions, 'lesion')}" if rates.lesions else ""
    pairs.append(("Measured on", where.strip() or "scans whose number is not stated"))
    pairs.append(("False marks", f"{rate_text(rates.false_marks)} a scan"))
    found = f"{rates.sensitivity:.0%} of the lesions"
    if rates.interval is not None:
        found += f" ({rates.level:.0%} interval {rates.interval[0]:.0%} to {rates.interval[1]:.0%})"
    pairs.append(("Found", found))
    every = counted(end.result.counts()["lesions"], "finding")
    expected = (
        f"{_about(rates.false_marks * len(end.cases))} of the {every} would be false, were these cases like those"
    )
    pairs.append(("Here", expected))
    return (Facts(tuple(pairs)),)


def _about(expected: float) -> str:
    return f"about {expected:.0f}" if expected >= 1 else "fewer than one"


def _first_detections(end: Ending) -> Detections | None:
    for case in end.cases:
        try:
            return Detections.load(end.job.output / case.outcome.case / DETECTIONS)
        except InputError:
            continue
    return None


def _cases_table(end: Ending) -> Table:
    def highest(case: CaseFindings) -> float:
        return -math.inf if case.outcome.best_score is None else case.outcome.best_score

    ordered = sorted(end.cases, key=highest, reverse=True)
    decimals = end.job.info.score.decimals + 1
    columns = (
        Column("Case", False),
        Column("Findings"),
        Column(f"Highest {score_name_of(end.job.info.id)}"),
        Column("Largest"),
        Column("Seconds"),
    )
    rows = tuple(
        Row(
            (
                Cell(case.outcome.case, file=case.report),
                str(case.outcome.lesions),
                number_text(math.nan if case.outcome.best_score is None else case.outcome.best_score, decimals),
                number_text(_largest(case), 1, " mm"),
                f"{case.outcome.seconds:.0f}",
            ),
            case.problem,
        )
        for case in ordered[:_MOST_ROWS]
    )
    notes = []
    if len(ordered) > len(rows):
        notes.append(f"The first {len(rows)} of {len(ordered)}; {SUMMARY} has all.")
    if any(case.report for case in ordered):
        notes.append("A name that is a link leads to the case's own report.")
    elif ordered:
        notes.append("Each case has a folder of its name; with --full it has a report of its own, too.")
    return Table(columns, rows, " ".join(notes))


def _largest(case: CaseFindings) -> float:
    known = case.diameters_mm[np.isfinite(case.diameters_mm)]
    return float(known.max()) if known.size else math.nan


def _left_out_table(result: CohortDetections) -> Table:
    rows = tuple(Row((left.case, left.reason)) for left in result.left_out[:_MOST_ROWS])
    more = f"The first {len(rows)} of {len(result.left_out)}; {LEFT_OUT} has all."
    return Table((Column("Case", False), Column("Why", False)), rows, more if len(rows) < len(result.left_out) else "")


def _unchecked(end: Ending) -> Iterator[str]:
    info = end.job.info
    yield "Nothing was compared with what is true: no figure here says how many findings are right, or what was missed."
    yield f"It looks for: {info.finds} Anything else was not looked for."
    if info.limits:
        yield f"Its limits: {info.limits}"
    yield "No person has looked at the findings; false ones are among them."
    yield "Nobody checked whether each scan (its dose, contrast phase, breathing, artefacts) suits the method."
    yield "A size is that of the outline or the box that the method gives, not a measurement by a person."
    unread = sum(bool(case.problem) for case in end.cases)
    if unread:
        yield f"The tables of {counted(unread, 'case')} could not be read any more: the histograms are without them."
    if end.result.kept:
        were = "was" if end.result.kept == 1 else "were"
        yield f"{counted(end.result.kept, 'case')} {were} done by an earlier run, with the same method, model, settings and files."


def _facts(end: Ending) -> Iterator[tuple[str, str]]:
    yield "Method", f"{end.job.info.title} ({end.job.info.id})"
    if end.bundle is not None:
        manifest = end.bundle.manifest
        yield "Model", f"{manifest.name} {manifest.version}, SHA-256 {end.bundle.digest[:16]}…"
    yield "Cohort", end.cohort.title
    for name, value in _settings(end.job.settings).items():
        yield f"Setting {name}", str(value)
    yield "Device", end.job.device
    yield "Time", f"{end.result.seconds:.0f} s"
    yield "Program", f"SlicerLesionDetection {__version__}"


def _settings(settings: Any) -> dict[str, Any]:
    """Those that say something."""
    if not is_dataclass(settings) or isinstance(settings, type):
        return {}
    return {name.replace("_", " "): value for name, value in asdict(settings).items() if value not in (None, "", ())}
