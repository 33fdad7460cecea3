"""What networks find in the test scans of a fold: candidates and marks, kept scan by scan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from LesionDetectionLib.core.detections import OperatingPoint
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.detector import chosen_places
from LesionDetectionLib.methods.nodule_ct.network import ReductionResNet, ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan
from LesionDetectionLib.methods.nodule_ct.reduction import classify
from LesionDetectionLib.methods.nodule_ct.screening import Candidates, screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ...cohorts.case import Case
from ...evaluation.matching.findings import NO_FINDINGS, Findings, FloatArray, ImageFindings
from ...evaluation.matching.luna16 import Luna16
from ...evaluation.matching.outcome import Outcome
from ...evaluation.reading.from_cohort import truth_of
from ...learning.nodule_ct.scans import TrainingScan, prepared_for
from ...learning.nodule_ct.validation import MOST_COUNTED
from ..kept import keep_json, kept_json
from .networks import FCN_OSF, VARIANTS

EVERY_SCORE = OperatingPoint("every score", 0.0)


@dataclass(frozen=True, eq=False)
class Trained:
    """The networks of a fold by the paper's names, ready to be run.

    Attributes:
        networks: by name.
        thresholds: of the first stages' candidates, by name.
    """

    networks: Mapping[str, ScreeningFCN | ReductionResNet]
    thresholds: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Found:
    """Places in one scan, the highest scores first. n = places.

    Attributes:
        centers_ras_mm: [n, 3].
        scores: [n].
        diameters_mm: [n], NaN where the network does not say.
        ijk: [n, 3] index on the prepared scan's grid, of candidates; of marks [0, 3].
    """

    centers_ras_mm: FloatArray
    scores: FloatArray
    diameters_mm: FloatArray
    ijk: FloatArray

    def findings(self) -> Findings:
        return Findings.of_points(self.centers_ras_mm, self.diameters_mm, self.scores)


class FoundStore:
    """One JSON file a network and scan.

    Args:
        folder: of them all.
        keys: network -> text that changes when its weights or threshold do, or those of a network that it builds on.
    """

    def __init__(self, folder: Path, keys: Mapping[str, str]) -> None:
        self._folder, self._keys = folder, keys

    def get(self, network: str, scan: str) -> Found | None:
        """What this very network found; None where nothing is kept, or what another one found."""
        values = kept_json(self._path(network, scan))
        if values is None or values.get("key") != self._keys[network]:
            return None
        try:
            return Found(
                _places(values["centers_ras_mm"]),
                np.array(values["scores"], dtype=np.float64),
                np.array([math.nan if one is None else one for one in values["diameters_mm"]], dtype=np.float64),
                _places(values["ijk"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def put(self, network: str, scan: str, found: Found) -> None:
        """Keep it. Raises OutputError."""
        diameters = [None if math.isnan(one) else one for one in found.diameters_mm.tolist()]
        values: dict[str, Any] = {
            "key": self._keys[network],
            "centers_ras_mm": found.centers_ras_mm.tolist(),
            "scores": found.scores.tolist(),
            "diameters_mm": diameters,
            "ijk": found.ijk.tolist(),
        }
        keep_json(self._path(network, scan), values)

    def lacks(self, scan: str) -> bool:
        """Whether one of the networks still has to look at it."""
        return any(self.get(name, scan) is None for name in self._keys)

    def _path(self, network: str, scan: str) -> Path:
        return self._folder / VARIANTS[network].folder / f"{scan}.json"


def look_at(
    scans: Sequence[TrainingScan],
    trained: Trained,
    nodule: NoduleSettings,
    device: torch.device,
    store: FoundStore,
    progress: Progress,
) -> None:
    """Let every network look at every scan, and keep what it finds; what is kept already is not done again.

    Raises:
        OutputError: it cannot be kept.
        DeviceError: the device's memory is too small.
        Cancelled: see ``progress``.
    """
    for done, (scan, prepared) in enumerate(prepared_for(scans, nodule.window_hu, device)):
        part = progress.part(done / len(scans), (done + 1) / len(scans))
        part(0.0, f"Test scan {done + 1} of {len(scans)}")
        for name in (name for name in VARIANTS if name in trained.networks):
            if store.get(name, scan.name) is not None:
                continue
            network = trained.networks[name]
            if isinstance(network, ScreeningFCN):
                found = candidates_of(prepared, network, trained.thresholds[name], nodule, device, part)
            else:
                candidates = store.get(FCN_OSF, scan.name)
                assert candidates is not None
                found = marks_of(prepared, network, candidates, nodule, device)
            store.put(name, scan.name, found)


def candidates_of(
    prepared: PreparedScan,
    network: ScreeningFCN,
    threshold: float,
    nodule: NoduleSettings,
    device: torch.device,
    progress: Progress,
) -> Found:
    """All candidates of the first stage, more than the detector hands on: the paper counts all."""
    every = replace(nodule, candidate_threshold=threshold, most_candidates=MOST_COUNTED)
    candidates = screen(prepared, network, every, device, progress)
    unknown = np.full(len(candidates), math.nan)
    return Found(candidates.ras_mm, candidates.probability, unknown, candidates.ijk)


def marks_of(
    prepared: PreparedScan, network: ReductionResNet, found: Found, nodule: NoduleSettings, device: torch.device
) -> Found:
    """What the detector reports of these candidates at every score, as :class:`NoduleDetector` chooses it."""
    most = slice(nodule.most_candidates)
    candidates = Candidates(found.ijk[most], found.centers_ras_mm[most], found.scores[most])
    classified = classify(prepared, network, candidates, device)
    chosen = chosen_places(classified, EVERY_SCORE, nodule)[: nodule.most_lesions]
    return Found(
        classified.center_ras_mm[chosen],
        classified.probability[chosen],
        classified.diameter_mm[chosen],
        np.zeros((0, 3)),
    )


def judged(cases: Sequence[Case], network: str, store: FoundStore) -> list[Outcome]:
    """One outcome a case, by LUNA16's rules. A case that the network could not look at has no marks: its nodules are
    missed, and rates divide by it too.

    Raises:
        InputError: labels that cannot be read.
    """
    policy = Luna16(most_marks=MOST_COUNTED) if VARIANTS[network].screening else Luna16()
    outcomes = []
    for case in cases:
        truth, found = truth_of(case), store.get(network, case.id)
        marks = NO_FINDINGS if found is None else found.findings()
        outcomes.append(
            policy.match(ImageFindings(case.id, truth.lesions, marks, truth.excluded, patient=case.patient))
        )
    return outcomes


def _places(values: Any) -> FloatArray:
    return np.array(values, dtype=np.float64).reshape(-1, 3)
