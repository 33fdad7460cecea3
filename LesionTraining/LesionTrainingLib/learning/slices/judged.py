"""What was found in single slices, beside the truth, by the rules of DeepLesion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.core.progress import Progress
from torch import Tensor

from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.findings import Findings, ImageFindings
from ...evaluation.matching.outcome import Fate, Outcome
from ...evaluation.metrics.precision_recall import precision_recall
from ..sampling.spread import evenly
from .slices import TrainingSlices

FloatArray = npt.NDArray[np.float64]
ChosenSlice = tuple[TrainingSlices, int]
"""A case, and which of its slices."""
_AT_ONCE = 4
_PIXEL = np.array([0.0, 0.0, 1.0, 1.0])
"""From edges to the first and last pixels that the matcher takes."""


@dataclass(frozen=True, eq=False)
class JudgedSlice:
    """One slice. m = boxes that were found, k = lesions; boxes are edges in pixels of the input.

    Attributes:
        name: of the slice.
        boxes: [m, 4].
        probability: [m] falling.
        scores: [m] by which they are ranked.
        truth: [k, 4].
        diameters_mm: [k].
        kinds: [k] what each lesion is; empty where that is not known.
    """

    name: str
    boxes: FloatArray
    probability: FloatArray
    scores: FloatArray
    truth: FloatArray
    diameters_mm: FloatArray
    kinds: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, chosen: ChosenSlice, boxes: FloatArray, probability: FloatArray, scores: FloatArray | None = None
    ) -> JudgedSlice:
        """Boxes that were found in a slice, beside its lesions; the probabilities are the scores where none are given."""
        case, n = chosen
        own = case.lesions(n)
        kinds = tuple(case.kinds[index] for index in own) if case.kinds else ()
        ranked = probability if scores is None else scores
        return cls(case.names[n], boxes, probability, ranked, case.boxes[own], case.diameters_mm[own], kinds)

    def outcome(self, policy: DeepLesion | None = None) -> Outcome:
        """What the matcher makes of it, by the scores."""
        image = ImageFindings(
            self.name, _findings(self.truth, self.diameters_mm), _findings(self.boxes, None, self.scores)
        )
        return (policy or DeepLesion()).match(image)


def chosen_slices(cases: Sequence[TrainingSlices], most: int = 0) -> list[ChosenSlice]:
    """All slices of cases, or so many, evenly spread."""
    every = [(one, n) for one in cases for n in range(len(one))]
    return evenly(every, most) if most else every


def inputs_of(
    slices: Sequence[ChosenSlice], window_hu: tuple[float, float], progress: Progress
) -> Iterator[tuple[Sequence[ChosenSlice], npt.NDArray[np.float32]]]:
    """Some slices after the other, with their inputs, [n, 3, s, s] in [-1, 1].

    Raises:
        Cancelled: between them.
    """
    for start in range(0, len(slices), _AT_ONCE):
        progress(start / len(slices), f"Boxes in slice {start + 1} of {len(slices)}")
        part = slices[start : start + _AT_ONCE]
        yield part, np.stack([in_network(case.planes[n], window_hu) for case, n in part])


def in_network(planes_hu: npt.NDArray[np.int16], window: tuple[float, float]) -> npt.NDArray[np.float32]:
    """[3, s, s] prepared planes in [-1, 1]."""
    low, high = window
    scaled = (planes_hu.astype(np.float32) - np.float32(low)) * np.float32(2 / (high - low)) - 1
    return np.asarray(np.clip(scaled, -1, 1), dtype=np.float32)


def as_rows(judged: Sequence[JudgedSlice], most: int) -> Tensor:
    """What the average precision needs of slices, as many numbers of each, so that processes can put theirs together.

    Args:
        most: boxes in a slice.

    Returns:
        [n, most + 1, 2]: of each mark that counts its score and whether it is a hit, then not numbers; and last how many
        lesions there are, twice.
    """
    rows = torch.full((len(judged), most + 1, 2), float("nan"), dtype=torch.float64)
    for row, one in zip(rows, judged, strict=True):
        outcome = one.outcome()
        counts = np.flatnonzero((outcome.fates == Fate.HIT) | (outcome.fates == Fate.FALSE))
        hits = outcome.fates[counts] == Fate.HIT
        row[: len(counts)] = torch.from_numpy(np.stack([outcome.mark_scores[counts], hits], axis=1))
        row[most] = float(len(outcome.lesion_marks))
    return rows


def average_precision(rows: Tensor) -> float:
    """Average precision at an IoU of .5, which with one kind of lesion is the mAP; not a number without lesions.

    A further mark on a lesion that was found counts for nothing, as DeepLesion's rules have it.

    Args:
        rows: see :func:`as_rows`; of all slices.
    """
    marks = rows[:, :-1].reshape(-1, 2).cpu().numpy()
    marks = marks[np.isfinite(marks[:, 0])]
    return precision_recall(marks[:, 0], marks[:, 1] > 0, int(rows[:, -1, 0].sum())).coco_average_precision()


def _findings(boxes: FloatArray, diameters_mm: FloatArray | None, scores: FloatArray | None = None) -> Findings:
    """Edges as the matcher's pixels; the places in the patient are not asked for."""
    count = len(boxes)
    return Findings(
        np.zeros((count, 3)),
        np.full(count, np.nan) if diameters_mm is None else diameters_mm,
        np.ones(count) if scores is None else scores,
        pixel_boxes=boxes - _PIXEL,
    )
