"""``lesion evaluate``: what is asked for, what it is read from, scored and written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress

from .froc_bootstrap import SAMPLES
from .matching import POLICIES, AutoPet, ImageFindings, Policy, policy
from .reading import deeplesion_lists, luna16_lists
from .reading.sets import MarkSet, Scoring, TruthSet, put_together
from .results import RESULT_NAMES, About, write_evaluation
from .scoring import Scored, ScoreOptions, score

ALL = "all"
_COMPARE_MASKS = ("picai", "autopet")


@dataclass(frozen=True)
class Request:
    """What ``lesion evaluate`` is asked for; None and empty texts are what was not given.

    Attributes:
        protocol: a policy's name, or ``all``.
        output: folder for the results.
        annotations, excluded, series: LUNA16's lists.
        truth: DeepLesion's ``DL_info.csv``, or a folder of detections files or label maps.
        cohort: a specification whose labels are the truth.
        detections: a table of marks, or a folder of detections files.
        model: a bundle, to detect with from scratch.
        split: of DeepLesion's lists.
        operating_point: which marks a protocol without scores is shown: a name that the model gives, or a least score.
        device: to detect on.
        samples, seed: of the bootstrap.
        overwrite: replace earlier results.
    """

    protocol: str
    output: Path
    annotations: Path | None = None
    excluded: Path | None = None
    series: Path | None = None
    truth: Path | None = None
    cohort: str = ""
    detections: Path | None = None
    model: Path | None = None
    split: str = ""
    operating_point: str = ""
    device: str = "auto"
    samples: int = SAMPLES
    seed: int = 0
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What was scored, and what came of it under each policy."""

    scoring: Scoring
    scored: tuple[Scored, ...]


def evaluate(request: Request, progress: Progress) -> Evaluated:
    """Read, match, score and write.

    Raises:
        UsageError: arguments that do not go together.
        InputError: data that cannot be used.
        BundleError, DeviceError: a model or device that cannot be used.
        OutputError: results that cannot be written.
        Cancelled: through ``progress``; nothing was written.
    """
    _check(request)
    policies = list(POLICIES.values()) if request.protocol == ALL else [policy(request.protocol)]
    check_output_folder(request.output, RESULT_NAMES, request.overwrite)
    reading, matching = (0.9, 0.98) if request.model is not None else (0.2, 0.9)
    truth, marks = _read(request, progress.part(0, reading))
    scoring = put_together(truth, marks)
    scoring = replace(scoring, notes=(*scoring.notes, *_fallbacks(policies, scoring.images)))
    policies = [_at_operating_point(one, request.operating_point, marks) for one in policies]
    scored = []
    for index, one in enumerate(policies):
        part = progress.part(reading, matching).part(index / len(policies), (index + 1) / len(policies))
        options = ScoreOptions(request.samples, request.seed, marks.operating_points, progress=part)
        scored.append(score(one, scoring, options))
    progress(matching, "Writing")
    write_evaluation(request.output, scored, scoring, _about(request, truth, marks), request.overwrite)
    progress(1.0, "Done")
    return Evaluated(scoring, tuple(scored))


def _check(request: Request) -> None:
    """Raises UsageError for arguments that do not go together."""
    if request.protocol != ALL:
        policy(request.protocol)
    given = [
        name
        for name, value in (
            ("--annotations", request.annotations),
            ("--truth", request.truth),
            ("--cohort", request.cohort),
        )
        if value
    ]
    if request.samples < 0 or request.seed < 0:
        raise UsageError("--bootstraps and --seed must be 0 or more.")
    if request.model is not None and (request.detections is not None or given != ["--cohort"]):
        raise UsageError("--model detects from scratch: name a --cohort with it, and neither --detections nor lists.")
    if request.model is None and request.detections is None:
        raise UsageError("Name the marks to score with --detections, or a --model to detect with.")
    if len(given) != 1:
        raise UsageError(
            "Name the truth once: --annotations with --seriesuids (LUNA16's lists), --truth (DL_info.csv or a folder), or "
            f"--cohort. {'None was' if not given else ' and '.join(given) + ' were'} given."
        )
    if (request.annotations is None) != (request.series is None):
        raise UsageError("LUNA16's lists go together: --annotations, --seriesuids and, where there is one, --excluded.")
    if request.excluded is not None and request.annotations is None:
        raise UsageError("--excluded is one of LUNA16's lists and goes with --annotations and --seriesuids.")
    if request.split and (request.truth is None or request.truth.is_dir()):
        raise UsageError("--split is for DL_info.csv; a cohort has it in its specification (...?split=test).")


