"""What runs in a worker process: the model, loaded once and kept; one case after another; every error as an outcome."""

from __future__ import annotations

import signal
import socket
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from LesionDetectionLib import __version__
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import Detector, MethodInfo
from LesionDetectionLib.core.errors import BundleError, Cancelled, LesionDetectionError, OutputError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import Case
from ..cohorts.cohort import reason_of
from .job import Job, Outcome
from .one_case import detect_case


def dask_setup(_worker: Any) -> None:
    """Called by Dask when a local worker starts: Ctrl-C is for the program that started it, which ends its workers."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def introduce(seen: Path) -> tuple[str, str, bool]:
    """(Host, version of this program there, whether ``seen`` is to be seen there) of a worker."""
    return socket.gethostname(), __version__, seen.exists()


def work(job: Job, case: Case) -> Outcome:
    """Detect in one case. Raises nothing: a bad case is an outcome with a reason, a fault of all cases one that stops.

    That the model or the device cannot be had, or that the disk is full, is no fault of the case.
    """
    try:
        detector = _detector(job.info, job.model, job.digest, job.device)
    except LesionDetectionError as error:
        return Outcome(case.id, stops=error)
    except Exception as error:
        return Outcome(case.id, stops=LesionDetectionError(f"{job.info.id} cannot be started. {reason_of(error)}"))
    try:
        return detect_case(job, case, detector, _progress())
    except (Cancelled, OutputError) as error:
        return Outcome(case.id, stops=error)
    except MemoryError:
        return Outcome(case.id, reason="The memory was too small for this case. Give each worker more of it.")
    except Exception as error:
        return Outcome(case.id, reason=reason_of(error))


@lru_cache(maxsize=1)
def _detector(info: MethodInfo, model: Path | None, digest: str, device: str) -> Detector:
    bundle = None if model is None else Bundle.open(model)
    if bundle is not None and bundle.digest != digest:
        raise BundleError(f"{model} on {socket.gethostname()} is another model than here. Name one on a shared disk.")
    return info.create(bundle, device)


def _progress() -> Progress:
    """A progress that is cancelled when Dask has: the user stopped the run, its program is gone, or time is over."""
    progress = Progress(lambda _fraction, _text: progress.cancel() if _released() else None)
    return progress


def _released() -> bool:
    """Whether nobody waits for the task of this thread any more. False outside a worker."""
    from distributed import get_worker

    try:
        worker = get_worker()
        task = worker.state.tasks.get(worker.get_current_task())
    except (ValueError, AttributeError):
        return False
    return task is not None and task.state == "cancelled"
