"""What is scored: truth and marks, read or detected, and a second set of marks to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress

from .reading import deeplesion_lists, luna16_lists
from .reading.sets import MarkSet, TruthSet
from .request import ALL, Request

COMPARE_MASKS = ("picai", "autopet")
"""Policies that want an outline of each mark."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Truth, marks, and the second set of marks or None."""

    truth: TruthSet
    marks: MarkSet
    compared: MarkSet | None = None


def read_inputs(request: Request, progress: Progress) -> Inputs:
    """Read or detect all that the request names.

    Raises:
        UsageError, InputError, BundleError, DeviceError, Cancelled: see :func:`.evaluate.evaluate`.
    """
    share = 0.5 if request.compare or request.compare_model else 1.0
    first, second = progress.part(0, share), progress.part(share, 1)
    if request.from_scratch:
        truth, marks = _detect(request, request.model, request.method, first)
    else:
        assert request.detections is not None
        first(0, "Reading")
        truth = _read_truth(request, first.part(0, 0.5))
        first(0.5, "Reading the marks")
        marks = _read_marks(request, request.detections, truth, first.part(0.5, 1))
    compared = None
    if request.compare is not None:
        compared = _read_marks(request, request.compare, truth, second)
    elif request.compare_model is not None:
        _, compared = _detect(request, request.compare_model, "", second)
    return Inputs(truth, *_told_apart(marks, compared))


def _told_apart(first: MarkSet, second: MarkSet | None) -> tuple[MarkSet, MarkSet | None]:
    """Both with titles that differ."""
    if second is None or first.title != second.title:
        return first, second
    return replace(first, title=f"{first.title} (first)"), replace(second, title=f"{second.title} (second)")


def _read_truth(request: Request, progress: Progress) -> TruthSet:
    if request.annotations is not None and request.series is not None:
        return luna16_lists.read_truth(request.annotations, request.excluded, request.series)
    if request.truth is not None and request.in_pixels:
        return deeplesion_lists.read_truth(request.truth, request.split)
    if request.truth is not None:
        from .reading import folders

        return folders.read_truth(request.truth, progress)
    from ..cohorts.spec import open_cohort
    from .reading import from_cohort

    return from_cohort.read_truth(open_cohort(request.cohort, progress.part(0, 0.1)), progress.part(0.1, 1))


def _read_marks(request: Request, path: Path, truth: TruthSet, progress: Progress) -> MarkSet:
    """A folder holds detections files; a table's form is that of the truth."""
    if path.is_dir():
        if request.in_pixels:
            raise UsageError("With DL_info.csv the marks are a table: File_name,x1,y1,x2,y2,score, in pixels.")
        from .reading import folders

        return folders.read_marks(path, progress)
    return deeplesion_lists.read_marks(path, truth) if request.in_pixels else luna16_lists.read_marks(path)


def _detect(request: Request, model: Path | None, method_id: str, progress: Progress) -> tuple[TruthSet, MarkSet]:
    from LesionDetectionLib.core.bundle import Bundle

    from ..cohorts.spec import open_cohort
    from .detecting import Finder, detect_in_cohort

    finder = Finder.of(method_id, Bundle.open(model) if model is not None else None)
    cohort = open_cohort(request.cohort, progress.part(0, 0.05))
    outlines = request.protocol in (*COMPARE_MASKS, ALL)
    part = progress.part(0.05, 1)
    return detect_in_cohort(
        finder, cohort, request.device, part, outlines=outlines, workers=request.workers, given=request.given
    )
