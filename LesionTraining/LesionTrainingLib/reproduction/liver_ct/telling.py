"""What is said of the results: the lead, warnings, a line for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...cohorts.case import TEST, TRAINING
from ...learning.liver_ct.largest import PAPER_IOU
from ..contract import Job
from ..key_slices.data import Parts, data_name
from ..key_slices.telling import image_warnings, trial_warnings
from ..wording import counted
from .measured import OneBox, Regions
from .paper import FIGURE_3, RATE, SENSITIVITY
from .row_work import RowResult
from .rows import LiverRow
from .settings import preset_settings


@dataclass(frozen=True, eq=False)
class Read:
    """What one row gave, and what was read of it.

    Attributes:
        result: of the row.
        boxes: of each part that it looked at, where it gives one box an image; else empty.
        regions: by overlap, where it is Faster R-CNN; else empty.
    """

    result: RowResult
    boxes: dict[str, OneBox]
    regions: tuple[Regions, ...]

    @property
    def row(self) -> LiverRow:
        return self.result.row


def measured_on(job: Job, result: RowResult, part: str = TEST) -> str:
    """``DeepLesion, test split: 203 images, 219 lesions``."""
    cases = dict(result.parts)[part].cases
    lesions = sum(len(case.truth().lesions) for case in cases)
    name = "test" if part == TEST else "training"
    return f"{data_name(job.cohort)}, {name} split: {counted(len(cases), 'image')}, {counted(lesions, 'lesion')}"


def lead_of(job: Job, rows: Sequence[Read]) -> str:
    parts = [_of_row(one) for one in rows]
    return f"Sensitivity on test images at an IoU above {PAPER_IOU:g}: {'; '.join(parts)}. On {measured_on(job, rows[0].result)}."


def _of_row(one: Read) -> str:
    """``Baseline 6.9 % (the paper on DeepLesion: 6.9)``."""
    theirs: float | None = SENSITIVITY
    if one.regions:
        value, rate = one.regions[0].at_rate[0], f" at {RATE:g} false positives per image"
    else:
        printed = FIGURE_3.get((one.row.name, TEST))
        value, theirs, rate = one.boxes[TEST].point.sensitivity, printed.sensitivity if printed else None, ""
    beside = "" if theirs is None else f" (the paper on DeepLesion: {100 * theirs:.3g})"
    return f"{one.row.title} {_percent(value)}{rate}{beside}"


def warnings_of(job: Job, rows: Sequence[Read]) -> tuple[str, ...]:
    """What makes the figures mean less than they seem."""
    told = list[str]()
    if job.cohort.on_phantoms:
        told.append(
            "Measured on computer-made phantoms, no patients: our figures say nothing about patients. The paper’s were measured on "
            "patients’ images of DeepLesion; the two cannot be compared, and neither can the steps from row to row."
        )
    else:
        told.append(
            "The paper’s own training, validation and test images were not published, and its counts contradict each other (1989, 179 "
            "and 203 images, or 1660, 329 and 203): its figures are of other images than these."
        )
    images = len(rows[0].result.test.cases)
    missing = [left for one in rows for left in one.result.test.left_out]
    lost = [pair for one in rows for pair in one.result.record.get("left_out", [])]
    return (
        *told,
        *trial_warnings(job, preset_settings(job.preset)),
        *image_warnings(job, images, missing, lost),
    )


def row_line(one: Read, done: int, every: int) -> str:
    """``Row 0 (1 of 3), Baseline: 96.0 % on training images, 6.9 % on test images; fitted in 812 s.``"""
    if one.regions:
        found = ", ".join(
            f"{_percent(part.at_rate[0])} at {RATE:g} false positives per image (IoU > {part.iou:g})"
            for part in one.regions
        )
    else:
        values = {part: _percent(box.point.sensitivity) for part, box in one.boxes.items()}
        found = f"{values[TRAINING]} on training images, {values[TEST]} on test images"
    seconds = one.result.record["seconds"]
    return f"Row {one.row.number} ({done} of {every}), {one.row.title}: {found}; fitted in {seconds:.0f} s."


def begin_line(job: Job, parts: Parts, rows: Sequence[LiverRow]) -> str:
    """What is to be done."""
    counts = ", ".join(f"{len(getattr(parts, name))} for {name}" for name in ("training", "validation", "test"))
    titles = "; ".join(f"{row.number} {row.title}" for row in rows)
    return f"{data_name(job.cohort)}: {counts}. Rows: {titles}."


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if value == value else "not defined"
