"""The whole recipe: fit, mine, fit again, set thresholds on the validation cases; the result is a model bundle's content."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.model import weights_of
from LesionDetectionLib.methods.nodule_ct.network import parameter_count

from ..clock import Clock
from ..recipe import Run, Trained
from .scans import TrainingScan, nodule_count
from .settings import RecipeSettings
from .stages import Stages
from .validation import choose_operating_points, detect_scans, validation_cpm

_BUNDLED = ("spacing_mm", "window_hu", "candidate_threshold", "candidate_distance_mm", "closing_mm", "lung_margin_mm")
"""The settings of the method that belong to the weights; the user's own (what to measure, which operating point) do not."""

LIMITS = (
    "Nodules below 4 mm, ground glass in noise, and nodules in slices thicker than 3 mm are often missed.",
    "Consolidation, atelectasis, effusion, fibrosis, post-operative change, lymph nodes, tubes and wires give false marks.",
    "The diameter is that of a sphere of the nodule's volume, not a caliper's longest diameter.",
)


def train(run: Run, settings: RecipeSettings, progress: Progress) -> Trained:
    """Fit both networks and choose the thresholds.

    The same seed gives the same weights on the same machine with the same number of threads; with another number, sums
    are taken in another order and weights differ in their last digits, then more.

    Raises:
        InputError: no nodules to learn from, or no usable validation case.
        Cancelled: see ``progress``; ``run.resume`` goes on from there.
    """
    clock = Clock()
    stages = Stages.open(run, settings, progress.part(0, 0.15))
    clock.lap("preparing cases")
    screening = stages.screening(progress.part(0.15, 0.45))
    network = screening.network
    clock.take("screening network, mining included", screening.fitted.seconds)
    mined = stages.mining(network, progress.part(0.45, 0.52))
    clock.lap("mining")
    reduction = stages.reduction(network, mined, progress.part(0.52, 0.85))
    clock.take("second network", reduction.fitted.seconds)
    if not run.processes.is_main:  # the thresholds are the first process's to choose
        return Trained({}, {}, {})
    candidates = stages.candidate_threshold(network, progress.part(0.85, 0.92))
    chosen = asdict(replace(stages.nodule, candidate_threshold=candidates.threshold))
    trained = Trained(
        weights=weights_of(network, reduction.network),
        architecture={"screening": vars(settings.screening), "reduction": vars(settings.reduction)},
        settings={"nodule_settings": {name: chosen[name] for name in _BUNDLED}, "operating_points": {"all": 0.0}},
    )
    matches = detect_scans(as_bundle(trained), stages.validation, str(run.device), progress.part(0.92, 1))
    clock.lap("validation")
    trained.settings["operating_points"] = choose_operating_points(matches, settings)
    trained.settings["default_operating_point"] = settings.default_operating_point
    trained.metrics = {"candidates": vars(candidates), "cpm": validation_cpm(matches)}
    trained.record = {
        **_counts(stages.training, stages.validation),
        "mined_negatives": len(mined.negatives.scans),
        "proposals": len(mined.proposals.scans),
        "parameters": parameter_count(network) + parameter_count(reduction.network),
        "screening": screening.fitted.record(),
        "reduction": reduction.fitted.record(),
        "seconds": clock.seconds,
    }
    trained.lines, trained.limits = _lines(trained, settings), LIMITS
    return trained


def _counts(training: Sequence[TrainingScan], validation: Sequence[TrainingScan]) -> dict[str, int]:
    return {
        "training_scans": len(training),
        "training_nodules": nodule_count(training),
        "validation_scans": len(validation),
        "validation_nodules": nodule_count(validation),
    }


def _lines(trained: Trained, settings: RecipeSettings) -> tuple[str, ...]:
    """Sentences for the model card."""
    record, candidates = trained.record, trained.metrics["candidates"]
    seconds = ", ".join(f"{part} {value} s" for part, value in record["seconds"].items())
    points = ", ".join(f"`{name}` at most {rate:g}" for name, rate in settings.operating_points.items())
    return (
        f"{record['parameters']:,} parameters, fitted on {record['training_nodules']} nodules in "
        f"{record['training_scans']} scans. Times: {seconds}.",
        f"The thresholds were set on {record['validation_nodules']} nodules in {record['validation_scans']} other scans. "
        f"Candidates: probability >= {candidates['threshold']:.3f}, which lets {candidates['false_per_scan']:.1f} false ones "
        f"per scan through{_share_found(candidates['sensitivity'])}. Operating points, by false marks per scan there: {points}.",
        "The same seed gives the same weights on the same machine with as many threads; elsewhere sums are taken in "
        "another order and the weights differ a little.",
    )


def _share_found(sensitivity: float | None) -> str:
    if sensitivity is None:
        return "; without nodules there, nothing is known of how many are found"
    return f", and {100 * sensitivity:.1f} % of the nodules"


def as_bundle(trained: Trained) -> Bundle:
    """A bundle to measure with, through the disk: what is measured is what will be read."""
    manifest = Manifest("nodule-ct", "provisional", "0", trained.architecture, trained.settings, {}, True)
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder) / "model", manifest, trained.weights, "")
        return Bundle.open(Path(folder) / "model")
