"""From a cohort to a verified bundle: choose the parts, run the method's recipe, judge the result, write it down."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_file, check_output_folder
from LesionDetectionLib.core.bundle import CARD, MANIFEST, WEIGHTS, Bundle, Manifest, write_bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import describe_device

from ..cohorts.caching import Cache
from ..evaluation.output.tables import Table, write_csv
from ..evaluation.scan_scores import save_scan_scores
from .card import Judged, data_in_words, intended_use, model_card
from .engine.distributed import Processes
from .engine.history import Listener
from .judging import judge
from .parts import Parts, PartsRequest, open_parts
from .provenance import code_digest, versions, without_folders
from .recipe import Recipe, Run, Trained, recipe

RUN, SPLIT, LEFT_OUT, CACHE, SCORES = "run.json", "split.json", "left_out.csv", "cache", "test_scores.json"
"""What lies in a run's folder beside the stages' checkpoints and histories."""


@dataclass(frozen=True)
class TrainingRequest:
    """What to train and where to put it.

    Attributes:
        method: id of the method.
        parts: where the cases come from.
        output: the bundle: a folder, or a file that ends in ``.zip``.
        settings: of the recipe; None for its defaults.
        name: of the model; empty for the output's name.
        run_folder: of checkpoints, history and logs; None for ``<output>.run``.
        cache_folder, cache_gb: of prepared cases; None for a folder in the run's.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        workers: processes that prepare cases.
        resume: go on with what the run's folder holds.
        overwrite: replace a bundle that is there.
        command: how it was asked for, for the record.
    """

    method: str
    parts: PartsRequest
    output: Path
    settings: Any = None
    name: str = ""
    run_folder: Path | None = None
    cache_folder: Path | None = None
    cache_gb: float = 100.0
    device: str = "auto"
    workers: int = 1
    resume: bool = False
    overwrite: bool = False
    command: str = ""
    listeners: tuple[Listener, ...] = field(default=())

    @property
    def folder(self) -> Path:
        return self.run_folder or self.output.with_name(f"{self.output.name}.run")

    @property
    def model_name(self) -> str:
        return self.name or self.output.name.removesuffix(".zip")


def train_bundle(request: TrainingRequest, progress: Progress) -> Bundle | None:
    """Train, judge on the test cases, and write the bundle; it is read back and verified.

    A run that was stopped, by the user, by a crash or by a kill, goes on from its last checkpoint with ``resume``.

    Returns:
        The bundle; None in a process that only helped (``torchrun`` with several).

    Raises:
        UsageError: no recipe for the method, contradicting options, or a resume with other options than before.
        InputError: nothing to learn from.
        OutputError: the bundle is there already, a run is there and ``resume`` is not set, or the disk is full.
        DeviceError: the device is missing or its memory too small.
        Cancelled: through ``progress``; what was learned so far is kept for ``resume``.
    """
    chosen = recipe(request.method)
    settings = request.settings if request.settings is not None else chosen.default_settings()
    if request.output.suffix != ".zip":
        check_output_folder(request.output, (MANIFEST, WEIGHTS, CARD), request.overwrite)
    elif request.output.exists() and not request.overwrite:
        raise OutputError(f"{request.output} is there already. Choose another name, or add --overwrite.")
    with Processes.join(request.device) as processes:
        parts = open_parts(request.parts, progress.part(0, 0.02))
        run = _start(request, chosen, settings, parts, processes)
        try:
            trained = chosen.function()(run, settings, progress.part(0.02, 0.85))
            if not processes.is_main:
                return None
            bundle = _finish(request, settings, parts, run, trained, progress.part(0.85, 1))
        except Cancelled as stopped:
            when = str(stopped).partition(". ")[0]
            text = f"{when}. What was done so far is in {request.folder}: the same command with --resume goes on."
            raise Cancelled(text) from stopped
        reasons = tuple((left.case, left.reason) for left in (*parts.left_out, *run.left_out))
        write_csv(request.folder / LEFT_OUT, Table(("case", "reason"), reasons))
        return bundle


def _start(request: TrainingRequest, chosen: Recipe, settings: Any, parts: Parts, processes: Processes) -> Run:
    """The run's folder with what the run is, so that a resume can tell whether it is the same.

    Raises:
        UsageError: see :func:`train_bundle`.
    """
    what = {
        "method": chosen.method,
        "cohort": request.parts.cohort,
        "validation": request.parts.validation,
        "test": request.parts.test,
        "seed": request.parts.seed,
        "settings": json.loads(json.dumps(asdict(settings))),
        "split": {name: list(ids) for name, ids in parts.split.parts.items()},
    }
    path = request.folder / RUN
    if path.exists():
        _refuse_other(path, what, request.resume)
    processes.barrier()
    if processes.is_main and not path.exists():
        request.folder.mkdir(parents=True, exist_ok=True)
        parts.split.save(request.folder / SPLIT)
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(what, indent=1) + "\n", encoding="utf-8")
    processes.barrier()
    return Run(
        folder=request.folder,
        training=parts.training,
        validation=parts.validation,
        cache=Cache(request.cache_folder or request.folder / CACHE, round(request.cache_gb * 1e9)),
        device=processes.device,
        processes=processes,
        workers=request.workers,
        seed=request.parts.seed,
        resume=request.resume,
        listeners=request.listeners,
    )


def _refuse_other(path: Path, what: dict[str, Any], resume: bool) -> None:
    if not resume:
        raise UsageError(
            f"{path.parent} holds a training run already. Add --resume to go on with it, or name another folder with --run."
        )
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(before, dict):
            raise ValueError("it does not say what the run is")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}. Name another folder with --run to begin anew.") from error
    differing = [name for name in what if before.get(name) != what[name]]
    if differing:
        raise UsageError(
            f"The run in {path.parent} was begun with other values for {' and '.join(differing)}: it can only go on as it was. "
            "Name another folder with --run to begin anew."
        )


def _finish(
    request: TrainingRequest, settings: Any, parts: Parts, run: Run, trained: Trained, progress: Progress
) -> Bundle:
    """Judge, write the card and the bundle, and open it again: opening verifies it."""
    info = method(request.method)
    judged = _judge(request, parts, run, trained, progress)
    asked = {"training": request.parts.cohort, "validation": request.parts.validation, "test": request.parts.test}
    specs = {part: without_folders(spec) for part, spec in asked.items() if spec}
    training = {
        "data": data_in_words(specs, parts.on_phantoms),
        "specs": specs,
        "command": request.command,
        "seed": request.parts.seed,
        "cases": {"training": len(parts.training), "validation": len(parts.validation), "test": len(parts.test)},
        "left_out": len(parts.left_out) + len(run.left_out),
        "recipe": asdict(settings),
        "machine": f"{platform.machine()}, {describe_device(run.device)}, {run.processes.count} process(es)",
        "versions": versions(),
        "code_sha256": code_digest(),
        "lines": list(trained.lines),
        "limits": list(trained.limits),
        **trained.record,
    }
    metrics = {**trained.metrics, **({"test": judged.metrics} if judged else {})}
    manifest = Manifest(
        method=request.method,
        name=request.model_name,
        version="1",
        architecture=trained.architecture,
        settings=trained.settings,
        training=training,
        trained_on_phantoms=parts.on_phantoms,
        metrics=metrics,
        intended_use=intended_use(parts.on_phantoms),
    )
    card = model_card(manifest, info, judged)
    write_bundle(request.output, manifest, trained.weights, card, request.overwrite)
    bundle = Bundle.open(request.output)
    progress(1.0, "Model written")
    return bundle


def _judge(request: TrainingRequest, parts: Parts, run: Run, trained: Trained, progress: Progress) -> Judged | None:
    """What the detector does on the test cases, through a bundle on disk: what is measured is what will be read."""
    if not parts.test:
        return None
    manifest = Manifest(
        request.method, request.model_name, "0", trained.architecture, trained.settings, {}, parts.on_phantoms
    )
    provisional = request.folder / "provisional"
    write_bundle(provisional, manifest, trained.weights, "", overwrite=True)
    judged, left_out = judge(
        Bundle.open(provisional), parts.test, parts.on_phantoms, request.device, progress, request.workers
    )
    run.left_out += left_out
    if judged.matches:
        save_scan_scores(request.folder / SCORES, judged.matches)
    return judged


def is_main_process() -> bool:
    """Whether this is the process that reports, of those that ``torchrun`` started; so when it is alone."""
    return os.environ.get("RANK", "0") == "0"
