"""What is said of the results: the lead, warnings, a line for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..contract import Job
from ..key_slices.data import Parts, data_name, label
from ..key_slices.telling import image_warnings, trial_warnings
from ..wording import counted
from .measured import RATES, SIZE_RATE, Measured
from .optimised import Optimised
from .paper import TABLE_1
from .row_work import RowResult
from .rows import UniversalRow
from .settings import preset_settings

_AT = RATES.index(SIZE_RATE)


@dataclass(frozen=True, eq=False)
class Results:
    """All that was done.

    Attributes:
        parts: the official split.
        anchors: of the networks.
        rows: what each gave, by number, with its figures by the list.
        by_all: the figures of each by the complete list, at the threshold by the list; empty where there is none.
        shown: the row that pictures are of.
    """

    parts: Parts
    anchors: Optimised
    rows: tuple[tuple[RowResult, Measured], ...]
    by_all: tuple[Measured, ...]
    shown: RowResult

    @property
    def measured_on(self) -> tuple[int, int]:
        """Images and listed lesions of the test split."""
        one = self.rows[0][1]
        return one.images, one.lesions


def measured_on(job: Job, results: Results) -> str:
    return label(job.cohort, *results.measured_on)


def lead_of(job: Job, results: Results) -> str:
    ours = ", ".join(f"{result.row.title} {_percent(one)}" for result, one in results.rows)
    printed = [
        f"{TABLE_1[result.row.name].sensitivity[_AT]:.2f}" for result, _ in results.rows if result.row.name in TABLE_1
    ]
    theirs = f" (the paper on DeepLesion: {', '.join(printed)} %)" if printed else ""
    return f"Sensitivity at {SIZE_RATE:g} false positives per image: {ours}{theirs}, on {measured_on(job, results)}."


def missing_lead(results: Results) -> str:
    """What the complete list says of the row that is shown."""
    for (result, listed), whole in zip(results.rows, results.by_all, strict=True):
        if result is results.shown:
            more = counted(whole.lesions - listed.lesions, "lesion")
            return (
                f"The list lacks {more} of {whole.lesions} in these images: {result.row.title} has {listed.false_positives:.2f} false "
                f"positives per image by the list, and {whole.false_positives:.2f} by all lesions at the same threshold."
            )
    return ""


def warnings_of(job: Job, results: Results) -> tuple[str, ...]:
    """What makes the figures mean less than they seem."""
    told = list[str]()
    if job.cohort.on_phantoms:
        told.append(
            "Measured on computer-made phantoms, no patients: our figures say nothing about patients. The paper’s were measured "
            "on patients’ images of DeepLesion; the two cannot be compared, and neither can the steps from row to row."
        )
    missing = [left for result, _ in results.rows for left in result.left_out]
    lost = [pair for result, _ in results.rows for pair in result.record.get("left_out", [])]
    return (
        *told,
        *trial_warnings(job, preset_settings(job.preset)),
        *image_warnings(job, results.measured_on[0], missing, lost),
    )


def row_line(result: RowResult, one: Measured, done: int, every: int) -> str:
    """``Row 3 (4 of 4), + attention gate: 90.8 % at 4 false positives per image, 96.3 % at 16; 41 ms an image.``"""
    return (
        f"Row {result.row.number} ({done} of {every}), {result.row.title}: {_percent(one)} at {SIZE_RATE:g} false positives per image, "
        f"{_percent(one, len(RATES) - 1)} at {RATES[-1]:g}; {result.timed.milliseconds:.0f} ms an image."
    )


def begin_line(job: Job, parts: Parts, rows: Sequence[UniversalRow]) -> str:
    """What is to be done."""
    counts = ", ".join(f"{len(getattr(parts, name))} for {name}" for name in ("training", "validation", "test"))
    titles = "; ".join(f"{row.number} {row.title}" for row in rows)
    return f"{data_name(job.cohort)}: {counts}. Rows: {titles}."


def _percent(one: Measured, at: int = _AT) -> str:
    value = one.sensitivities[at]
    return f"{100 * value:.1f} %" if value == value else "not defined"
