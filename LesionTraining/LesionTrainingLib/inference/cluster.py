"""The workers: processes of this machine, or those of a Dask scheduler elsewhere.

Dask's messages carry code: whoever reaches a scheduler's port can run programs as its user. The local cluster listens on
the loopback address only, which other users of the same machine reach, too; a remote one belongs on a trusted network or
behind TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from LesionDetectionLib.core.errors import DependencyError, DeviceError, UsageError

from ..cohorts.caching.threads import THREADS

LOOPBACK = "127.0.0.1"
GIB_A_WORKER = 4
"""Detecting with ``nodule-ct`` in a chest CT of 512 x 512 x 275 voxels takes 1.7 GiB at its peak; larger scans and pairs of
them take more."""
MEMORY_SHARE = 0.95
"""Of the machine's memory, for all workers; a worker that goes beyond its part is ended and the case tried once more."""
CONNECT_S = 15.0
DASHBOARD_PORT = 8787
"""Dask's usual one; another where it is taken."""


@dataclass(frozen=True)
class Where:
    """Where the work is done.

    Attributes:
        scheduler: address of a running Dask scheduler (``tcp://host:8786``, ``tls://host:8786``); empty for a cluster of
            processes on this machine, which ends with the run.
        workers: of the local cluster; 0 for as many as cores, memory or GPUs allow.
        memory_gib: of each local worker; 0 for an equal part of the machine's.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``. With ``cuda`` each local worker has one GPU.
        dashboard: show Dask's web page of the local cluster, on the loopback address.
        tls_ca, tls_cert, tls_key: PEM files for a scheduler that speaks TLS.
    """

    scheduler: str = ""
    workers: int = 0
    memory_gib: float = 0.0
    device: str = "auto"
    dashboard: bool = False
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        tls = [path for path in (self.tls_ca, self.tls_cert, self.tls_key) if path is not None]
        if self.workers < 0 or self.memory_gib < 0:
            raise UsageError("The number of workers and their memory cannot be negative.")
        if self.scheduler and not self.scheduler.startswith(("tcp://", "tls://")):
            raise UsageError(
                f"“{self.scheduler}” is no address of a scheduler: write tcp://HOST:PORT or tls://HOST:PORT."
            )
        if self.scheduler and (self.workers or self.memory_gib or self.dashboard):
            raise UsageError(
                "A scheduler elsewhere has its own workers, memory and dashboard: leave these options out."
            )
        if self.scheduler.startswith("tls://") != bool(tls) or len(tls) not in (0, 3):
            raise UsageError("TLS needs a tls:// address and all of --tls-ca, --tls-cert and --tls-key.")
        for path in tls:
            if not path.is_file():
                raise UsageError(f"There is no file {path}.")

    @property
    def warning(self) -> str:
        """What is risked on the way to a scheduler elsewhere, a sentence; empty where nothing is open to others."""
        host = urlsplit(self.scheduler).hostname or ""
        if not self.scheduler.startswith("tcp://") or host in (LOOPBACK, "localhost", "::1"):
            return ""
        return (
            f"What goes to {host} is not encrypted, and whoever reaches the scheduler's port can run programs there and on its "
            "workers. Use it on a network that you trust, or tls:// with --tls-ca, --tls-cert and --tls-key."
        )


@dataclass(frozen=True)
class Workers:
    """An open door to the workers.

    Attributes:
        client: the ``distributed.Client``.
        device: for :class:`.job.Job`, as the workers see it.
        dashboard: address of the web page, or empty.
    """

    client: Any
    device: str
    dashboard: str = ""


@contextlib.contextmanager
def workers_for(where: Where, most: int) -> Iterator[Workers]:
    """Workers while the block runs; a local cluster is gone afterwards, whatever happened.

    Args:
        most: more local workers than this are of no use.

    Raises:
        DeviceError: no scheduler answers, or there is no such GPU.
        DependencyError: Dask is not installed.
    """
    if importlib.util.find_spec("distributed") is None:
        raise DependencyError("Detecting in a cohort needs Dask: pip install distributed.")
    if where.dashboard and importlib.util.find_spec("bokeh") is None:
        raise DependencyError("Dask's dashboard needs Bokeh: pip install bokeh, or leave --dashboard out.")
    with _remote(where) if where.scheduler else _local(where, most) as workers:
        yield workers


