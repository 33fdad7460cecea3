"""The whole recipe: prepare slices, fit the network, find both thresholds; the result is a model bundle's content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.high_uptake_ct.model import weights_of
from LesionDetectionLib.methods.high_uptake_ct.network import PatchNetwork, parameter_count

from ..clock import Clock
from ..engine.fit import Fitted, fit
from ..recipe import Run, Trained
from .outcome import LIMITS, bundled_settings, card_lines, counts, threshold_metrics, validation_metrics
from .settings import RecipeSettings
from .slices import TrainingSlices, prepared_slices
from .task import NAME, PatchTask
from .thresholds import equal_precision_recall, judge_slices


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """The network after its fit, in evaluation mode, and how the fit went.

    Attributes:
        lesion_pixels, background_pixels: that there were to learn from.
        share_of_lesions: in the last batches.
    """

    network: PatchNetwork
    fitted: Fitted
    lesion_pixels: int
    background_pixels: int
    share_of_lesions: float


def train(run: Run, settings: RecipeSettings, progress: Progress) -> Trained:
    """Fit the network and find the thresholds.

    The same seed gives the same weights on the same machine with the same number of threads; with another number, sums
    are taken in another order and weights differ in their last digits, then more.

    Raises:
        InputError: no active lesions to learn from, or no usable validation case.
        Cancelled: see ``progress``; ``run.resume`` goes on from there.
    """
    clock, method, device = Clock(), settings.method(), run.device
    training, validation = prepare(run, settings, progress.part(0, 0.2))
    clock.lap("preparing slices")
    found = fit_network(run, training, validation, settings, progress.part(0.2, 0.85))
    clock.take("network", found.fitted.seconds)
    if not run.processes.is_main:  # the thresholds are the first process's to find
        return Trained({}, {}, {})
    network = found.network
    learned = judge_slices(network, training, method, device, progress.part(0.85, 0.95), settings.threshold_slices)
    thresholds = equal_precision_recall(learned)
    clock.lap("thresholds")
    judged = judge_slices(network, validation, method, device, progress.part(0.95, 1), settings.measured_slices)
    clock.lap("validation")
    without = {one.name for one in validation if not one.has_active}
    trained = Trained(
        weights=weights_of(network),
        architecture=asdict(settings.architecture),
        settings=bundled_settings(method, thresholds, training),
        metrics={
            "thresholds": threshold_metrics(thresholds, learned),
            **validation_metrics(judged, thresholds, without),
        },
        record={
            **counts(training, "training"),
            **counts(validation, "validation"),
            "lesion_pixels": found.lesion_pixels,
            "background_pixels": found.background_pixels,
            "share_of_lesions_at_the_end": round(found.share_of_lesions, 4),
            "parameters": parameter_count(network),
            NAME: found.fitted.record(),
            "seconds": clock.seconds,
        },
        limits=LIMITS,
    )
    trained.lines = card_lines(trained.record, trained.metrics, settings.selection)
    return trained


def prepare(
    run: Run, settings: RecipeSettings, progress: Progress
) -> tuple[list[TrainingSlices], list[TrainingSlices]]:
    """The slices of training and validation cases that can be used.

    Raises:
        InputError: no case of a part can be used.
        OutputError: the disk is full.
        Cancelled: see ``progress``.
    """
    method, selection = settings.method(), settings.selection
    training = prepared_slices(run.training, run, method, selection, progress.part(0, 0.8))
    validation = prepared_slices(run.validation, run, method, selection, progress.part(0.8, 1))
    run.require_cases(training, validation)
    return training, validation


def fit_network(
    run: Run,
    training: Sequence[TrainingSlices],
    validation: Sequence[TrainingSlices],
    settings: RecipeSettings,
    progress: Progress,
    folder: str = NAME,
) -> FittedNetwork:
    """Fit the network in a folder of its own under the run's; what is finished there is taken as it is.

    Raises what :func:`..engine.fit.fit` does; InputError where no training slice shows an active lesion.
    """
    task = PatchTask(training, validation, settings, run.seed, run.device)
    how = replace(settings.fit, seed=run.seed)
    fitted = fit(task, how, run.folder / folder, run.device, progress, run.resume, run.listeners)
    return FittedNetwork(task.network, fitted, task.lesion_pixels, task.background_pixels, task.share_of_lesions)
