"""Running the screening network on training scans, to see where it is wrong and where it puts its candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.preprocessing import prepare
from LesionDetectionLib.methods.nodule_ct.screening import Candidates, screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from .positions import Places, is_clear
from .scans import TrainingScan
from .settings import SamplingSettings


@dataclass(frozen=True, eq=False)
class Mined:
    """Candidates on the training scans.

    Attributes:
        negatives: far from every nodule: hard negatives.
        proposals: within the radius of a nodule, with that nodule's index.
    """

    negatives: Places
    proposals: Places


def scan_candidates(
    scan: TrainingScan, network: ScreeningFCN, settings: NoduleSettings, device: torch.device
) -> Candidates:
    """The candidates of one training scan, by the very code that detects."""
    return screen(prepare(scan.image, settings), network, settings, device)


def mine(
    scans: Sequence[TrainingScan],
    which: Sequence[int],
    network: ScreeningFCN,
    settings: NoduleSettings,
    threshold: float,
    most: int,
    sampling: SamplingSettings,
    device: torch.device,
    progress: Progress,
) -> Mined:
    """Candidates above ``threshold``, at most ``most`` a scan, sorted into hard negatives and proposals.

    Args:
        scans: the training scans.
        which: indices of those to run on.

    Raises:
        Cancelled: see ``progress``.
    """
    eager = replace(settings, candidate_threshold=threshold, most_candidates=most)
    negatives, proposals = [], []
    for done, index in enumerate(which):
        progress(done / len(which), "Mining")
        scan = scans[index]
        zyx = scan.geometry.ijk_from_ras(scan_candidates(scan, network, eager, device).ras_mm)[:, ::-1]
        negatives.append((index, zyx[is_clear(zyx, scan, sampling)], None))
        if len(scan.diameters_mm):
            away = np.linalg.norm((zyx[:, None] - scan.nodules_zyx) * scan.spacing_zyx, axis=2)
            nearest = away.argmin(axis=1)
            inside = away[np.arange(len(zyx)), nearest] < scan.diameters_mm[nearest] / 2
            proposals.append((index, zyx[inside], nearest[inside]))
    return Mined(Places.join(negatives), Places.join(proposals))
