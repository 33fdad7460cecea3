"""The whole recipe: fit, mine, fit again, set thresholds on validation scans; the result is a model bundle's content."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, Weights, write_bundle
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.model import weights_of
from LesionDetectionLib.methods.nodule_ct.network import ScreeningFCN, parameter_count
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ...evaluation.froc import cpm, froc
from .mining import Mined, mine
from .reduction_stage import fit_reduction
from .scans import TrainingScan, nodule_count
from .screening_stage import fit_screening
from .settings import RecipeSettings
from .validation import choose_candidate_threshold, choose_operating_points, detect_scans


@dataclass
class Trained:
    """What a training run gives.

    Attributes:
        weights: by name; those of the first network begin with ``screening.``, of the second with ``reduction.``.
        architecture, settings: as the bundle's manifest wants them.
        record: counts, losses and seconds of each part.
        metrics: what was measured on the validation scans.
    """

    weights: Weights = field(default_factory=dict)
    architecture: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)


def train(
    training: Sequence[TrainingScan],
    validation: Sequence[TrainingScan],
    settings: RecipeSettings,
    nodule: NoduleSettings,
    seed: int,
    device: str,
    progress: Progress,
) -> Trained:
    """Fit both networks and choose the thresholds.

    The same seed gives the same weights on the same machine with the same number of threads; with another number, sums
    are taken in another order and weights differ in their last digits, then more.

    Raises:
        InputError: no nodules to learn from.
        Cancelled: see ``progress``.
    """
    where, seconds = torch.device(device), dict[str, float]()

    def mine_with(network: ScreeningFCN, part: Progress, scans: int) -> Mined:
        every = max(1, len(training) // scans)
        with _timed(seconds, "mining"):
            return mine(
                training,
                range(0, len(training), every),
                network,
                nodule,
                settings.mining_threshold,
                settings.mined_per_scan,
                settings.sampling,
                where,
                part,
            )

    with _timed(seconds, "screening network, mining included"):
        screening, first_losses = fit_screening(
            training,
            settings,
            nodule.window_hu,
            seed,
            where,
            partial(mine_with, scans=settings.mining_scans),
            progress.part(0, 0.4),
        )
    mined = mine_with(screening, progress.part(0.4, 0.5), len(training))
    with _timed(seconds, "second network"):
        reduction, second_losses = fit_reduction(
            training, screening, mined, settings, nodule.window_hu, seed, where, progress.part(0.5, 0.85)
        )
    with _timed(seconds, "validation"):
        candidates = choose_candidate_threshold(
            validation, screening, nodule, settings, where, progress.part(0.85, 0.92)
        )
        chosen = replace(nodule, candidate_threshold=candidates.threshold)
        trained = Trained(
            weights=weights_of(screening, reduction),
            architecture={"screening": vars(settings.screening), "reduction": vars(settings.reduction)},
            settings={"nodule_settings": _bundled(chosen), "operating_points": {"all": 0.0}},
        )
        matches = detect_scans(as_bundle(trained), validation, device, progress.part(0.92, 1))
    trained.settings["operating_points"] = choose_operating_points(matches, settings)
    trained.settings["default_operating_point"] = settings.default_operating_point
    trained.record = {
        "training_scans": len(training),
        "training_nodules": nodule_count(training),
        "validation_scans": len(validation),
        "validation_nodules": nodule_count(validation),
        "mined_negatives": len(mined.negatives.scans),
        "proposals": len(mined.proposals.scans),
        "parameters": parameter_count(screening) + parameter_count(reduction),
        "screening_losses": first_losses,
        "reduction_losses": second_losses,
        "seconds": {name: round(value) for name, value in seconds.items()},
    }
    trained.metrics = {
        "candidates": vars(candidates),
        "cpm": round(cpm(froc(matches)), 4),
    }
    return trained


class _timed:
    """Adds the seconds of a ``with`` block to ``seconds[name]``."""

    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds, self._name = seconds, name

    def __enter__(self) -> None:
        self._start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + time.monotonic() - self._start


def _bundled(nodule: NoduleSettings) -> dict[str, Any]:
    """The settings that belong to the weights; the user's own (what to measure, which operating point) stay out."""
    names = ("spacing_mm", "window_hu", "candidate_threshold", "candidate_distance_mm", "closing_mm", "lung_margin_mm")
    return {name: getattr(nodule, name) for name in names}


def as_bundle(trained: Trained) -> Bundle:
    """A bundle to measure with, through the disk: what is measured is what will be read."""
    manifest = Manifest("nodule-ct", "provisional", "0", trained.architecture, trained.settings, {}, True)
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder) / "model", manifest, trained.weights, "")
        return Bundle.open(Path(folder) / "model")