def _read(request: Request, progress: Progress) -> tuple[TruthSet, MarkSet]:
    if request.model is not None:
        return _detect(request, request.model, progress)
    assert request.detections is not None
    progress(0, "Reading")
    truth = _read_truth(request, progress.part(0, 0.5))
    progress(0.5, "Reading the marks")
    return truth, _read_marks(request, request.detections, truth, progress.part(0.5, 1))


def _read_truth(request: Request, progress: Progress) -> TruthSet:
    if request.annotations is not None and request.series is not None:
        return luna16_lists.read_truth(request.annotations, request.excluded, request.series)
    if request.truth is not None and not request.truth.is_dir():
        return deeplesion_lists.read_truth(request.truth, request.split)
    if request.truth is not None:
        from .reading import folders

        return folders.read_truth(request.truth, progress)
    from ..cohorts.spec import open_cohort
    from .reading import from_cohort

    return from_cohort.read_truth(open_cohort(request.cohort, progress.part(0, 0.1)), progress.part(0.1, 1))


def _read_marks(request: Request, path: Path, truth: TruthSet, progress: Progress) -> MarkSet:
    """A folder holds detections files; a table's form is that of the truth."""
    pixels = request.truth is not None and not request.truth.is_dir()
    if path.is_dir():
        if pixels:
            raise UsageError("With DL_info.csv the marks are a table: File_name,x1,y1,x2,y2,score, in pixels.")
        from .reading import folders

        return folders.read_marks(path, progress)
    return deeplesion_lists.read_marks(path, truth) if pixels else luna16_lists.read_marks(path)


def _detect(request: Request, model: Path, progress: Progress) -> tuple[TruthSet, MarkSet]:
    from LesionDetectionLib.core.bundle import Bundle

    from ..cohorts.spec import open_cohort
    from .detecting import detect_in_cohort

    bundle = Bundle.open(model)
    cohort = open_cohort(request.cohort, progress.part(0, 0.05))
    outlines = request.protocol in (*_COMPARE_MASKS, ALL)
    return detect_in_cohort(bundle, cohort, request.device, progress.part(0.05, 1), outlines=outlines)


def _at_operating_point(one: Policy, wanted: str, marks: MarkSet) -> Policy:
    """autoPET's policy with the marks that are shown: the point asked for, else the model's own; others as they are.

    Raises:
        UsageError: neither a name that the model gives nor a number.
    """
    if not isinstance(one, AutoPet):
        return one
    name = wanted or marks.default_point
    if not name:
        return one
    if name in marks.operating_points:
        return AutoPet(marks.operating_points[name])
    try:
        least = float(name)
    except ValueError:
        least = math.nan
    if not math.isfinite(least):
        known = f"one of {', '.join(marks.operating_points)}, or " if marks.operating_points else ""
        raise UsageError(f"There is no operating point “{name}”. Give {known}a least score.")
    return AutoPet(least)


def _fallbacks(policies: Sequence[Policy], images: Sequence[ImageFindings]) -> list[str]:
    """What policies that want boxes or masks were given instead, where no image has what they want."""
    names = [one.name for one in policies if one.name != "luna16"]
    masks = any(mask is not None for image in images for mask in image.marks.masks)
    boxes = masks or any(
        image.marks.pixel_boxes is not None
        or (image.marks.boxes_ras_mm is not None and _finite(image.marks.boxes_ras_mm))
        for image in images
    )
    if names and not boxes:
        sized = any(_finite(image.marks.diameters_mm) for image in images)
        size = "of their diameters" if sized else "of 10 mm, as they say no size"
        return [f"The marks have no boxes and no masks: {', '.join(names)} took spheres {size}."]
    compare_masks = [name for name in names if name in _COMPARE_MASKS]
    if compare_masks and not masks:
        return [f"The marks have no masks: {' and '.join(compare_masks)} took boxes or drew spheres instead."]
    return []


def _finite(values: Any) -> bool:
    return bool((values == values).any())


def _about(request: Request, truth: TruthSet, marks: MarkSet) -> About:
    values = {
        "cohort": request.cohort or None,
        "on_phantoms": truth.on_phantoms,
        "model": str(request.model) if request.model is not None else None,
    }
    return About(f"Marks of {marks.title}", truth.title, marks.title, values)
