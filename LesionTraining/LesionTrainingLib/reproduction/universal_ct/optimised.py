"""The anchors of all rows but the original's: the paper's, or those found on the validation split; kept with how they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.anchor_file import NAME, Anchors, read_anchors, write_anchors
from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture

from ...anchors.comparison import Fit, compare, contenders
from ...anchors.overlap import fold
from ...anchors.search import SearchSettings, find_anchors
from ...cohorts.caching.locks import FileLock
from ...cohorts.case import Case
from ...evaluation.output.tables import Table
from ..contract import Job
from ..key_slices.data import edges_of, side_px

LOCK = ".anchors-lock"


@dataclass(frozen=True, eq=False)
class Optimised:
    """Attributes:
    anchors: that the networks get.
    searched: whether they were found here; else they are the settings'.
    fits: how they and others fit the boxes of the validation split.
    boxes: how many those are.
    """

    anchors: Anchors
    searched: bool
    fits: tuple[Fit, ...]
    boxes: int


def optimised(
    job: Job, cases: Sequence[Case], full: UniversalArchitecture, size_px: int, *, search: bool, progress: Progress
) -> Optimised:
    """The anchors: where they are searched for, once, with the result kept in the job's folder.

    Args:
        cases: the validation split.
        full: of the last row: its own anchors are taken where none are searched for.
        size_px: of the network's input.

    Raises:
        InputError: no box to search with, or kept anchors that cannot be read.
    """
    sides, size_mm = sides_of(cases, size_px)
    anchors = Anchors(full.sizes, full.scales, full.ratios)
    if search:
        if not len(sides):
            raise InputError("The validation split has no lesion to find anchors with.")
        path = job.folder / NAME
        with FileLock(job.folder / LOCK).held(lambda: progress(0.0, "Waiting for the anchors"), remove=True):
            if not path.exists():
                found = find_anchors(fold(sides), SearchSettings(sizes=full.sizes, seed=job.seed), progress)
                write_anchors(
                    path, found.anchors, {"note": "Found on the validation split.", "mean_iou": found.mean_iou}
                )
        anchors = read_anchors(path)
    fits = compare(sides, size_mm, contenders(anchors)) if len(sides) else ()
    return Optimised(anchors, search, fits, len(sides))


def sides_of(cases: Sequence[Case], size_px: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """[n, 2] width and height in pixels of the network's input, and [n] longer diameter in mm, of all listed lesions."""
    sides, size_mm = [np.zeros((0, 2))], list[float]()
    for case in cases:
        lesions = case.truth().lesions
        edges = edges_of(case, lesions)
        scale = size_px / side_px(case)
        sides.append((edges[:, 2:] - edges[:, :2]) * scale)
        size_mm += [lesion.diameter_mm for lesion in lesions]
    return np.concatenate(sides), np.array(size_mm, dtype=np.float64)


def anchors_table(found: Optimised, data: str) -> Table:
    """How the anchors and others fit the boxes of the validation split."""
    rows = tuple(
        (
            fit.contender.name if n else "of the networks",
            ", ".join(f"{scale:.3f}" for scale in fit.contender.anchors.scales),
            ", ".join(f"{ratio:.2f}" for ratio in fit.contender.anchors.ratios if ratio >= 1),
            fit.mean,
            fit.unreached,
            fit.placed_unreached,
        )
        for n, fit in enumerate(found.fits)
    )
    how = "found here" if found.searched else "those of the settings"
    caption = (
        f"How anchors fit the {found.boxes} boxes of the validation split of {data}; the networks have the first ones, {how}. Ratios: "
        "height over width, those below 1 are the reciprocals. Unreached: share of boxes that overlap no anchor with an IoU of 0.5, "
        "with the same centre, and where anchors lie on the grids."
    )
    columns = ("anchors", "scales", "ratios", "mean best IoU", "unreached", "unreached, on the grids")
    return Table(columns, rows, caption)