@contextlib.contextmanager
def _remote(where: Where) -> Iterator[Workers]:
    distributed = _distributed()
    security = None
    if where.tls_ca is not None:
        security = distributed.Security(
            tls_ca_file=str(where.tls_ca),
            tls_client_cert=str(where.tls_cert),
            tls_client_key=str(where.tls_key),
            require_encryption=True,
        )
    with _quiet():
        try:
            client = distributed.Client(where.scheduler, security=security, timeout=CONNECT_S, set_as_default=False)
        except (OSError, asyncio.TimeoutError, RuntimeError, ValueError, TypeError) as error:
            raise DeviceError(
                f"No Dask scheduler answers at {where.scheduler}: {error or 'no answer in time'}."
            ) from error
        try:
            yield Workers(client, where.device)
        finally:
            client.close()


@contextlib.contextmanager
def _local(where: Where, most: int) -> Iterator[Workers]:
    import dask
    from dask.system import CPU_COUNT

    distributed = _distributed()
    gpus = _gpus(where.device)
    count = min(where.workers or len(gpus) or default_workers(), max(1, most))
    settings = {  # a worker that waits until its memory is free would wait for ever: there is nothing to spill
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": MEMORY_SHARE,
        "distributed.nanny.pre-spawn-environ": dict.fromkeys(THREADS, max(1, CPU_COUNT // count)),
    }
    with (
        tempfile.TemporaryDirectory(prefix="lesion-dask-", ignore_cleanup_errors=True) as folder,
        _quiet(),
        _same_threads(),
    ):
        with dask.config.set(settings):
            cluster = distributed.SpecCluster(
                scheduler=_scheduler_spec(where.dashboard),
                workers={index: _worker_spec(where, index, count, gpus, folder) for index in range(count)},
                silence_logs=logging.CRITICAL,
            )
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            page = str(cluster.dashboard_link) if where.dashboard else ""
            yield Workers(client, "cuda" if gpus else where.device, page)


def _distributed() -> Any:
    """The library, half-typed as it comes, loaded when first used."""
    return importlib.import_module("distributed")


def default_workers() -> int:
    """As many as the cores, and the memory at :data:`GIB_A_WORKER` each, allow."""
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    return max(1, min(int(CPU_COUNT), int(MEMORY_LIMIT // (GIB_A_WORKER * 2**30))))


def _scheduler_spec(dashboard: bool) -> dict[str, Any]:
    address = f"{LOOPBACK}:{DASHBOARD_PORT if dashboard else 0}"
    return {
        "cls": _distributed().Scheduler,
        "options": {"host": LOOPBACK, "port": 0, "dashboard": dashboard, "dashboard_address": address},
    }


def _worker_spec(where: Where, index: int, count: int, gpus: tuple[str, ...], folder: str) -> dict[str, Any]:
    """A process with one thread, watched by a nanny that starts another when it ends."""
    from distributed.system import MEMORY_LIMIT

    memory = where.memory_gib * 2**30 or MEMORY_SHARE * MEMORY_LIMIT / count
    return {
        "cls": _distributed().Nanny,
        "options": {
            "nthreads": 1,
            "host": LOOPBACK,
            "memory_limit": int(memory),
            "local_directory": folder,
            "dashboard": False,
            "dashboard_address": f"{LOOPBACK}:0",
            "silence_logs": logging.CRITICAL,
            "preload": ["LesionTrainingLib.inference.worker"],
            "env": {"CUDA_VISIBLE_DEVICES": gpus[index % len(gpus)]} if gpus else {},
        },
    }


def _gpus(device: str) -> tuple[str, ...]:
    """What ``CUDA_VISIBLE_DEVICES`` is for each GPU to be used; none for the processor.

    Raises:
        DeviceError: the device is missing.
    """
    if device == "cpu":
        return ()  # without torch, which takes seconds to load, in a process that detects nothing itself
    from LesionDetectionLib.methods.device import choose_device

    chosen = choose_device(device)
    if chosen.type != "cuda":
        return ()
    import torch

    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in given.split(",")] if given else [str(n) for n in range(torch.cuda.device_count())]
    return tuple(names) if chosen.index is None else (names[chosen.index],)


@contextlib.contextmanager
def _same_threads() -> Iterator[None]:
    """Dask sets the workers' numbers of threads in our environment too; afterwards they are as before."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in THREADS:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask's log off the screen: what matters of it is told in our words, and it may name files."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
