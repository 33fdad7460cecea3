"""All work of one row, step by step; each step keeps its result in the row's folder and is not done again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.liver_ct.architecture import LiverArchitecture
from LesionDetectionLib.methods.liver_ct.network import LiverNetwork, make_network, parameter_count

from ...cohorts.case import TEST, TRAINING, Case
from ...cohorts.cohort import LeftOut
from ...evaluation.matching.outcome import Outcome
from ...learning.engine.history import History
from ...learning.liver_ct.largest import rule
from ...learning.liver_ct.recipe import fit_network, prepare
from ...learning.liver_ct.starting import NAME
from ...learning.sampling.spread import evenly
from ..contract import Job
from ..kept import network_digest
from ..key_slices.data import Parts
from ..key_slices.marks import MarkStore, look_at, outcomes_of
from ..units import fitted_once, held, run_of
from .reader import reader_of
from .rows import LiverRow
from .settings import ReproductionSettings

NETWORK = "network.safetensors"
"""What lies in a row's folder, beside those of the fit and of the marks in each part of the data."""


@dataclass(frozen=True, eq=False)
class Looked:
    """What a network marked in one part of the data.

    Attributes:
        cases: the part's images, by the list.
        complete: the same by the list that misses no lesion; empty where there is none.
        store: of the marks.
        left_out: images that could not be looked at; they count as without marks.
    """

    cases: tuple[Case, ...]
    complete: tuple[Case, ...]
    store: MarkStore
    left_out: tuple[LeftOut, ...]

    def outcomes(self, iou: float) -> list[Outcome]:
        """One an image by the list, where a box hits above this overlap."""
        return outcomes_of(self.cases, self.store, rule(iou))

    def by_all(self, iou: float) -> list[Outcome]:
        """The same by the list that misses no lesion."""
        return outcomes_of(self.complete, self.store, rule(iou))

    @cached_property
    def readable(self) -> tuple[Case, ...]:
        """The images that were looked at."""
        return tuple(case for case in self.cases if self.store.get(case.id) is not None)


@dataclass(frozen=True, eq=False)
class RowResult:
    """What one row gives.

    Attributes:
        row: which.
        architecture: of its network.
        record: how the fit went, with what it was learned from.
        history: of the fit, as far as it is still there.
        test: its marks on test images.
        training: on training images, where it gives one box; else None.
    """

    row: LiverRow
    architecture: LiverArchitecture
    record: dict[str, Any]
    history: History
    test: Looked
    training: Looked | None

    @property
    def parts(self) -> tuple[tuple[str, Looked], ...]:
        """Names of the parts that it looked at, training first, and what it marked there."""
        return (*(((TRAINING, self.training),) if self.training else ()), (TEST, self.test))


class RowWork:
    """One row of a job."""

    def __init__(self, job: Job, row: LiverRow, parts: Parts) -> None:
        self._job, self._row, self._parts = job, row, parts
        self._settings: ReproductionSettings = job.settings
        self._recipe = self._settings.recipe_of(row)
        self._folder = job.folder / row.folder

    def do(self, progress: Progress) -> RowResult:
        """Fit the network, and let it look at the images, where that is not done yet.

        Raises:
            UsageError: another process works on this row.
            InputError: no image to learn from can be used, or the initial weights cannot.
            OutputError, DeviceError: the disk is full, or the device's memory too small.
            Cancelled: see ``progress``.
        """
        with held(self._folder, self._job.folder, f"row {self._row.number}"):
            architecture = self._recipe.network()
            network = make_network(architecture)
            record = fitted_once(self._folder / NETWORK, network, lambda: self._fit(progress.part(0, 0.85)))
            training = None
            if self._row.single_box:
                most = self._settings.training_images or len(self._parts.training)
                some = tuple(evenly(self._parts.training, most))
                training = self._looked(TRAINING, network, some, progress.part(0.85, 0.93))
            test = self._looked(TEST, network, self._parts.test, progress.part(0.93, 1))
            history = History.read(self._folder / NAME)
            return RowResult(self._row, architecture, record, history, test, training)

    def _fit(self, progress: Progress) -> tuple[LiverNetwork, dict[str, Any]]:
        """Fit the network, or go on with its fit; with the record of it."""
        run = run_of(self._job, self._folder, self._parts.training, self._parts.validation)
        learned, watched = prepare(run, self._recipe, progress.part(0, 0.1))
        found = fit_network(run, learned, watched, self._recipe, progress.part(0.1, 1))
        record = {
            **found.fitted.record(),
            "parameters": parameter_count(found.network),
            "training_images": len(learned),
            "training_lesions": sum(int(one.counted.sum()) for one in learned),
            "validation_images": len(watched),
            "batch": self._recipe.fit.batch,
            "left_out": [[left.case, left.reason] for left in run.left_out],
        }
        return found.network, record

    def _looked(self, part: str, network: LiverNetwork, cases: tuple[Case, ...], progress: Progress) -> Looked:
        reader = reader_of(network, self._recipe.method(), self._job.device)
        store = MarkStore(self._folder / f"marks-{part}", network_digest(network))
        left_out = look_at(cases, reader, store, self._job.workers, progress)
        complete = self._parts.with_all_lesions(cases) if self._parts.complete else ()
        return Looked(cases, complete, store, left_out)
