"""What is sent to the processes that detect, and what comes back: small plain values, no voxels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import LesionDetectionError


@dataclass(frozen=True)
class Job:
    """What is done with every case.

    Attributes:
        info: the method.
        model: the bundle's absolute path, which every worker must see; None for a method without a model.
        digest: of the bundle, so that a worker that finds another one there says so; empty without a model.
        settings: of the method.
        device: what :meth:`MethodInfo.create` takes.
        output: absolute path of the folder in which each case gets one of its own.
        full: also write the scene, the pictures and the report of each case.
    """

    info: MethodInfo
    model: Path | None
    digest: str
    settings: Any
    device: str
    output: Path
    full: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        case: its id.
        lesions: how many were found.
        best_score: the highest of them; None where there is none.
        seconds: that it took, reading and writing included.
        reason: why it failed; empty where it did not.
        stops: an error that is no fault of the case, such as a full disk, and ends the run.
    """

    case: str
    lesions: int = 0
    best_score: float | None = None
    seconds: float = 0.0
    reason: str = ""
    stops: LesionDetectionError | None = None
