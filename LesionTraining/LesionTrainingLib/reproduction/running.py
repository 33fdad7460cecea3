"""One command from data to tables: check, make phantoms where asked for, go on where a run was stopped, write."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import choose_device

from ..cohorts.caching import Cache
from ..cohorts.caching.locks import FileLock
from ..cohorts.cohort import Cohort
from ..cohorts.spec import CohortSpec, open_cohort
from .contract import Job, Report, Reproduction, reproduction
from .record import begin, data_digest, is_begun
from .writing import write_report

DATA, CACHE, LOCK = "data", "cache", ".data-lock"
"""What lies in the output folder beside results and folds."""


@dataclass(frozen=True)
class ReproductionRequest:
    """What is asked for.

    Attributes:
        method: id of the method.
        output: folder of results, and of what each step keeps.
        data: folder with the paper's data; None where phantoms are made.
        phantoms: so many, made in the output folder; 0 where ``data`` is named.
        protocol: of the phantoms; empty for the one that fits the preset.
        preset: of the settings.
        settings: in place of the preset's own; None for these.
        folds, fold, tables: see :class:`.contract.Job`; no tables for all.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        workers: processes that prepare cases.
        seed: of everything random.
        cache_folder, cache_gb: of prepared cases; None for a folder in the output.
        resume: go on with what the folder holds.
        command: how it was asked for, for the record.
        tell: takes a sentence when a part is done.
    """

    method: str
    output: Path
    data: Path | None = None
    phantoms: int = 0
    protocol: str = ""
    preset: str = "paper"
    settings: Any = None
    folds: tuple[int, ...] = ()
    fold: int | None = None
    tables: tuple[int, ...] = ()
    device: str = "auto"
    workers: int = 1
    seed: int = 0
    cache_folder: Path | None = None
    cache_gb: float = 200.0
    resume: bool = False
    command: str = ""
    tell: Callable[[str], None] = field(default=lambda _: None)


def run_reproduction(request: ReproductionRequest, progress: Progress) -> Report:
    """Do what is not done yet and write the results.

    Several processes may work on different folds of one output folder at the same time.

    Raises:
        UsageError: no such method, table, fold or preset, contradicting options, or a resume with other settings.
        InputError: data that cannot be used.
        OutputError: the folder holds a reproduction already and ``resume`` is not set, or cannot be written.
        DeviceError: the device is missing or its memory too small.
        Cancelled: through ``progress``; what is done stays, and ``resume`` goes on from there.
    """
    chosen = reproduction(request.method)
    settings = request.settings if request.settings is not None else chosen.settings_of(request.preset)
    _check(request, chosen)
    if hasattr(settings, "refuse_unfit"):
        settings.refuse_unfit()
    device = choose_device(request.device)
    if is_begun(request.output) and not request.resume:
        raise OutputError(
            f"{request.output} holds a reproduction already. Add --resume to go on with it, or name another folder."
        )
    try:
        what = _what(request, chosen, settings)
        if request.phantoms:
            begin(request.output, what)  # before the phantoms are made: others are not taken for them later
        cohort = chosen.cases_of(_cohort(request, chosen, progress.part(0, 0.05)), settings)
        begin(request.output, {**what, "data": data_digest(cohort)})
        job = Job(
            folder=request.output,
            cohort=cohort,
            preset=request.preset,
            settings=settings,
            folds=request.folds,
            fold=request.fold,
            tables=request.tables or tuple(chosen.tables),
            cache=Cache(request.cache_folder or request.output / CACHE, round(request.cache_gb * 1e9)),
            device=device,
            workers=request.workers,
            seed=request.seed,
            tell=request.tell,
        )
        report = chosen.run(job, progress.part(0.05, 0.99))
    except Cancelled as stopped:
        raise Cancelled(
            f"Cancelled. What was done so far is in {request.output}: the same command with --resume goes on."
        ) from stopped
    write_report(request.output, report, chosen, job, request.command)
    progress(1.0, "Done")
    return report


def _check(request: ReproductionRequest, chosen: Reproduction) -> None:
    """Raises UsageError for what makes no sense, before anything is written."""
    if (request.data is None) == (request.phantoms == 0):
        raise UsageError("Name the data's folder with --data, or make phantoms with --phantom N: one of the two.")
    if request.protocol and request.data is not None:
        raise UsageError("--protocol is for phantoms, and --data names data that are there.")
    if request.phantoms < 0 or request.seed < 0 or request.workers < 1 or not 0 < request.cache_gb < float("inf"):
        raise UsageError("--phantom and --seed must be 0 or more, --workers 1 or more, and --cache-gb above 0.")
    unknown = [number for number in request.tables if number not in chosen.tables]
    if unknown:
        known = ", ".join(map(str, chosen.tables))
        raise UsageError(f"The paper of {chosen.method} has no table {unknown[0]} here. There are: {known}.")
    if int(os.environ.get("WORLD_SIZE", "1") or 1) > 1:
        raise UsageError(
            "A reproduction runs in one process. To use several GPUs, start one a GPU on folds of its own: --folds 0-4 "
            "--device cuda:0 and --folds 5-9 --device cuda:1."
        )


def _cohort(request: ReproductionRequest, chosen: Reproduction, progress: Progress) -> Cohort:
    """The data, made first where they are phantoms that are not there yet."""
    folder = request.data
    if folder is None:
        folder = request.output / DATA
        request.output.mkdir(parents=True, exist_ok=True)
        with FileLock(request.output / LOCK).held(lambda: progress(0.0, "Waiting for the phantoms"), remove=True):
            if not folder.exists():
                chosen.make_phantoms(folder, request.phantoms, _protocol(request, chosen), request.seed, progress)
    cohort = open_cohort(str(CohortSpec(chosen.kind, str(folder))))
    if not any(case.labelled for case in cohort.cases):
        raise InputError(
            f"Nothing is known of the lesions in {folder}: label maps, or the lists of the truth, are missing there."
        )
    return cohort


def _protocol(request: ReproductionRequest, chosen: Reproduction) -> str:
    return request.protocol or chosen.presets[request.preset]


def _what(request: ReproductionRequest, chosen: Reproduction, settings: Any) -> dict[str, Any]:
    """All that the results depend on but the data, and the folds and tables that are asked for, which may grow."""
    return {
        "method": request.method,
        "preset": request.preset,
        "seed": request.seed,
        "settings": asdict(settings),
        "phantoms": [request.phantoms, _protocol(request, chosen)] if request.phantoms else None,
    }
