"""All work of one fold, step by step; each step keeps its result and is not done again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PET, understood_as
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.detector import create
from LesionDetectionLib.methods.pet_weak.model import weights_of
from LesionDetectionLib.methods.pet_weak.network import PetWeakNetwork, make_network
from LesionDetectionLib.methods.pet_weak.settings import PetWeakSettings, settings_for

from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut
from ...evaluation.reading.ahead import ReadCase, work_on_read
from ...learning.pet_weak.judging import as_bundle
from ...learning.pet_weak.outcome import bundled_settings
from ...learning.pet_weak.recipe import fit_network, prepare
from ...learning.recipe import Trained
from ..contract import Job
from ..folds import Fold, fold_folder, held_fold
from ..kept import network_digest
from ..units import fitted_once, run_of
from ..wording import named
from .data import is_drawn, label_of
from .found import MASKS, Found, FoundStore, overlap_of, shown
from .maps_kept import MAP, SeenMap
from .rows import ALONE_ROW, FCN_ROW, NETWORK_ROWS, UNET_ROW, TableRow
from .settings import ReproductionSettings

NETWORK = "network.safetensors"
"""In a fold's folder, in that of the row, beside the folders of its fits."""
_EVERYTHING = "0"


@dataclass(frozen=True, eq=False)
class RowFound:
    """What the network of one row gave in one fold.

    Attributes:
        row: which.
        record: how its fits went, with what it learned from.
        found: in the fold's own patients.
        left_out: patients that could not be looked at.
    """

    row: TableRow
    record: dict[str, Any]
    found: tuple[Found, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What one fold gave: its patients, and the row's name -> what its network found; without the supervised row where no tumour is
    drawn."""

    fold: Fold
    rows: dict[str, RowFound]


class FoldWork:
    """One fold of a job.

    Args:
        labels: only patients with these are looked at; all are learned from.
    """

    def __init__(self, job: Job, fold: Fold, labels: Collection[str]) -> None:
        self._job, self._fold = job, fold
        self._settings: ReproductionSettings = job.settings
        self._folder = fold_folder(job.folder, fold.number)
        self._cases = {case.id: case for case in job.cohort.cases}
        self._test = tuple(case for case in self._of(fold.test) if label_of(case) in labels)

    def do(self, progress: Progress) -> FoldResult:
        """Fit the networks, and let them look at the fold's own patients, where that is not done yet.

        Raises:
            UsageError: another process works on this fold.
            InputError: no patient to learn from can be used.
            OutputError, DeviceError: the disk is full, or the device's memory too small.
            Cancelled: see ``progress``.
        """
        with held_fold(self._job.folder, self._fold.number):
            rows = [row for row in NETWORK_ROWS if row != UNET_ROW or is_drawn(self._job.cohort)]
            done, count = dict[str, RowFound](), len(rows)
            for n, row in enumerate(rows):
                done[row.name] = self._row(row, named(progress.part(n / count, (n + 1) / count), row.title))
            return FoldResult(self._fold, done)

    def _row(self, row: TableRow, progress: Progress) -> RowFound:
        network = make_network(self._settings.recipe_of(row).architecture)
        path = self._folder / row.name / NETWORK
        record = fitted_once(path, network, lambda: self._fit(row, progress.part(0, 0.8)))
        store = store_of(self._job, row, network_digest(network))
        left_out = self._look(row, network, store, progress.part(0.8, 1))
        found = tuple(one for case in self._test if (one := store.get(case.id)) is not None)
        return RowFound(row, record, found, left_out)

    def _fit(self, row: TableRow, progress: Progress) -> tuple[PetWeakNetwork, dict[str, Any]]:
        """Fit the network, or go on with its fit; with the record of it."""
        recipe = self._settings.recipe_of(row)
        run = run_of(self._job, self._folder, self._of(self._fold.training), self._of(self._fold.validation))
        training, validation = prepare(run, recipe, progress.part(0, 0.1))
        # The labels of the fully convolutional network are the maps of “CAMs alone”: one folder, so that it is fitted once
        folder = ALONE_ROW.name if row == FCN_ROW else row.name
        result = fit_network(run, training, validation, recipe, progress.part(0.1, 1), folder)
        return result.network, {
            "fits": {name: fitted.record() for name, fitted in result.fits.items()},
            "projections": {name: value if value == value else None for name, value in result.views.items()},
            "parameters": sum(parameter.numel() for parameter in result.network.parameters()),
            "training": len(training),
            "validation": len(validation),
            "left_out": [[left.case, left.reason] for left in run.left_out],
        }

    def _look(
        self, row: TableRow, network: PetWeakNetwork, store: FoundStore, progress: Progress
    ) -> tuple[LeftOut, ...]:
        """Detect in the patients that this network has not looked at, as the detector does, and keep what is found."""
        waiting = [case for case in self._test if store.get(case.id) is None]
        if not waiting:
            return ()
        recipe, device = self._settings.recipe_of(row), str(self._job.device)
        trained = Trained(weights_of(network), asdict(recipe.architecture), bundled_settings(recipe.method(), ()))
        bundle = as_bundle(trained)
        detector, settings = create(bundle, device), _all_marks(settings_for(bundle))
        by_id = {case.id: case for case in waiting}

        def look(read: ReadCase) -> None:
            image = understood_as(read.images[PET], PET)
            case = by_id[image.name]
            found = shown(detector.detect({PET: image}, settings, Progress()), self._settings.least_score)
            overlap = overlap_of(found.lesions, read.truth.lesions.masks, image)
            path = store.detections(case.id)
            path.parent.mkdir(parents=True, exist_ok=True)
            for one in found.maps.values():
                SeenMap.of(one).save(path.with_name(MAP))
            own = Found(
                case.id, case.patient, label_of(case), overlap.dice, overlap.hit, len(found.lesions), label_told(found)
            )
            store.put(replace(own, first_dice=overlap.first_dice), found)

        _, left_out = work_on_read(waiting, look, self._job.workers, progress)
        return tuple(left_out)

    def _of(self, ids: Sequence[str]) -> tuple[Case, ...]:
        return tuple(self._cases[case] for case in ids)


def store_of(job: Job, row: TableRow, key: str) -> FoundStore:
    """Where what a row's networks found is kept, of all folds together."""
    return FoundStore(job.folder / MASKS / row.name, key)


def label_told(detections: Detections) -> str:
    """The most probable label of a scan; empty where the network tells none."""
    odds: dict[str, float] = detections.provenance.get("class_probabilities") or {}
    return max(odds, key=lambda label: odds[label], default="")


def _all_marks(settings: PetWeakSettings) -> PetWeakSettings:
    return replace(settings, operating_point=_EVERYTHING)
