"""What is fixed on validation scans, which no network was fitted on: the candidate threshold and the operating points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import OperatingPoint
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import choose_device
from LesionDetectionLib.methods.nodule_ct.detector import chosen_places, create
from LesionDetectionLib.methods.nodule_ct.network import ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.screening import Candidates, screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings, settings_for

from ...evaluation.froc import ScanMatch, cpm, false_positives_per_scan, froc, threshold_at_rate
from ...evaluation.matching.findings import Findings, ImageFindings
from ...evaluation.matching.luna16 import Luna16
from ...evaluation.matching.policy import Policy
from .scans import TrainingScan, prepared_for
from .settings import PAPER_THRESHOLD, RecipeSettings

MOST_COUNTED = 10_000
"""Candidates a scan, when they are counted: more than there can be peaks of any use, so that none is cut off unseen."""


@dataclass(frozen=True)
class CandidateThreshold:
    """The chosen threshold, and what it lets through on the validation scans.

    Attributes:
        threshold: screening probability.
        sensitivity: share of the nodules with a candidate within their radius; None where the scans have no nodules.
        false_per_scan: candidates within no nodule's radius, per scan.
    """

    threshold: float
    sensitivity: float | None
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
    eager = replace(nodule, candidate_threshold=settings.least_candidate_threshold, most_candidates=MOST_COUNTED)
    matches = []
    for index, (scan, prepared) in enumerate(prepared_for(scans, eager.window_hu, device)):
        progress(index / len(scans), "Candidates on validation scans")
        found = screen(prepared, network, eager, device)
        matches.append(match_candidates(scan, found))
    lowest = threshold_at_rate(matches, settings.candidates_per_scan)
    threshold = float(np.clip(lowest, settings.least_candidate_threshold, PAPER_THRESHOLD))
    nodules = np.concatenate([match.lesion_scores for match in matches])
    found_share = float(np.mean(nodules >= threshold)) if len(nodules) else None
    return CandidateThreshold(threshold, found_share, false_positives_per_scan(matches, threshold))


def match_candidates(scan: TrainingScan, found: Candidates) -> ScanMatch:
    """All candidates of a scan against its nodules.

    LUNA16's limit of 100 marks a scan is for what is reported in the end: the screening network of the paper leaves 219
    false candidates a scan.
    """
    return match_marks(scan, found.ras_mm, found.probability, Luna16(most_marks=MOST_COUNTED))


def match_marks(
    scan: TrainingScan, centers_ras_mm: npt.ArrayLike, scores: npt.ArrayLike, policy: Policy | None = None
) -> ScanMatch:
    """Marks in a scan, [M, 3] with [M] scores, against its nodules by LUNA16's rules: those on excluded findings count for
    nothing."""
    findings = ImageFindings(
        scan.name,
        Findings.of_points(scan.nodules_ras_mm, scan.diameters_mm),
        Findings.of_points(centers_ras_mm, scores=scores),
        Findings.of_points(scan.geometry.ras_from_ijk(scan.excluded_zyx[:, ::-1]), scan.excluded_mm),
    )
    return (policy or Luna16()).match(findings)


def detect_scans(bundle: Bundle, scans: Sequence[TrainingScan], device: str, progress: Progress) -> list[ScanMatch]:
    """All marks of the whole detector on each scan, whatever their score, matched with the truth.

    Raises:
        Cancelled: see ``progress``.
    """
    detector, nodule = create(bundle, device), settings_for(bundle)
    every = OperatingPoint("every score", 0.0)
    matches = []
    for index, (scan, prepared) in enumerate(prepared_for(scans, nodule.window_hu, choose_device(device))):
        progress(index / len(scans), "Detecting on validation scans")
        classified = detector.look_at(prepared, nodule)
        chosen = chosen_places(classified, every, nodule)[: nodule.most_lesions]
        matches.append(match_marks(scan, classified.center_ras_mm[chosen], classified.probability[chosen]))
    return matches


def choose_operating_points(matches: Sequence[ScanMatch], settings: RecipeSettings) -> dict[str, float]:
    """Name -> threshold at that name's rate of false positives per scan."""
    return {name: threshold_at_rate(matches, rate) for name, rate in settings.operating_points.items()}


def validation_cpm(matches: Sequence[ScanMatch]) -> float | None:
    """The competition performance metric on the validation scans, to four places; None where these have no nodules."""
    value = cpm(froc(matches))
    return round(value, 4) if np.isfinite(value) else None
