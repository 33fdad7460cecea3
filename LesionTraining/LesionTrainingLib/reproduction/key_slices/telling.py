"""What makes figures that were measured on key slices mean less than they seem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...cohorts.cohort import LeftOut
from ...evaluation.scoring.free_response import FEW_IMAGES
from ..contract import Job
from ..wording import counted, unused


def trial_warnings(job: Job, preset: object) -> list[str]:
    """Of a preset that is not the paper's, and of settings that are not the preset's.

    Args:
        preset: the settings of the job's preset.
    """
    told = list[str]()
    if job.preset != "paper":
        told.append(
            f"Preset “{job.preset}”: smaller networks and far fewer steps than the paper’s, and no weights of ImageNet to begin with. "
            "“--preset paper” has its sizes."
        )
    if job.settings != preset:
        told.append(f"Some settings are not those of the preset “{job.preset}”; tables.json has all.")
    return told


def image_warnings(
    job: Job, images: int, left_out: Sequence[LeftOut], not_learned: Iterable[Sequence[str]]
) -> list[str]:
    """Of few images, of those that could not be used, and what the data say of themselves.

    Args:
        images: that were measured on.
        left_out: test images that could not be looked at; several rows may have the same.
        not_learned: case and reason of images that could not be learned from.
    """
    told = list[str]()
    if images < FEW_IMAGES:
        told.append(f"Measured on only {counted(images, 'image')}: the intervals are too narrow.")
    if left_out:
        first, count = left_out[0], len({one.case for one in left_out})
        told.append(
            f"{counted(count, 'test image')} could not be looked at and count as without marks. The first, {first.case}: {first.reason}"
        )
    lost = {tuple(pair) for pair in not_learned}
    if lost:
        case, reason = min(lost)
        told.append(f"{counted(len(lost), 'image')} could not be learned from. The first, {case}: {reason}")
    return [*told, *unused(job.cohort.left_out), *job.cohort.notes]
