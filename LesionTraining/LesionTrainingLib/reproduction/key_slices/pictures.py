"""Key slices with the boxes of their lesions and of marks, in the colours of what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.core.lesion import Lesion

from ...cohorts.case import Case
from ...evaluation.matching.outcome import MISSED, Fate, Outcome
from ...evaluation.output.box_tiles import FALSE, HIT, IGNORED, TRUTH, BoxPicture, DrawnBox
from ..showing import body_part
from ..wording import counted
from .data import edges_of, region_of
from .marks import Marks, MarkStore

SOFT_HU = (-160.0, 240.0)
_KINDS = {Fate.HIT: HIT, Fate.FALSE: FALSE, Fate.SECOND: IGNORED}
Part = tuple[slice, slice]
"""Rows and columns of a slice."""


@dataclass(frozen=True, eq=False)
class Example:
    """A lesion of an image. Attributes: case; index of the lesion among those of the case; lesion, region."""

    case: Case
    index: int
    lesion: Lesion
    region: str


@dataclass(frozen=True, eq=False)
class Shown:
    """What is drawn of: the marks and outcomes of one row.

    Attributes:
        store: of its marks.
        outcomes: of all images that may be shown, by case id.
        threshold: marks below it are not drawn.
    """

    store: MarkStore
    outcomes: dict[str, Outcome]
    threshold: float


def examples_of(case: Case) -> list[Example]:
    """Each lesion of an image as one."""
    return [Example(case, index, lesion, region_of(lesion)) for index, lesion in enumerate(case.truth().lesions)]


def by_outcome(cases: Sequence[Case], shown: Shown, count: int) -> list[Example]:
    """So many examples: found lesions of rising size, and last one that is missed, or more where too few are found."""
    found, missed = list[Example](), list[Example]()
    for case in cases:
        outcome = shown.outcomes[case.id]
        for one in examples_of(case):
            hit = outcome.lesion_scores[one.index] >= shown.threshold and outcome.lesion_scores[one.index] > MISSED
            (found if hit else missed).append(one)
    for some in (found, missed):
        some.sort(key=lambda one: (one.lesion.diameter_mm, one.case.id, one.index))
    wanted = min(len(found), max(1, count - 1) if missed else count)
    last = spread(missed, count - wanted) if count - wanted > 1 else missed[len(missed) // 2 :][: count - wanted]
    return [*spread(found, wanted), *last]


def spread(rising: Sequence[Example], count: int) -> list[Example]:
    """So many at most, the first and the last among them."""
    places = np.linspace(0, len(rising) - 1, min(count, len(rising))).round().astype(int).tolist() if rising else []
    return [rising[place] for place in dict.fromkeys(places)]


def whole(one: Example, shown: Shown, window: tuple[float, float], before: str = "") -> BoxPicture:
    """The patient in the slice, above it the lesion and what was found.

    Args:
        before: text before the lesion's size; the region where it is empty.
    """
    image = one.case.images()[CT]
    hu = middle(image)
    boxes = boxes_of(one.case, shown)
    outcome = shown.outcomes[one.case.id]
    hit = (outcome.lesion_scores >= shown.threshold) & (outcome.lesion_scores > MISSED)
    false = sum(box.kind == FALSE for box in boxes)
    told = f"{int(hit.sum())} of {len(hit)} found, {counted(false, 'false', 'false')}"
    title = f"{before or one.region}, {one.lesion.diameter_mm:.0f} mm\n{told}"
    return picture(title, hu, body_part(hu), window, image, boxes)


def picture(
    title: str,
    hu: npt.NDArray[np.float64],
    part: Part,
    window: tuple[float, float],
    image: Image,
    boxes: Sequence[DrawnBox],
    heat: npt.NDArray[np.float64] | None = None,
) -> BoxPicture:
    """A part of a slice, with boxes that are given in pixels of the whole one."""
    top, left = part[0].start, part[1].start
    moved = [
        replace(box, edges=(box.edges[0] - left, box.edges[1] - top, box.edges[2] - left, box.edges[3] - top))
        for box in boxes
    ]
    x_mm, y_mm, _ = image.spacing_mm
    return BoxPicture(title, hu[part], window, (y_mm, x_mm), tuple(moved), None if heat is None else heat[part])


def boxes_of(case: Case, shown: Shown) -> list[DrawnBox]:
    """The truth, and over it the marks, best last."""
    marks = shown.store.get(case.id) or Marks(np.zeros((0, 4)), np.zeros(0))
    outcome = shown.outcomes[case.id]
    order = [n for n in np.argsort(marks.scores, kind="stable") if marks.scores[n] >= shown.threshold]
    found = [
        DrawnBox(_KINDS[Fate(int(outcome.fates[n]))], _four(marks.edges[n]), float(marks.scores[n])) for n in order
    ]
    truth = [DrawnBox(TRUTH, _four(edges), float("nan")) for edges in edges_of(case, case.truth().lesions)]
    return [*truth, *found]


def middle(image: Image) -> npt.NDArray[np.float64]:
    """[j, i] HU of the key slice."""
    return np.asarray(image.voxels[len(image.voxels) // 2], dtype=np.float64)


def _four(edges: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    a, b, c, d = (float(n) for n in edges)
    return a, b, c, d
