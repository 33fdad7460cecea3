"""What the worker does for training, in whichever process; each is found by the name in its request (:mod:`.requests`).

Heavy libraries are loaded in the functions.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.app.worker.kept import Kept
from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.errors import OutputError, UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress

from ..cohorts.caching.locks import FileLock
from ..cohorts.split import load_split
from .catalogue import Catalogue, LabelChoice, list_file
from .cohort_choice import CohortSummary
from .plan import Part, TrainingPlan
from .presets import preset
from .requests import (
    IMAGE,
    TRUTH,
    CohortSummaryRequest,
    ListDatabaseRequest,
    MeasureModelRequest,
    PhantomRequest,
    PhantomSeriesRequest,
    PoolFoldsRequest,
    TrainRequest,
)
from .runs import RunFolder

Images = Mapping[str, Image]
VALIDATION_SHARE = 0.15
"""Of the patients of a fold that are learned from: set aside to choose thresholds with."""
LOOKS, LEAST_BETWEEN = 20, 5
"""At the validation cases, in each fit, and steps between two at least."""
_IN_USE = ".in-use"


def list_database(request: ListDatabaseRequest, images: Images, kept: Kept, progress: Progress) -> Catalogue:
    """Raises InputError where there is no such database, or its table of labels cannot be read."""
    return list_file(Path(request.folder), LabelChoice(labels=request.labels, frame=request.frame), progress)


def cohort_summary(request: CohortSummaryRequest, images: Images, kept: Kept, progress: Progress) -> CohortSummary:
    """Raises UsageError, InputError: see :func:`..cohorts.spec.open_cohort`."""
    from ..cohorts.spec import open_cohort
    from ..cohorts.statistics import describe

    cohort = open_cohort(request.cohort, progress.part(0, 0.3))
    return CohortSummary.of(describe(cohort, progress.part(0.3, 1), truth=request.truth))


def train(request: TrainRequest, images: Images, kept: Kept, progress: Progress) -> str:
    """Train one model of the plan in the run's folder, going on with what is there, and install it.

    Raises:
        LesionDetectionError: see :func:`..learning.training.train_bundle`.
        OutputError: another process trains in this folder.
    """
    from ..learning.training import TrainingRequest, train_bundle

    run = RunFolder.open(Path(request.run))
    part = next(part for part in run.plan.parts if part.fold == request.fold)
    shelf = ModelShelf(Path(request.models))
    with _in_use(run):
        if not run.is_trained(part):
            plan = run.plan
            asked = TrainingRequest(
                method=plan.method,
                parts=_parts(run, part, progress.part(0, 0.02)),
                output=run.bundle(part),
                settings=_settings(plan),
                name=part.name,
                run_folder=run.folder(part),
                cache_folder=run.cache,
                device=plan.device,
                workers=plan.workers,
                resume=run.is_begun(part),
                command=_command(plan),
            )
            train_bundle(asked, progress.part(0.02, 0.99))
        bundle = shelf.install(run.bundle(part)).path
        run.note_installed(part, bundle)
        return str(bundle)


def pool_folds(request: PoolFoldsRequest, images: Images, kept: Kept, progress: Progress) -> dict[str, Any]:
    """Curve, CPM and their confidence over the test scans of all folds. Raises InputError where scores are missing."""
    import numpy as np

    from ..evaluation.confidence import froc_confidence
    from ..evaluation.froc import cpm, froc
    from ..evaluation.scan_scores import load_scan_scores
    from ..evaluation.short_curve import few_points
    from ..learning.training import SCORES

    run = RunFolder.open(Path(request.run))
    matches = [match for part in run.plan.parts for match in load_scan_scores(run.folder(part) / SCORES)]
    curve = froc(matches)
    mean, confidence = cpm(curve), froc_confidence(matches)
    return {
        "scans": len(matches),
        "cpm": round(mean, 4) if np.isfinite(mean) else None,
        "froc": few_points(curve),
        **({"confidence": confidence} if confidence else {}),
    }


def measure_model(request: MeasureModelRequest, images: Images, kept: Kept, progress: Progress) -> str:
    """Raises what :func:`..learning.measuring.measure_bundle` raises."""
    import tempfile

    from ..learning.measuring import measure_bundle

    source, shelf = Path(request.bundle), ModelShelf(Path(request.models))
    own = source.parent.resolve() == shelf.user_folder.resolve()
    with tempfile.TemporaryDirectory(prefix="lesion-measured-") as folder:
        output = Path(folder) / "model"
        measure_bundle(source, request.cohort, output, request.device, request.workers, False, progress)
        return str(shelf.install(output, overwrite=own).path)


def make_phantom(request: PhantomRequest, images: Images, kept: Kept, progress: Progress) -> Path:
    """A phantom's image, as :func:`LesionDetectionLib.app.worker.images.write_image` has it, and its truth beside it."""
    from LesionDetectionLib.app.worker.images import write_image

    from ..cohorts.phantoms.case_files import truth_of
    from ..cohorts.phantoms.phantom import maker, protocol_of

    make, _ = maker(request.anatomy)
    case = make(request.seed, protocol_of(request.anatomy, request.protocol, request.seed), progress.part(0, 0.95))
    folder = Path(request.folder)
    with atomic_folder(folder) as temporary:
        write_image(temporary / IMAGE, case.image)
        truth_of(case).save(temporary / TRUTH)
    return folder


