"""What the worker process is asked for in training, beside what detection asks; the work is in :mod:`.tasks`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from LesionDetectionLib.app.worker.requests import Request

from ..cohorts.dicom.options import DicomOptions
from .catalogue import Catalogue
from .cohort_choice import CohortSummary

_TASKS = "LesionTrainingLib.session.tasks"
IMAGE, TRUTH = "image", "truth.json"
"""What lies in the folder that a phantom is made in: the scan (:mod:`LesionDetectionLib.app.worker.images`), and its true
lesions (Detections)."""


@dataclass(frozen=True)
class ListDatabaseRequest(Request):
    """The series of a DICOM database, with what labels them. Result: :class:`.catalogue.Catalogue`.

    Attributes:
        folder: of the database.
        labels, frame: as in :class:`..cohorts.dicom.options.DicomOptions`.
    """

    TASK: ClassVar[str] = f"{_TASKS}:list_database"

    folder: str
    labels: str = DicomOptions.labels
    frame: str = DicomOptions.frame

    @staticmethod
    def result_to_json(result: Catalogue) -> Any:
        return result.to_json()

    @staticmethod
    def result_from_json(value: Any) -> Catalogue:
        return Catalogue.from_json(value)


@dataclass(frozen=True)
class CohortSummaryRequest(Request):
    """What a cohort holds. Result: :class:`.cohort_choice.CohortSummary`.

    Attributes:
        cohort: its specification.
        truth: whether labels are read, which counts lesions and finds what cannot be used.
    """

    TASK: ClassVar[str] = f"{_TASKS}:cohort_summary"

    cohort: str
    truth: bool = True

    @staticmethod
    def result_to_json(result: CohortSummary) -> Any:
        return result.to_json()

    @staticmethod
    def result_from_json(value: Any) -> CohortSummary:
        return CohortSummary.from_json(value)


@dataclass(frozen=True)
class TrainRequest(Request):
    """Train one model of a plan, or go on with it. Result: the path of its bundle in the model folder.

    Attributes:
        run: the run's folder (:class:`.runs.RunFolder`), which has the plan.
        fold: which model of the plan, -1 where there are no folds.
        models: the folder that the bundle is installed into.
    """

    TASK: ClassVar[str] = f"{_TASKS}:train"

    run: str
    fold: int
    models: str


@dataclass(frozen=True)
class PoolFoldsRequest(Request):
    """The figures of all folds of a run together. Result: plain values as a model's metrics have them.

    Attributes:
        run: the run's folder.
    """

    TASK: ClassVar[str] = f"{_TASKS}:pool_folds"

    run: str

    @staticmethod
    def result_from_json(value: Any) -> dict[str, Any]:
        return dict(value)


@dataclass(frozen=True)
class MeasureModelRequest(Request):
    """Measure a model on a cohort, and write the figures into its card. Result: the path of the bundle.

    Attributes:
        bundle: the model. One that lies in the model folder is replaced; of any other a copy is installed there.
        cohort: specification.
        models: the model folder.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        workers: processes that read cases.
    """

    TASK: ClassVar[str] = f"{_TASKS}:measure_model"

    bundle: str
    cohort: str
    models: str
    device: str = "auto"
    workers: int = 1


@dataclass(frozen=True)
class PhantomRequest(Request):
    """Make a phantom. Result: ``folder``, which then has :data:`IMAGE` and :data:`TRUTH`.

    Attributes:
        folder: that is made.
        anatomy, seed, protocol: see :mod:`..cohorts.phantoms.cohort`.
    """

    TASK: ClassVar[str] = f"{_TASKS}:make_phantom"

    folder: str
    anatomy: str = "chest"
    seed: int = 0
    protocol: str = "default"

    @staticmethod
    def result_to_json(result: Path) -> Any:
        return str(result)

    @staticmethod
    def result_from_json(value: Any) -> Path:
        return Path(value)


@dataclass(frozen=True)
class PhantomSeriesRequest(Request):
    """Write phantoms as DICOM series with their true nodules as SEG, to try training from the DICOM database. Result: the
    number of series.

    Attributes:
        folder: that is made.
        seed: of the first phantom; the others follow.
        count: how many.
        protocol: see :mod:`..cohorts.phantoms.chest_protocols`.
    """

    TASK: ClassVar[str] = f"{_TASKS}:write_phantom_series"

    folder: str
    count: int
    seed: int = 0
    protocol: str = "tiny"
