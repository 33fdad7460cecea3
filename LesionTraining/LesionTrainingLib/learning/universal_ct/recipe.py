"""The whole recipe: prepare slices, fit the network, find the operating points; the result is a model bundle's content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.model import weights_of
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork, parameter_count

from ..clock import Clock
from ..engine.fit import Fitted, fit
from ..recipe import Run, Trained
from ..slices.outcome import LIMITS, card_lines, counts, learned_from, validation_metrics
from ..slices.preparing import prepared_parts
from ..slices.rounds import in_steps
from ..slices.slices import TrainingSlices, Wanted
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
    """The slices of training and validation cases that can be used; raises what :func:`prepared_parts` does."""
    return prepared_parts(run, Wanted.of(settings.method(), settings.selection), progress)


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
    how = in_steps(settings.fit, sum(map(len, training)), validate_epochs=settings.validate_epochs)
    fitted = fit(
        task, replace(how, seed=run.seed), run.folder / folder, run.device, progress, run.resume, run.listeners
    )
    return FittedNetwork(task.network, fitted)
