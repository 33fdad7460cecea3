"""A region to look in, which a user may give to any method: whether it makes sense, and what is said of it."""

from __future__ import annotations

import math

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.lesion import Point

Region = tuple[Point, Point]
"""A box along the patient's axes, RAS mm: lowest and highest corner."""

LEAST_SIDE_MM = 5.0
"""Scores of some methods lie up to 3 mm apart: in a smaller region there may be none."""


def check_region(region_ras_mm: Region | None) -> None:
    """Raises UsageError where a region is too small, turned inside out, or without end."""
    if region_ras_mm is None:
        return
    sides = [high - low for low, high in zip(*region_ras_mm, strict=True)]
    if not all(LEAST_SIDE_MM <= side < math.inf for side in sides):
        told = " x ".join(f"{side:g}" for side in sides)
        raise UsageError(
            f"The region to look in has {told} mm; it needs at least {LEAST_SIDE_MM:g} mm in each direction."
        )


def nothing_there(lungs_only: bool) -> InputError:
    """The error where nothing of what is searched lies in the region."""
    where = "no lung" if lungs_only else "nothing of the scan"
    return InputError(f"There is {where} in the region to look in. Move it over the lungs, or make it larger.")


def region_note(region_ras_mm: Region, what: str) -> str:
    """The sentence beside results; ``what`` was looked for, as its first word."""
    told = " x ".join(f"{high - low:.0f}" for low, high in zip(*region_ras_mm, strict=True))
    return f"{what} were looked for in a region of {told} mm only, not in the whole scan."
