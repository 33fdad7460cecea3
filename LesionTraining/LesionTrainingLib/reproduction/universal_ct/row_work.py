"""All work of one row, step by step; each step keeps its result in the row's folder and is not done again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors
from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork, parameter_count

from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut
from ...evaluation.matching.outcome import Outcome
from ...learning.sampling.spread import evenly
from ...learning.universal_ct.recipe import fit_network, prepare
from ..contract import Job
from ..kept import keep_json, kept_json, network_digest
from ..key_slices.data import Parts
from ..key_slices.marks import MarkStore, Reader, look_at, outcomes_of
from ..units import fitted_once, held, run_of
from .reader import reader_of, timed
from .rows import COMPLETE, UniversalRow
from .settings import ReproductionSettings
from .tables import Timed

NETWORK, MARKS, TIME = "network.safetensors", "marks", "time.json"
"""What lies in a row's folder, beside that of the fit."""


@dataclass(frozen=True, eq=False)
class RowResult:
    """What one row gives.

    Attributes:
        row: which.
        architecture: of its network.
        network: in evaluation mode, on the job's device.
        record: how the fit went, with what it was learned from.
        timed: of one image.
        store: of its marks.
        listed: one outcome a test image, by the list.
        complete: the same by the list that misses no lesion; empty where there is none.
        left_out: test images that could not be looked at; they count as without marks.
    """

    row: UniversalRow
    architecture: UniversalArchitecture
    network: UniversalNetwork
    record: dict[str, Any]
    timed: Timed
    store: MarkStore
    listed: tuple[Outcome, ...]
    complete: tuple[Outcome, ...]
    left_out: tuple[LeftOut, ...]


class RowWork:
    """One row of a job.

    Args:
        anchors: the optimised ones.
    """

    def __init__(self, job: Job, row: UniversalRow, parts: Parts, anchors: Anchors) -> None:
        self._job, self._row, self._parts = job, row, parts
        self._settings: ReproductionSettings = job.settings
        self._architecture = row.architecture(self._settings.recipe.architecture, anchors)
        self._recipe = self._settings.recipe_of(self._architecture)
        self._folder = job.folder / row.folder

    def do(self, progress: Progress) -> RowResult:
        """Fit the network, let it look at the test images, and take the time, where that is not done yet.

        Raises:
            UsageError: another process works on this row.
            InputError: no image to learn from can be used, or the initial weights cannot.
            OutputError, DeviceError: the disk is full, or the device's memory too small.
            Cancelled: see ``progress``.
        """
        with held(self._folder, self._job.folder, f"row {self._row.number}"):
            network = UniversalNetwork(self._architecture)
            record = fitted_once(self._folder / NETWORK, network, lambda: self._fit(progress.part(0, 0.9)))
            key = network_digest(network)
            reader = reader_of(network, self._recipe.method(), self._job.device)
            store, test = MarkStore(self._folder / MARKS, key), self._parts.test
            left_out = look_at(test, reader, store, self._job.workers, progress.part(0.9, 0.98))
            progress(0.98, "Taking the time")
            complete = self._parts.with_all_lesions(test) if self._parts.complete else ()
            return RowResult(
                self._row,
                self._architecture,
                network.to(self._job.device),
                record,
                self._timed(key, reader),
                store,
                tuple(outcomes_of(test, store)),
                tuple(outcomes_of(complete, store)),
                left_out,
            )

    def _fit(self, progress: Progress) -> tuple[UniversalNetwork, dict[str, Any]]:
        """Fit the network, or go on with its fit; with the record of it."""
        training, validation = (self._labelled(cases) for cases in (self._parts.training, self._parts.validation))
        run = run_of(self._job, self._folder, training, validation)
        learned, watched = prepare(run, self._recipe, progress.part(0, 0.1))
        found = fit_network(run, learned, watched, self._recipe, progress.part(0.1, 1))
        record = {
            **found.fitted.record(),
            "parameters": parameter_count(found.network),
            "training_images": len(learned),
            "training_lesions": sum(int(one.counted.sum()) for one in learned),
            "validation_images": len(watched),
            "left_out": [[left.case, left.reason] for left in run.left_out],
        }
        return found.network, record

    def _labelled(self, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        return self._parts.with_all_lesions(cases) if self._row.name == COMPLETE else cases

    def _timed(self, key: str, reader: Reader) -> Timed:
        """How long an image takes, as it was when it was measured first."""
        kept = kept_json(self._folder / TIME)
        if kept is None or kept.get("key") != key:
            found = timed(evenly(self._parts.test, self._settings.timed_images), reader)
            kept = {"key": key, **asdict(found)}
            keep_json(self._folder / TIME, kept)
        return Timed(float(kept["milliseconds"]), int(kept["images"]), str(kept["device"]))
