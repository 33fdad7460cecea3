"""What is fixed on validation scans, which no network was fitted on: the candidate threshold and the operating points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ...evaluation.froc import ScanMatch, cpm, false_positives_per_scan, froc, match_scan, threshold_at_rate
from .mining import scan_candidates
from .scans import TrainingScan
from .settings import PAPER_THRESHOLD, RecipeSettings


@dataclass(frozen=True)
class CandidateThreshold:
    """The chosen threshold, and what it lets through on the validation scans.

    Attributes:
        threshold: screening probability.
        sensitivity: share of the nodules with a candidate within their radius.
        false_per_scan: candidates within no nodule's radius, per scan.
    """

    threshold: float
    sensitivity: float
    false_per_scan: float


def choose_candidate_threshold(
    scans: Sequence[TrainingScan],
    network: ScreeningFCN,
    nodule: NoduleSettings,
    settings: RecipeSettings,
    device: torch.device,
    progress: Progress,
) -> CandidateThreshold:
    """The lowest threshold with at most ``settings.candidates_per_scan`` false candidates a scan, within limits.

    Raises:
        Cancelled: see ``progress``.
    """
    eager = replace(nodule, candidate_threshold=settings.least_candidate_threshold)
    matches = []
    for index, scan in enumerate(scans):
        progress(index / len(scans), "Candidates on validation scans")
        found = scan_candidates(scan, network, eager, device)
        matches.append(match_scan(found.ras_mm, found.probability, scan.nodules_ras_mm, scan.diameters_mm))
    lowest = threshold_at_rate(matches, settings.candidates_per_scan)
    threshold = float(np.clip(lowest, settings.least_candidate_threshold, PAPER_THRESHOLD))
    found_share = float(np.mean(np.concatenate([match.lesion_scores for match in matches]) >= threshold))
    return CandidateThreshold(threshold, found_share, false_positives_per_scan(matches, threshold))


def detect_scans(bundle: Bundle, scans: Sequence[TrainingScan], device: str, progress: Progress) -> list[ScanMatch]:
    """All marks of the whole detector on each scan, whatever their score, matched with the truth.

    Raises:
        Cancelled: see ``progress``.
    """
    info = method(bundle.manifest.method)
    detector = info.create(bundle, device)
    every = replace(info.default_settings(bundle), measure=False, operating_point="0")
    matches = []
    for index, scan in enumerate(scans):
        progress(index / len(scans), "Detecting on validation scans")
        lesions = detector.detect({CT: scan.image}, every, Progress()).lesions
        centers, scores = [lesion.center_ras_mm for lesion in lesions], [lesion.score for lesion in lesions]
        matches.append(match_scan(centers, scores, scan.nodules_ras_mm, scan.diameters_mm))
    return matches


def choose_operating_points(matches: Sequence[ScanMatch], settings: RecipeSettings) -> dict[str, float]:
    """Name -> threshold at that name's rate of false positives per scan."""
    return {name: threshold_at_rate(matches, rate) for name, rate in settings.operating_points.items()}


def validation_cpm(matches: Sequence[ScanMatch]) -> float:
    """The competition performance metric on the validation scans, to four places."""
    return round(cpm(froc(matches)), 4)
