"""``lesion evaluate``: what is asked for, what it is read from, scored and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.progress import Progress

from .at_point import AtPoint
from .cohort_report import with_reports
from .inputs import COMPARE_MASKS, Inputs, read_inputs
from .matching import POLICIES, ImageFindings, Policy, policy
from .operating import at_operating_point, given_point, point_of
from .reading.sets import Scoring, put_together
from .request import ALL, Request, check_request
from .results import RESULT_NAMES, About, write_evaluation
from .scoring import Scored, ScoreOptions, score
from .scoring.mask_pairs import MaskPairs

__all__ = ["Evaluated", "Request", "evaluate"]


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
    check_request(request)
    policies = list(POLICIES.values()) if request.protocol == ALL else [policy(request.protocol)]
    check_output_folder(request.output, RESULT_NAMES, request.overwrite)
    reading, matching, drawing = (0.85, 0.9, 0.98) if request.from_scratch else (0.2, 0.6, 0.95)
    inputs = read_inputs(request, progress.part(0, reading))
    scoring = put_together(inputs.truth, inputs.marks)
    other = put_together(inputs.truth, inputs.compared) if inputs.compared is not None else None
    notes = (*scoring.notes, *(other.notes if other is not None else ()), *_fallbacks(policies, scoring.images))
    scoring = replace(scoring, notes=tuple(dict.fromkeys(notes)))
    pairs = MaskPairs()
    scored = []
    given = given_point(request.operating_point, inputs.marks)
    for index, one in enumerate(policies):
        part = progress.part(reading, matching).part(index / len(policies), (index + 1) / len(policies))
        scored.append(_score(request, one, inputs, scoring, other, pairs, part))
    reported = [AtPoint(one, point_of(one.policy, one.outcomes, given)) for one in scored]
    done = with_reports(reported, inputs.truth.cases, request.pictures, progress.part(matching, drawing))
    progress(drawing, "Writing")
    write_evaluation(request.output, done, scoring, _about(request, inputs), request.overwrite)
    progress(1.0, "Done")
    return Evaluated(scoring, done)


def _score(
    request: Request,
    one: Policy,
    inputs: Inputs,
    scoring: Scoring,
    other: Scoring | None,
    pairs: MaskPairs,
    progress: Progress,
) -> Scored:
    """One policy, and what the other marks are worth under it."""
    wanted = request.operating_point
    share = 0.6 if other is not None else 1.0
    points = inputs.marks.operating_points
    options = ScoreOptions(request.samples, request.seed, points, progress=progress.part(0, share), pairs=pairs)
    scored = score(at_operating_point(one, given_point(wanted, inputs.marks)), scoring, options)
    if other is None or inputs.compared is None:
        return scored
    from .scoring.comparison import Compared, with_comparison

    their = at_operating_point(one, given_point(wanted, inputs.compared))
    compared = Compared(their, other, (inputs.marks.title, inputs.compared.title))
    return with_comparison(scored, compared, replace(options, progress=progress.part(share, 1)))


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
    compare_masks = [name for name in names if name in COMPARE_MASKS]
    if compare_masks and not masks:
        return [f"The marks have no masks: {' and '.join(compare_masks)} took boxes or drew spheres instead."]
    return []


def _finite(values: Any) -> bool:
    return bool((values == values).any())


def _about(request: Request, inputs: Inputs) -> About:
    truth, marks = inputs.truth, inputs.marks
    values = {
        "cohort": request.cohort or None,
        "on_phantoms": truth.on_phantoms,
        "model": str(request.model) if request.model is not None else None,
        "method": request.method or None,
        "settings": dict(request.given) or None,
        "compared_with": inputs.compared.title if inputs.compared is not None else None,
    }
    return About(f"Marks of {marks.title}", truth.title, marks.title, values)
