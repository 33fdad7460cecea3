"""autoPET: Dice, and the volumes of connected components that overlap nothing of the other side.

Source: Gatidis et al., "Results from the autoPET challenge", Nature Machine Intelligence 2024, and the organisers'
evaluation script: components are 18-connected, volumes in millilitres. It knows no scores: what is marked is what the
operating point shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.lesion import Mask

from .drawing import LATTICE, crop_of, drawn, groups_that_touch, moved
from .findings import BoolArray, FloatArray, ImageFindings, IntArray
from .outcome import Fate, Outcome
from .overlap import shared_voxels
from .policy import SHARED_VOXELS, Policy, fates_of, lesions_of_marks, require_finite_scores

CONNECTIVITY = 2
"""Steps that two neighbours may differ by in sum of their indices: 2 gives 18 neighbours."""


@dataclass(frozen=True)
class Volumes:
    """One image's volumes in mL.

    Attributes:
        truth_ml, marked_ml, shared_ml: of all lesions together, of all marks shown, of both.
        false_positive_ml: of the marked components that overlap no lesion.
        false_negative_ml: of the lesion components that overlap no mark.
    """

    truth_ml: float
    marked_ml: float
    shared_ml: float
    false_positive_ml: float
    false_negative_ml: float

    @property
    def dice(self) -> float:
        """Overlap of all that is marked with all lesions; NaN where there is no lesion, as the challenge leaves it out."""
        return 2 * self.shared_ml / (self.truth_ml + self.marked_ml) if self.truth_ml else float("nan")


@dataclass(frozen=True)
class AutoPet(Policy):
    """Attributes:
    least_score: the operating point: marks that score less are not shown.
    """

    name: ClassVar[str] = "autopet"
    title: ClassVar[str] = "autoPET, masks as the organisers' script compares them"
    rule: ClassVar[str] = (
        "All marks that the operating point shows are one mask, all lesions another. A connected component (18 "
        "neighbours) of marks that shares no voxel with any lesion is a false positive, a component of lesions that "
        "shares none with any mark is missed; scores do not count. Dice of the two masks, and the volumes of false "
        "positive and missed components. Excluded findings are not known. Where there is no mask, a sphere is drawn."
    )
    measures: ClassVar[str] = SHARED_VOXELS
    rates: ClassVar[tuple[float, ...]] = ()
    averaged: ClassVar[int] = 0

    least_score: float = float("-inf")

    def match(self, image: ImageFindings) -> Outcome:
        """See :meth:`.policy.Policy.match`."""
        return self.measure(image)[0]

    def measure(self, image: ImageFindings) -> tuple[Outcome, Volumes]:
        """The outcome and the volumes."""
        scores = image.marks.scores
        require_finite_scores(scores)
        lesions, marks = drawn(image.truth, image.geometry), drawn(image.marks, image.geometry)
        parts = _Parts(len(lesions), len(marks))
        masks = [*lesions, *(mark for mark, score in zip(marks, scores, strict=True) if score >= self.least_score)]
        owners = [*range(len(lesions)), *(len(lesions) + np.flatnonzero(scores >= self.least_score)).tolist()]
        for group in groups_that_touch(tuple(masks)):
            parts.add([masks[index] for index in group], [owners[index] for index in group])
        shown = scores >= self.least_score
        lesion_marks = parts.credited()
        fates = fates_of(len(scores), parts.false_marks, lesion_marks)
        fates[~shown] = Fate.NOT_SHOWN
        outcome = Outcome(
            policy=self.name,
            image=image.image,
            values=parts.shared,
            limits=np.zeros(len(lesions)),
            excluded_values=np.zeros((0, len(scores))),
            excluded_limits=np.zeros(0),
            fates=fates,
            mark_lesions=lesions_of_marks(parts.reached, lesion_marks),
            mark_excluded=np.full(len(scores), -1, dtype=np.intp),
            lesion_marks=lesion_marks,
            lesion_hits=(parts.reached > 0).sum(axis=1),
            mark_scores=scores,
            diameters_mm=image.truth.diameters_mm,
            patient=image.patient,
        )
        return outcome, parts.volumes((image.geometry or LATTICE).voxel_volume_mm3 / 1000)


class _Parts:
    """What is gathered group by group. T = lesions, M = marks.

    Attributes:
        shared: [T, M] voxels that a lesion and a mark have in common.
        reached: [T, M] voxels that a mark has in common with the components that a lesion is part of.
        false_marks: [M] marks of which no component overlaps a lesion.
        counts: voxels of truth, of marks, of both, of false positive components, of missed components.
    """

    def __init__(self, lesions: int, marks: int) -> None:
        self.shared: FloatArray = np.zeros((lesions, marks))
        self.reached: FloatArray = np.zeros((lesions, marks))
        self.false_marks: BoolArray = np.ones(marks, dtype=bool)
        self.counts = np.zeros(5, dtype=np.int64)

    def add(self, masks: list[Mask], owners: list[int]) -> None:
        """One group of masks that may touch; an owner less than T is a lesion, from T on a mark."""
        from scipy.ndimage import generate_binary_structure, label

        lesions = len(self.shared)
        shape, start = crop_of(masks)
        own = [(owner, moved(mask, start)) for owner, mask in zip(owners, masks, strict=True)]
        truth, marked = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        for owner, mask in own:
            (truth if owner < lesions else marked)[mask.slices_kji] |= mask.voxels
        structure = generate_binary_structure(3, CONNECTIVITY)
        truth_labels, _ = label(truth, structure)
        mark_labels, _ = label(marked, structure)
        both = truth & marked
        found, touching = _present(truth_labels, both), _present(mark_labels, both)
        self.counts += (
            np.count_nonzero(truth),
            np.count_nonzero(marked),
            np.count_nonzero(both),
            np.count_nonzero(marked & ~touching[mark_labels]),
            np.count_nonzero(truth & ~found[truth_labels]),
        )
        for owner, mask in own:
            if owner >= lesions:
                inside = mark_labels[mask.slices_kji][mask.voxels]
                self.false_marks[owner - lesions] = not touching[inside].any()
        self._pairs(
            [pair for pair in own if pair[0] < lesions], [pair for pair in own if pair[0] >= lesions], truth_labels
        )

    def _pairs(
        self, lesions: list[tuple[int, Mask]], marks: list[tuple[int, Mask]], labels: npt.NDArray[np.int32]
    ) -> None:
        """Fill in what each lesion and mark of a group have in common; labels [k, j, i] are the truth's components."""
        components = [_present(labels[m.slices_kji], m.voxels, int(labels.max())) for _, m in lesions]
        for owner, mark in marks:
            column = owner - len(self.shared)
            under = np.bincount(labels[mark.slices_kji][mark.voxels], minlength=int(labels.max()) + 1)
            for (lesion, mask), component in zip(lesions, components, strict=True):
                self.shared[lesion, column] = shared_voxels(mask, mark)
                self.reached[lesion, column] = under[component].sum()

    def credited(self) -> IntArray:
        """[T] the mark that shares the most voxels with the lesion, else with its component; -1 for none."""
        if not self.shared.size:
            return np.full(len(self.shared), -1, dtype=np.intp)
        direct, through = self.shared.argmax(axis=1), self.reached.argmax(axis=1)
        best = np.where(self.shared.max(axis=1) > 0, direct, through)
        return np.where(self.reached.max(axis=1) > 0, best, -1)

    def volumes(self, voxel_ml: float) -> Volumes:
        return Volumes(*(float(count * voxel_ml) for count in self.counts))


def _present(labels: npt.NDArray[np.int32], where: BoolArray, most: int | None = None) -> BoolArray:
    """[L + 1] which components have a voxel in ``where``; never the background, 0."""
    present = np.zeros((int(labels.max()) if most is None else most) + 1, dtype=bool)
    present[np.unique(labels[where])] = True
    present[0] = False
    return present
