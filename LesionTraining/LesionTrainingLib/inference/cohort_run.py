"""Detect in every case of a cohort: what is still to be done, doing it, and what is written at the end."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.app.given_settings import with_given
from LesionDetectionLib.core.atomic import check_output_folder
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import (
    Cancelled,
    DependencyError,
    DeviceError,
    InputError,
    LesionDetectionError,
    OutputError,
    UsageError,
)
from LesionDetectionLib.core.progress import Progress

from ..cohorts.caching.locks import FileLock
from ..cohorts.case import Case
from ..cohorts.cohort import Cohort, LeftOut
from ..cohorts.spec import CohortSpec
from .clock import Clock
from .cluster import Where, Workers, workers_for
from .dispatch import Dispatch
from .earlier import earlier_outcome, fit_for_a_folder
from .ending import LEFT_OUT, CohortDetections, write_ending
from .job import Job, Outcome
from .worker import introduce, work

YAML_ENDINGS = (".yaml", ".yml")
LOCK = ".lesion-cohort.lock"
WAIT_FOR_WORKERS_S = 60.0


def make_job(
    info: MethodInfo,
    model: Path | None,
    operating_point: str,
    output: Path,
    full: bool = False,
    device: str = "auto",
    given: Mapping[str, Any] | None = None,
) -> tuple[Job, Bundle | None]:
    """What is done with every case, checked before any worker starts.

    Args:
        model: the bundle; None for a method that needs none.
        given: settings of the method, by name, in place of the model's.

    Raises:
        BundleError: the model is refused.
        UsageError: it has no such operating point, or the method no such setting.
    """
    bundle = None if model is None else Bundle.open(model)
    if bundle is not None:
        from LesionDetectionLib.methods.operating_points import choose_operating_point

        bundle.require_method(info.id)
        if operating_point:
            choose_operating_point(bundle, operating_point)
    elif info.needs_model:
        raise UsageError(f"The method {info.id} needs a model: name a bundle with --model.")
    settings = with_given(info, info.default_settings(bundle), given or {})
    settings = replace(settings, operating_point=operating_point)
    path = None if model is None else Path(model).resolve()
    digest = "" if bundle is None else bundle.digest
    return Job(info, path, digest, settings, device, Path(output).resolve(), full), bundle


def absolute_spec(text: str) -> str:
    """The same cohort's specification with an absolute path: workers elsewhere have another working folder.

    Raises:
        UsageError: it is none.
    """
    if text.lower().endswith(YAML_ENDINGS):
        return str(Path(text).expanduser().absolute())
    spec = CohortSpec.parse(text)
    if spec.kind == "phantoms":  # an anatomy is no path
        return text
    return str(replace(spec, path=str(Path(spec.path).expanduser().absolute())))


def detect_cohort(
    cohort: Cohort,
    job: Job,
    bundle: Bundle | None,
    where: Where,
    *,
    overwrite: bool = False,
    case_limit_s: float = 0.0,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> CohortDetections:
    """Detect in all cases and write ``job.output``: a folder a case (see :mod:`.one_case`), and :mod:`.ending`'s files.

    Cases that an earlier run has finished are skipped, unless something that they depend on has changed. A case that
    fails, hangs or kills its process is left out, and the rest goes on.

    Args:
        overwrite: do all cases anew, and replace what else lies in their folders.
        case_limit_s: a case that takes longer is given up; 0 for no limit.
        say: told what is risked with this scheduler, and where Dask's page is, as soon as it is there.

    Raises:
        InputError: not a single case could be done.
        OutputError: the folder cannot be written, is in use, or holds results that are not of such a run.
        DeviceError: no worker, scheduler or device.
        Cancelled: through ``progress``; finished cases stay, and the next run goes on from there.
    """
    return _Run(cohort, job, bundle, where, overwrite, case_limit_s, progress or Progress(), say).do()


@dataclass
class _Run:
    cohort: Cohort
    job: Job
    bundle: Bundle | None
    where: Where
    overwrite: bool
    case_limit_s: float
    progress: Progress
    say: Callable[[str], None] | None
    done: dict[str, Outcome] = field(default_factory=dict)
    failed: dict[str, LeftOut] = field(default_factory=dict)
    kept: int = 0
    workers: int = 0
    started: float = field(default_factory=time.perf_counter)

    def do(self) -> CohortDetections:
        output = self.job.output
        check_output_folder(output, (), self.overwrite)
        output.mkdir(parents=True, exist_ok=True)
        with _only_run(output):
            to_do = self._still_to_do()
            try:
                if to_do:
                    self._detect(to_do)
            except LesionDetectionError as error:
                self._end(to_do)
                self._add_how_far(error)
                raise
            result = self._end(to_do)
        if not result.done:
            raise InputError(_nothing_done(result, output))
        self.progress(1.0, "Done")
        return result

    def _still_to_do(self) -> list[Case]:
        """Sort out what an earlier run has finished."""
        to_do = []
        part = self.progress.part(0.0, 0.02)
        for index, case in enumerate(self.cohort.cases):
            part(index / len(self.cohort.cases), "Looking for earlier results")
            if not fit_for_a_folder(case.id):
                self.failed[case.id] = LeftOut(case.id, f"Its id “{case.id}” cannot be the name of a folder.")
                continue
            outcome = None if self.overwrite else earlier_outcome(self.job, case)
            if outcome is None:
                to_do.append(case)
            else:
                self.done[case.id] = outcome
        self.kept = len(self.done)
        return to_do

    def _detect(self, to_do: Sequence[Case]) -> None:
        self.progress(0.02, "Starting the workers")
        if self.where.warning and self.say:
            self.say(self.where.warning)
        with workers_for(self.where, len(to_do)) as workers:
            if workers.dashboard and self.say:
                self.say(f"Dask's page: {workers.dashboard}")
            self.workers = _ready(workers, self.job.output)
            job = replace(self.job, device=workers.device)
            clock = Clock(len(to_do), self.progress.part(0.02, 0.99))
            dispatch = Dispatch(workers.client, work, job, self.case_limit_s)
            with contextlib.closing(dispatch.outcomes(to_do, clock.show)) as outcomes:
                for outcome in outcomes:
                    if outcome.reason:
                        self.failed[outcome.case] = LeftOut(outcome.case, outcome.reason)
                    else:
                        self.done[outcome.case] = outcome
                    clock.count(failed=bool(outcome.reason))

    def _end(self, tried: Sequence[Case]) -> CohortDetections:
        for case in tried:
            for left in self.job.output.glob(f".partial-{glob.escape(case.id)}-*"):  # of workers that were killed
                shutil.rmtree(left, ignore_errors=True)
        ids = [case.id for case in self.cohort.cases]
        result = CohortDetections(
            done=tuple(self.done[one] for one in ids if one in self.done),
            kept=self.kept,
            unlisted=self.cohort.left_out,
            failed=tuple(self.failed[one] for one in ids if one in self.failed),
            unfinished=len(ids) - len(self.done) - len(self.failed),
            seconds=time.perf_counter() - self.started,
        )
        write_ending(self.cohort, self.job, self.bundle, result, self.workers)
        return result

    def _add_how_far(self, error: LesionDetectionError) -> None:
        """Say in the error how far the run has come."""
        so_far = f"{len(self.done)} of {len(self.cohort.cases)} cases are done; the same command goes on from there."
        if isinstance(error, Cancelled):
            error.args = (f"Cancelled. {so_far}",)
        elif self.done:
            error.args = (f"{error} So far {so_far}",)


@contextlib.contextmanager
def _only_run(output: Path) -> Iterator[None]:
    """One run at a time writes to a folder. Raises OutputError."""
    lock = FileLock(output / LOCK)
    if not lock.try_acquire():
        raise OutputError(f"Another run is writing to {output}. Wait for it, or choose another folder.")
    try:
        yield
    finally:
        lock.release(remove=True)


def _ready(workers: Workers, output: Path) -> int:
    """Wait for the first workers, and make sure that all are of this program and see the folder; how many there are.

    Raises:
        DeviceError: there are none. UsageError: another version. OutputError: the folder is not seen there.
        DependencyError: this program is not installed there.
    """
    try:
        workers.client.wait_for_workers(1, timeout=WAIT_FOR_WORKERS_S)
    except (OSError, asyncio.TimeoutError) as error:
        raise DeviceError("No Dask worker has come. Start some and run it again.") from error
    with tempfile.NamedTemporaryFile(dir=output, prefix=".partial-seen-") as seen:
        try:
            said: Mapping[str, tuple[str, str, bool]] = workers.client.run(introduce, Path(seen.name))
        except Exception as error:
            raise DependencyError(
                f"The Dask workers cannot run this program ({type(error).__name__}: {error}). Install it where they run."
            ) from error
    for host, version, sees in said.values():
        if version != __version__:
            raise UsageError(f"The workers on {host} have version {version} of this program, not {__version__}.")
        if not sees:
            raise OutputError(f"The workers on {host} do not see {output}. Name a folder on a disk that all share.")
    return len(said)


def _nothing_done(result: CohortDetections, output: Path) -> str:
    first = f" The first: {result.left_out[0].reason}" if result.left_out else ""
    count = len(result.left_out)
    cases = "case" if count == 1 else "cases"
    return f"Not one of {count} {cases} could be done; {output / LEFT_OUT} says why.{first}"
