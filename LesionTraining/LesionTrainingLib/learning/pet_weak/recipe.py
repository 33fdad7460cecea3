"""The whole recipe: prepare projections, fit the network, find the operating points; the result is a model bundle's content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.architecture import CAM, FCN
from LesionDetectionLib.methods.pet_weak.model import weights_of
from LesionDetectionLib.methods.pet_weak.network import CamNetwork, PetWeakNetwork

from ..clock import Clock
from ..engine.fit import Fitted, fit
from ..engine.settings import EngineSettings
from ..engine.task import Peers
from ..recipe import Run, Trained
from ..slices.rounds import in_steps
from .classifier_task import ClassifierTask
from .judging import as_bundle, judge_cases
from .measuring import Row
from .outcome import bundled_settings, card_lines, counts, limits_for, metrics_of
from .pseudo_labels import pseudo_labels
from .segmentation_task import SegmentationTask
from .settings import RecipeSettings
from .views import TrainingViews, prepared_views


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """The network after its fit, in evaluation mode, and how the fits went.

    Attributes:
        fits: by name; of ``fcn`` first that of the classifier which made its labels.
        views: what the network is worth on the projections of the validation cases, see :mod:`.measuring`.
    """

    network: PetWeakNetwork
    fits: dict[str, Fitted]
    views: Row


def train(run: Run, settings: RecipeSettings, progress: Progress) -> Trained:
    """Fit the network and find the operating points.

    The same seed gives the same weights on the same machine with the same number of threads; with another number, sums
    are taken in another order and weights differ in their last digits, then more.

    Raises:
        InputError: nothing to learn from, or no usable validation case.
        Cancelled: see ``progress``; ``run.resume`` goes on from there.
    """
    clock = Clock()
    training, validation = prepare(run, settings, progress.part(0, 0.2))
    clock.lap("preparing projections")
    found = fit_network(run, training, validation, settings, progress.part(0.2, 0.9))
    for name, fitted in found.fits.items():
        clock.take(name, fitted.seconds)
    if not run.processes.is_main:  # the operating points are the first process's to find
        return Trained({}, {}, {})
    method = settings.method()
    trained = Trained(weights_of(found.network), asdict(settings.architecture), bundled_settings(method, ()))
    labels = {one.name: one.label for one in validation}
    cases = [case for case in run.validation if case.id in labels]
    part, most = progress.part(0.9, 1), settings.measured_cases
    judged, left_out = judge_cases(as_bundle(trained), cases, str(run.device), part, run.workers, most)
    run.left_out += left_out
    clock.lap("validation")
    trained.settings = bundled_settings(method, judged)
    point = trained.settings["default_operating_point"]
    trained.metrics = metrics_of(found.views, judged, labels, trained.settings["operating_points"][point])
    trained.record = {
        "recipe": asdict(settings),
        **counts(training, "training"),
        **counts(validation, "validation"),
        "parameters": sum(parameter.numel() for parameter in found.network.parameters()),
        **{name: fitted.record() for name, fitted in found.fits.items()},
        "seconds": clock.seconds,
    }
    trained.limits = limits_for(settings.architecture)
    trained.lines = card_lines(trained.record, trained.metrics, settings, point)
    return trained


def prepare(run: Run, settings: RecipeSettings, progress: Progress) -> tuple[list[TrainingViews], list[TrainingViews]]:
    """The projections of training and validation cases that can be used.

    Raises:
        InputError: no case of a part can be used.
        OutputError: the disk is full.
        Cancelled: see ``progress``.
    """
    seen, network = settings.method(), settings.architecture
    training = prepared_views(run.training, run, seen, network, progress.part(0, 0.8))
    validation = prepared_views(run.validation, run, seen, network, progress.part(0.8, 1))
    run.require_cases(training, validation)
    return training, validation


def fit_network(
    run: Run,
    training: Sequence[TrainingViews],
    validation: Sequence[TrainingViews],
    settings: RecipeSettings,
    progress: Progress,
    folder: str = "",
) -> FittedNetwork:
    """Fit the network, of ``fcn`` after the classifier that makes its labels, each in a folder of its own; what is finished there
    is taken as it is.

    Args:
        folder: under the run's, that these lie in.

    Raises what :func:`..engine.fit.fit` does; InputError where no training case shows a tumour, or where they all show the same
    and there is nothing to tell apart.
    """
    _check_classes(training, settings)
    kind = settings.architecture.kind
    if kind == CAM:
        task = ClassifierTask(training, validation, settings, run.seed, run.device)
        return _fitted(run, task, settings.fit, settings, progress, folder)
    parts, fits = (training, validation), dict[str, Fitted]()
    if kind == FCN:
        labeller = fit_network(run, *parts, settings.labeller(), progress.part(0, 0.45), folder)
        assert isinstance(labeller.network, CamNetwork)
        fits, network = labeller.fits, labeller.network
        labelling = progress.part(0.45, 0.5)
        masks = [pseudo_labels(network, part, settings, run.device, labelling) for part in parts]
    else:
        masks = [[one.drawn for one in part] for part in parts]
    segmenting = SegmentationTask(training, masks[0], validation, masks[1], settings, run.seed, run.device)
    found = _fitted(run, segmenting, settings.fit, settings, progress.part(0.5 if fits else 0, 1), folder)
    return replace(found, fits={**fits, **found.fits})


def _fitted(
    run: Run,
    task: ClassifierTask | SegmentationTask,
    how: EngineSettings,
    settings: RecipeSettings,
    progress: Progress,
    folder: str,
) -> FittedNetwork:
    name = task.name
    how = in_steps(how, task.count, settings.epochs, settings.validate_epochs)
    fitted = fit(
        task, replace(how, seed=run.seed), run.folder / folder / name, run.device, progress, run.resume, run.listeners
    )
    with torch.no_grad():
        views = task.validate(task.network, Peers(), Progress())
    return FittedNetwork(task.network, {name: fitted}, views)


def _check_classes(training: Sequence[TrainingViews], settings: RecipeSettings) -> None:
    if not any(one.has_tumour for one in training):
        raise InputError("None of the training scans shows a tumour: there is nothing to learn.")
    labels = {one.label for one in training}
    if not settings.architecture.segmenting and len(labels) < 2:
        raise InputError(f"All training scans are labelled “{labels.pop()}”: there is nothing to tell apart.")
