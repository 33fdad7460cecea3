"""A unit of the work, such as a fold or a row of a table: one process at a time, a folder of its own, a network fitted once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import UsageError
from torch import nn

from ..cohorts.caching.locks import FileLock
from ..cohorts.case import Case
from ..learning.engine.distributed import Processes
from ..learning.recipe import Run
from .contract import Job
from .kept import keep_network, kept_network

LOCK = "lock"
"""In the unit's folder while a process works on it."""


@contextlib.contextmanager
def held(own: Path, folder: Path, name: str) -> Iterator[Path]:
    """A unit for this process alone; others may work on other units.

    Args:
        own: folder of the unit; it is made where it is not there.
        folder: of the reproduction.
        name: of the unit, for people: ``fold 3``.

    Raises:
        UsageError: another process works on it.
    """
    own.mkdir(parents=True, exist_ok=True)
    lock = FileLock(own / LOCK)
    if not lock.try_acquire():
        kind = name.split()[0]
        raise UsageError(
            f"Another process works on {name} in {folder}. Wait until it is done, or name other {kind}s with --folds."
        )
    try:
        yield own
    finally:
        lock.release(remove=True)


def fitted_once(
    path: Path, network: nn.Module, fit: Callable[[], tuple[nn.Module, Mapping[str, Any]]]
) -> dict[str, Any]:
    """Fill ``network`` with the weights that are kept at ``path``, fitted first where there are none; gives the fit's record.

    Args:
        fit: gives the fitted network and the record of its fit.
    """
    record = kept_network(path, network)
    if record is None:
        keep_network(path, *fit())
        record = kept_network(path, network)
        assert record is not None
    return record


def run_of(job: Job, folder: Path, training: Sequence[Case] = (), validation: Sequence[Case] = ()) -> Run:
    """How cases of a job are prepared, and networks fitted in ``folder``."""
    return Run(
        folder=folder,
        training=tuple(training),
        validation=tuple(validation),
        cache=job.cache,
        device=job.device,
        processes=Processes(device=job.device),
        workers=job.workers,
        seed=job.seed,
        resume=True,
    )
