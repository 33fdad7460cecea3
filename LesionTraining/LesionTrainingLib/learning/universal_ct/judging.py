"""What a network finds in single slices, beside the truth, by the rules of DeepLesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.calibration import calibrated
from LesionDetectionLib.methods.universal_ct.engine import Limits, SliceBoxes, SliceEngine
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings
from torch import Tensor

from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.findings import Findings, ImageFindings
from ...evaluation.matching.outcome import Fate, Outcome
from ...evaluation.metrics.precision_recall import precision_recall
from ..sampling.spread import evenly
from .slices import TrainingSlices

FloatArray = npt.NDArray[np.float64]
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
        scores: [m] calibrated by the mask, if the network has one.
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

    def outcome(self, policy: DeepLesion | None = None) -> Outcome:
        """What the matcher makes of it, by the calibrated scores."""
        image = ImageFindings(
            self.name, _findings(self.truth, self.diameters_mm), _findings(self.boxes, None, self.scores)
        )
        return (policy or DeepLesion()).match(image)


def judge_slices(
    network: UniversalNetwork,
    cases: Sequence[TrainingSlices],
    method: UniversalSettings,
    device: torch.device,
    progress: Progress,
    most: int = 0,
) -> list[JudgedSlice]:
    """The boxes that a network finds in slices, beside the lesions in them, as the detector would find them there.

    Args:
        network: in evaluation mode, on ``device``.
        method: least score, suppression of boxes and how scores are calibrated.
        most: at most so many slices, evenly spread over all; 0 for all.

    Raises:
        Cancelled: see ``progress``.
        DeviceError: not even one slice fits into the memory.
    """
    return judge_each(SliceEngine(network, device), chosen_slices(cases, most), method, progress)


def chosen_slices(cases: Sequence[TrainingSlices], most: int = 0) -> list[tuple[TrainingSlices, int]]:
    """All slices of cases, or so many, evenly spread."""
    every = [(one, n) for one in cases for n in range(len(one))]
    return evenly(every, most) if most else every


def judge_each(
    engine: SliceEngine, slices: Sequence[tuple[TrainingSlices, int]], method: UniversalSettings, progress: Progress
) -> list[JudgedSlice]:
    """As :func:`judge_slices`, of chosen slices."""
    limits = Limits(method.least_score, nms_iou=method.nms_iou, most_boxes=method.most_boxes)
    judged: list[JudgedSlice] = []
    for start in range(0, len(slices), _AT_ONCE):
        progress(start / len(slices), f"Boxes in slice {start + 1} of {len(slices)}")
        part = slices[start : start + _AT_ONCE]
        inputs = np.stack([in_network(case.planes[n], method.window_hu) for case, n in part])
        for (case, n), found in zip(part, engine.run(inputs, limits), strict=True):
            judged.append(_judged(case, n, found, method))
    return judged


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


def _judged(case: TrainingSlices, n: int, found: SliceBoxes, method: UniversalSettings) -> JudgedSlice:
    scores, _ = calibrated(found, method)
    own = case.lesions(n)
    kinds = tuple(case.kinds[index] for index in own) if case.kinds else ()
    return JudgedSlice(
        case.names[n], found.boxes, found.probability, scores, case.boxes[own], case.diameters_mm[own], kinds
    )


def _findings(boxes: FloatArray, diameters_mm: FloatArray | None, scores: FloatArray | None = None) -> Findings:
    """Edges as the matcher's pixels; the places in the patient are not asked for."""
    count = len(boxes)
    return Findings(
        np.zeros((count, 3)),
        np.full(count, np.nan) if diameters_mm is None else diameters_mm,
        np.ones(count) if scores is None else scores,
        pixel_boxes=boxes - _PIXEL,
    )
