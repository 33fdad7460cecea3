"""The whole recipe: prepare slices, fit the network, find the operating points; the result is a model bundle's content."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.model import weights_of
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork, parameter_count

from ..clock import Clock
from ..engine.fit import Fitted, fit
from ..engine.settings import EngineSettings
from ..recipe import Run, Trained
from ..slices.outcome import LIMITS, card_lines, counts, learned_from, validation_metrics
from ..slices.slices import TrainingSlices, Wanted, prepared_slices
from .judging import judge_slices
from .outcome import bundled_settings, told_settings
from .settings import RecipeSettings
from .task import NAME, SliceTask


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """The network after its fit, in evaluation mode, and how the fit went."""

    network: UniversalNetwork
    fitted: Fitted


def train(run: Run, settings: RecipeSettings, progress: Progress) -> Trained:
    """Fit the network and find the operating points.

    The same seed gives the same weights on the same machine with the same number of threads; with another number, sums
    are taken in another order and weights differ in their last digits, then more.

    Raises:
        InputError: no lesions to learn from, no usable validation case, or anchors or initial weights that cannot be used.
        Cancelled: see ``progress``; ``run.resume`` goes on from there.
    """
    clock, method, given = Clock(), settings.method(), settings
    settings = settings.with_anchors()
    training, validation = prepare(run, settings, progress.part(0, 0.2))
    clock.lap("preparing slices")
    found = fit_network(run, training, validation, settings, progress.part(0.2, 0.95))
    clock.take("network", found.fitted.seconds)
    if not run.processes.is_main:  # the operating points are the first process's to find
        return Trained({}, {}, {})
    most = settings.measured_slices
    judged = judge_slices(found.network, validation, method, run.device, progress.part(0.95, 1), most)
    clock.lap("validation")
    seen = learned_from(method, training)
    trained = Trained(
        weights=weights_of(found.network),
        architecture=asdict(settings.architecture),
        settings=bundled_settings(seen, judged),
        metrics=validation_metrics(judged),
        record={
            "recipe": told_settings(given),
            **counts(training, "training"),
            **counts(validation, "validation"),
            "parameters": parameter_count(found.network),
            NAME: found.fitted.record(),
            "seconds": clock.seconds,
        },
        limits=LIMITS,
    )
    default_point = trained.settings["default_operating_point"]
    trained.lines = card_lines(trained.record, trained.metrics, seen, default_point)
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
    wanted = Wanted.of(settings.method(), settings.selection)
    training = prepared_slices(run.training, run, wanted, progress.part(0, 0.8))
    validation = prepared_slices(run.validation, run, wanted, progress.part(0.8, 1))
    if not training or not validation:
        first = f" The first: {run.left_out[0].case}: {run.left_out[0].reason}" if run.left_out else ""
        raise InputError(f"No case of a part can be used; {len(run.left_out)} were left out.{first}")
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

    Args:
        settings: with the network's anchors in the architecture, see :meth:`.settings.RecipeSettings.with_anchors`.

    Raises what :func:`..engine.fit.fit` does; InputError where no training slice shows a lesion.
    """
    if not any(bool(one.counted.any()) for one in training):
        raise InputError("None of the training slices shows a lesion: there is nothing to learn.")
    task = SliceTask(training, validation, settings, run.seed, run.device)
    how = replace(engine_settings(settings, sum(map(len, training))), seed=run.seed)
    fitted = fit(task, how, run.folder / folder, run.device, progress, run.resume, run.listeners)
    return FittedNetwork(task.network, fitted)


def engine_settings(settings: RecipeSettings, slices: int) -> EngineSettings:
    """How the network is fitted, with the steps between validations that ``validate_epochs`` means for so many slices."""
    if not settings.validate_epochs:
        return settings.fit
    every = math.ceil(settings.validate_epochs * slices / settings.fit.batch)
    return replace(settings.fit, validate_every=max(1, every))
