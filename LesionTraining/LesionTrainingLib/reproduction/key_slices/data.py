"""The data: the official split, the list that misses no lesion, phantoms with both, and how they are named in every row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress

from ...cohorts.case import TEST, TRAINING, VALIDATION, Case
from ...cohorts.cohort import Cohort
from ...cohorts.deeplesion import DeepLesionCase
from ...cohorts.deeplesion_rows import TYPES
from ...cohorts.spec import CohortSpec, open_cohort
from ...cohorts.split import official_split
from ..wording import counted

COMPLETE_LIST = "DL_info_complete.csv"
"""Beside ``DL_info.csv``: the same images, and all their lesions, which only phantoms know."""
PARTS = (TRAINING, VALIDATION, TEST)
LEAST_PHANTOMS = 4
_KIND = "coarse_lesion_type"
_UNKNOWN_SIDE = 512


@dataclass(frozen=True, eq=False)
class Parts:
    """The key slices of the official split.

    Attributes:
        training, validation, test: as listed.
        complete: id -> the same key slice with all its lesions; empty where no such list is there.
    """

    training: tuple[Case, ...]
    validation: tuple[Case, ...]
    test: tuple[Case, ...]
    complete: dict[str, Case]

    def with_all_lesions(self, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        """The same key slices by the complete list."""
        return tuple(self.complete[case.id] for case in cases)


def make_phantoms(folder: Path, count: int, protocol: str, seed: int, progress: Progress) -> None:
    """Make ``count`` patients, each with one to three slabs of a body phantom, in DeepLesion's layout; the folder appears whole
    or not at all.

    Raises:
        UsageError: too few, or no such protocol.
        OutputError: the folder cannot be written.
        Cancelled: see ``progress``; nothing is left behind.
    """
    from ...cohorts.phantoms.body_deeplesion import write_deeplesion

    if count < LEAST_PHANTOMS:
        raise UsageError(f"--phantom needs at least {LEAST_PHANTOMS}, for training, validation and test.")
    write_deeplesion(folder, count, protocol, seed, progress)


def parts_of(cohort: Cohort) -> Parts:
    """Who is learned from, who stops the training, who is measured on.

    Raises:
        InputError: a part of the official split is empty, or the complete list cannot be read or lacks an image.
    """
    split = official_split(cohort)
    by_id = {case.id: case for case in cohort.cases}
    parts = {name: tuple(by_id[one] for one in split.parts.get(name, ())) for name in PARTS}
    empty = [name for name in PARTS if not parts[name]]
    if empty:
        raise InputError(
            f"The official split of {cohort.spec} has no image for {empty[0]} (Train_Val_Test in its list). The paper’s rows "
            "need all three parts."
        )
    return Parts(parts[TRAINING], parts[VALIDATION], parts[TEST], _complete(cohort))


def _complete(cohort: Cohort) -> dict[str, Case]:
    folder = Path(CohortSpec.parse(cohort.spec).path)
    if not (folder / COMPLETE_LIST).is_file():
        return {}
    whole = open_cohort(str(CohortSpec("deeplesion", str(folder), {"info": COMPLETE_LIST})))
    found = {case.id: case for case in whole.cases}
    missing = [case.id for case in cohort.cases if case.id not in found]
    if missing:
        raise InputError(f"{folder / COMPLETE_LIST} lacks the image {missing[0]} that is in the other list.")
    return {case.id: found[case.id] for case in cohort.cases}


def edges_of(case: Case, lesions: tuple[Lesion, ...]) -> npt.NDArray[np.float64]:
    """[n, 4] edges (x0, y0, x1, y1) of lesions' boxes in pixels of the case's slices."""
    assert isinstance(case, DeepLesionCase)
    grid = Geometry((case.slices, 1, 1), case.matrix)  # how many pixels a slice has is not asked here
    edges = np.zeros((len(lesions), 4))
    for n, lesion in enumerate(lesions):
        assert lesion.box_ras_mm is not None
        corners = grid.ijk_from_ras(np.array(lesion.box_ras_mm)) + 0.5
        edges[n] = (*corners[:, :2].min(axis=0), *corners[:, :2].max(axis=0))
    return edges


def side_px(case: Case) -> int:
    """The longer side of a case's slices in pixels; DeepLesion's where the list does not say."""
    assert isinstance(case, DeepLesionCase)
    return max(case.key.size) or _UNKNOWN_SIDE


def region_of(lesion: Lesion) -> str:
    """The region of the body, in DeepLesion's words."""
    return TYPES.get(int(lesion.measurements.get(_KIND, -1)), TYPES[-1])


def data_name(cohort: Cohort) -> str:
    """What the data are called in every row that was measured on them."""
    return "phantoms in DeepLesion’s layout" if cohort.on_phantoms else "DeepLesion"


def label(cohort: Cohort, images: int, lesions: int) -> str:
    """``DeepLesion, test split: 4831 images, 4912 lesions``: what a row was measured on."""
    return f"{data_name(cohort)}, test split: {counted(images, 'image')}, {counted(lesions, 'lesion')}"