def write_phantom_series(request: PhantomSeriesRequest, images: Images, kept: Kept, progress: Progress) -> int:
    """Each phantom in a folder of its own: the slices, and a SEG beside them.

    Raises:
        UsageError, OutputError, DependencyError: see :func:`..cohorts.phantoms.writing.write_phantoms` and
            :func:`LesionDetectionLib.app.dicom_export.export_dicom`.
    """
    from LesionDetectionLib.app.dicom_export import export_dicom
    from LesionDetectionLib.core.detections import Detections
    from LesionDetectionLib.core.finding import Findings

    from ..cohorts.phantoms.chest_protocols import protocol
    from ..cohorts.phantoms.writing import write_phantoms

    for n in range(request.count):
        part = progress.part(n / request.count, (n + 1) / request.count)
        seed = request.seed + n
        folder, settings = Path(request.folder) / f"phantom-{seed:04d}", protocol(request.protocol, seed)
        series, truth = write_phantoms("chest", seed, 1, "dicom", folder, part.part(0, 0.7), settings=settings)
        findings = Findings.of(Detections.load(truth), threshold=0.0)
        slices = sorted(series.glob("*.dcm"))
        export_dicom(folder / "labels", slices, findings, progress=part.part(0.7, 1), with_report=False)
    return request.count


def _parts(run: RunFolder, part: Part, progress: Progress) -> Any:
    """Who is learned from, who sets thresholds, who is measured on."""
    from ..learning.parts import PartsRequest

    plan = run.plan
    if part.fold < 0:
        return PartsRequest(plan.cohort, plan.validation or None, plan.test or None, None, plan.seed)
    split = run.path / "folds" / f"{part.folder}.json"
    if not split.exists():
        _write_folds(run, progress)
    load_split(split)  # a damaged one is told before all cases are listed
    return PartsRequest(plan.cohort, split=split, seed=plan.seed)


def _write_folds(run: RunFolder, progress: Progress) -> None:
    """Divide the patients once, for all folds: the same however often the run is interrupted."""
    from ..cohorts.spec import open_cohort
    from ..cohorts.split import k_folds

    plan = run.plan
    cohort = open_cohort(plan.cohort, progress)
    splits = k_folds(cohort, plan.folds, plan.seed, VALIDATION_SHARE)
    with atomic_folder(run.path / "folds") as folder:
        for fold, split in enumerate(splits):
            split.save(folder / f"fold-{fold:02d}.json")


def _settings(plan: TrainingPlan) -> Any:
    """The recipe's settings with those of the preset and of the file.

    Raises:
        UsageError: a name that the recipe does not know, or a value that it cannot be.
    """
    from LesionDetectionLib.methods.plain_values import changed

    from ..cohorts.spec import read_yaml
    from ..learning.recipe import recipe

    settings = recipe(plan.method).default_settings()
    given: list[tuple[str, Mapping[str, Any]]] = [
        (f"the preset {plan.preset}", preset(plan.method, plan.preset).settings)
    ]
    if plan.settings_file:
        given.append((plan.settings_file, read_yaml(Path(plan.settings_file))))
    for where, values in given:
        try:
            settings = changed(settings, values)
        except ValueError as error:
            raise UsageError(f"The settings in {where} do not fit the method {plan.method}: {error}.") from error
    return _watched(settings)


def _watched(settings: Any) -> Any:
    """With a look at the validation cases from time to time in each fit, for the curves in the panel, where none was set. It
    changes no weights."""
    from ..learning.engine.settings import EngineSettings

    stages = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    fits = {
        name: stage for name, stage in stages.items() if isinstance(stage, EngineSettings) and not stage.validate_every
    }
    looks = {
        name: replace(stage, validate_every=max(LEAST_BETWEEN, stage.steps // LOOKS)) for name, stage in fits.items()
    }
    return replace(settings, **looks)


def _command(plan: TrainingPlan) -> str:
    """For the card: what does the same on the command line, but for settings that were changed, without folders."""
    from ..learning.provenance import without_folders

    given = {"cohort": plan.cohort, "validation": plan.validation, "test": plan.test}
    specs = [f"--{name} {shlex.quote(without_folders(spec))}" for name, spec in given.items() if spec]
    config = ["--config SETTINGS"] if preset(plan.method, plan.preset).settings or plan.settings_file else []
    return " ".join([f"lesion train --method {plan.method}", *specs, *config, f"--seed {plan.seed} --output BUNDLE"])


@contextlib.contextmanager
def _in_use(run: RunFolder) -> Iterator[None]:
    """Raises OutputError where another process works in the run's folder: two would spoil each other's checkpoints."""
    lock = FileLock(run.path / _IN_USE)
    if not lock.try_acquire():
        raise OutputError(f"Another program is training in {run.path} already. Wait for it, or stop it there.")
    try:
        yield
    finally:
        lock.release()
