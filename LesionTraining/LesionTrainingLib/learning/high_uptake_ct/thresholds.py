"""The two thresholds, each alone so that precision equals recall on the training slices (paper, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.blobs import slice_blobs
from LesionDetectionLib.methods.high_uptake_ct.dense import DenseSimilarity
from LesionDetectionLib.methods.high_uptake_ct.network import PatchNetwork
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings
from LesionDetectionLib.methods.intensities import scaled

from ...evaluation.blob_detection import (
    RESPONSE,
    SIZE,
    JudgedBlobs,
    JudgedSlice,
    ScoredSlice,
    equal_point,
    section_diameters_mm,
)
from ..sampling.spread import evenly
from .slices import TrainingSlices


@dataclass(frozen=True)
class Thresholds:
    """T_R and T_S, and what each alone comes to where it was found.

    Attributes:
        least_response: T_R, similarity.
        least_area_px: T_S, pixels of the working grid.
        response, size: (precision, recall) on the slices that they were found on; NaN where not defined.
    """

    least_response: float
    least_area_px: int
    response: tuple[float, float]
    size: tuple[float, float]


def equal_precision_recall(slices: Sequence[JudgedBlobs]) -> Thresholds:
    """T_R with T_S at 0, and T_S with T_R at 0; where precision equals recall as nearly as can be."""
    response, size = equal_point(slices, RESPONSE), equal_point(slices, SIZE)
    return Thresholds(
        response.threshold,
        round(size.threshold),
        (response.precision, response.recall),
        (size.precision, size.recall),
    )


def judge_slices(
    network: PatchNetwork,
    cases: Sequence[TrainingSlices],
    method: HighUptakeSettings,
    device: torch.device,
    progress: Progress,
    most: int = 0,
) -> list[JudgedSlice]:
    """The blobs that a network finds in slices, beside the active lesions in them, as the detector would find them there.

    Args:
        network: in evaluation mode, on ``device``.
        cases: whose slices are looked at where ``method`` looks: in the lungs' hull, or everywhere.
        most: at most so many slices, evenly spread over all; 0 for all.

    Raises:
        Cancelled: see ``progress``.
    """
    every = [(one, n) for one in cases for n in range(len(one))]
    chosen = evenly(every, most) if most else every
    dense = DenseSimilarity(network, device)
    judged = []
    for done, (one, n) in enumerate(chosen):
        progress(done / len(chosen), f"Lesion similarity of slice {done + 1} of {len(chosen)}")
        judged.append(score_slice(dense, one, n, method).judged())
    return judged


def score_slice(dense: DenseSimilarity, one: TrainingSlices, n: int, method: HighUptakeSettings) -> ScoredSlice:
    """One slice: its blobs and its lesions."""
    similarity = dense(scaled(one.stack(n), method.unit_window_hu), one.search(n))
    lesions = one.lesions(n)
    return ScoredSlice(one.name, slice_blobs(similarity), lesions, section_diameters_mm(lesions, one.geometry))
