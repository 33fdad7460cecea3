"""First stage: score every place in the lungs, keep the peaks (Dou et al., MICCAI 2017, section 2.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.suppression import suppress_near

from ..device import narrow_format
from .confirming import Confirmation
from .network import ScreeningFCN
from .peaks import peaks
from .preprocessing import PreparedScan
from .scores import ScoreVolume, score_volume, searched
from .settings import NoduleSettings

__all__ = ["Candidates", "ScoreVolume", "score_volume", "screen"]

FloatArray = npt.NDArray[np.float64]

STEPS = (0.0, 0.6, 0.7, 0.8)
"""Where, of screening's progress, the 16-bit volume begins and confirming with a first and a second threshold; at the end
there is room for the float32 volume."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places that may be nodules, the most probable first.

    Attributes:
        ijk: [n, 3] continuous index (i, j, k) on the working grid of the prepared scan.
        ras_mm: [n, 3] the same places in RAS mm.
        probability: [n] of the screening network.
    """

    ijk: FloatArray
    ras_mm: FloatArray
    probability: FloatArray

    def __len__(self) -> int:
        return len(self.probability)


def screen(
    prepared: PreparedScan,
    network: ScreeningFCN,
    settings: NoduleSettings,
    device: torch.device,
    progress: Progress | None = None,
) -> Candidates:
    """Candidates: peaks of the score volume that pass the threshold, by 3D non-maximum suppression.

    They are those of the float32 volume. Where the device multiplies a 16-bit format several times faster, the volume is
    computed in that, and in float32 around each place that could be a candidate by it; see :mod:`.confirming`.

    Raises:
        DeviceError: the memory is full even with the smallest tile.
        Cancelled: when the user cancelled.
    """
    progress = progress or Progress()
    threshold = _logit(settings.candidate_threshold)
    number = narrow_format(device)
    if number is not None and threshold < math.inf:
        rough = score_volume(prepared, network, device, progress.part(0, STEPS[1]), number=number)
        confirmation = Confirmation(prepared, network, device, rough)
        for least, begins in zip(_thresholds(rough, prepared, settings, threshold), STEPS[1:3], strict=False):
            found = confirmation.peaks(least, progress.part(begins, begins + 0.1))
            if found is None:
                break
            candidates = _apart(*found, rough, prepared, settings)
            # Suppression goes from the highest score downwards: what lies below the last one kept changes nothing.
            if least == threshold or len(candidates) == settings.most_candidates:
                return candidates
        progress = progress.part(STEPS[3], 1)
    exact = score_volume(prepared, network, device, progress)
    zyx = peaks(exact.logits, searched(prepared, exact.stride_zyx), threshold)
    return _apart(zyx, exact.logits[tuple(zyx.T)], exact, prepared, settings)


def _apart(
    zyx: npt.NDArray[np.intp],
    scores: npt.NDArray[np.float32],
    volume: ScoreVolume,
    prepared: PreparedScan,
    settings: NoduleSettings,
) -> Candidates:
    ijk, logits = volume.ijk(zyx), scores.astype(np.float64)
    ras_mm = prepared.geometry.ras_from_ijk(ijk)
    # The logit, not the probability, decides: rounded to float32, all probabilities above 0.99999997 are 1.
    kept = suppress_near(ras_mm, logits, settings.candidate_distance_mm, settings.most_candidates)
    return Candidates(ijk[kept], ras_mm[kept], expit(logits[kept]))


def _thresholds(rough: ScoreVolume, prepared: PreparedScan, settings: NoduleSettings, threshold: float) -> list[float]:
    """Where to look first, and then: with a low threshold, only for what fills the list of candidates, and some more."""
    zyx = peaks(rough.logits, searched(prepared, rough.stride_zyx), threshold)
    if len(zyx) <= settings.most_candidates:
        return [threshold]
    logits = rough.logits[tuple(zyx.T)].astype(np.float64)
    ras_mm = prepared.geometry.ras_from_ijk(rough.ijk(zyx))
    enough = settings.most_candidates + settings.most_candidates // 8 + 8
    kept = suppress_near(ras_mm, logits, settings.candidate_distance_mm, enough)
    return [float(logits[kept[-1]]), threshold] if len(kept) == enough else [threshold]


def _logit(probability: float) -> float:
    if probability <= 0:
        return -math.inf
    return math.inf if probability >= 1 else math.log(probability / (1 - probability))
