"""All work of one fold, step by step; each step keeps its result in the fold's folder and is not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import ReductionResNet, ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut
from ...evaluation.matching.outcome import Outcome
from ...learning.nodule_ct.mining import Mined
from ...learning.nodule_ct.scans import prepared_scans
from ...learning.nodule_ct.settings import RecipeSettings
from ...learning.nodule_ct.stages import Stages
from ...learning.recipe import Run
from ..contract import Job
from ..folds import Fold, fold_folder, held_fold
from ..kept import keep_json, kept_json, network_digest
from ..units import fitted_once, run_of
from .found import FoundStore, Trained, judged, look_at
from .networks import FCN_OSF, VARIANTS

NETWORK, THRESHOLD, PARTS, FOUND = "network.safetensors", "threshold.json", "parts.json", "found"
"""What lies in a fold's folder: the first two in the folder of each network, beside its checkpoints."""


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What one fold gives.

    Attributes:
        fold: its cases.
        outcomes: network -> one a test case.
        thresholds: of first stages -> probability of a candidate.
        records: network -> how its fit went.
        used: cases that were learned from, and that thresholds were set on.
        left_out: cases that could not be used, those of the test among them, which count as without marks.
    """

    fold: Fold
    outcomes: dict[str, list[Outcome]]
    thresholds: dict[str, float]
    records: dict[str, dict[str, Any]]
    used: tuple[int, int]
    left_out: tuple[LeftOut, ...]


class FoldWork:
    """One fold of a job.

    Args:
        recipe: the full recipe, of which networks are variants.
    """

    def __init__(self, job: Job, fold: Fold, recipe: RecipeSettings) -> None:
        self._job, self._fold, self._recipe = job, fold, recipe
        self._folder = fold_folder(job.folder, fold.number)
        self._cases = {case.id: case for case in job.cohort.cases}
        self._progress = Progress()
        self._networks: dict[str, ScreeningFCN | ReductionResNet] = {}
        self._thresholds: dict[str, float] = {}
        self._records: dict[str, dict[str, Any]] = {}

    def do(self, names: Sequence[str], progress: Progress) -> FoldResult:
        """Fit the networks of these names and let them look at the test cases, where that is not done yet.

        Raises:
            UsageError: another process works on this fold.
            InputError: no case of a part can be used.
            OutputError, DeviceError: the disk is full, or the device's memory too small.
            Cancelled: see ``progress``.
        """
        wanted = [variant for name, variant in VARIANTS.items() if name in names or name == FCN_OSF]
        with held_fold(self._job.folder, self._fold.number):
            for done, variant in enumerate(wanted):
                self._progress = progress.part(0.9 * done / len(wanted), 0.9 * (done + 1) / len(wanted))
                fit = self._screening if variant.screening else self._reduction
                fit(variant.name)
            left_out = self._look(progress.part(0.9, 1.0))
            parts = kept_json(self._folder / PARTS) or {"training": 0, "validation": 0, "left_out": []}
            cases = self._of(self._fold.test)
            return FoldResult(
                self._fold,
                {variant.name: judged(cases, variant.name, self._store) for variant in wanted},
                dict(self._thresholds),
                dict(self._records),
                (parts["training"], parts["validation"]),
                (*(LeftOut(*pair) for pair in parts["left_out"]), *left_out),
            )

    @cached_property
    def _run(self) -> Run:
        training, validation = self._of(self._fold.training), self._of(self._fold.validation)
        return run_of(self._job, self._folder, training, validation)

    @cached_property
    def _stages(self) -> Stages:
        """The scans to learn from: only opened where there is something left to learn."""
        stages = Stages.open(self._run, self._recipe, self._part(0, 0.2))
        left_out = [[left.case, left.reason] for left in self._run.left_out]
        counts = {"training": len(stages.training), "validation": len(stages.validation)}
        keep_json(self._folder / PARTS, {**counts, "left_out": left_out})
        return stages

    @cached_property
    def _mined(self) -> Mined:
        screening = self._networks[FCN_OSF]
        assert isinstance(screening, ScreeningFCN)
        return self._stages.mining(screening, self._part(0.2, 0.4))

    def _screening(self, name: str) -> None:
        variant, network = VARIANTS[name], ScreeningFCN(self._recipe.screening)

        def fit() -> tuple[ScreeningFCN, dict[str, Any]]:
            stages = self._stages.varied(**variant.changes(self._recipe))
            stage = stages.screening(self._part(0.2, 0.9), variant.folder)
            return stage.network, stage.fitted.record()

        self._records[name] = fitted_once(self._folder / variant.folder / NETWORK, network, fit)
        self._networks[name] = network
        self._thresholds[name] = self._threshold(name, network)

    def _threshold(self, name: str, network: ScreeningFCN) -> float:
        folder = self._folder / VARIANTS[name].folder
        key = network_digest(network)
        kept = kept_json(folder / THRESHOLD)
        if kept is None or kept.get("key") != key:
            chosen = self._stages.candidate_threshold(network, self._part(0.9, 1.0))
            kept = {"key": key, **vars(chosen)}
            keep_json(folder / THRESHOLD, kept)
        return float(kept["threshold"])

    def _reduction(self, name: str) -> None:
        variant = VARIANTS[name]
        changes = variant.changes(self._recipe)
        network = ReductionResNet(replace(self._recipe, **changes).reduction)

        def fit() -> tuple[ReductionResNet, dict[str, Any]]:
            stages, screening = self._stages.varied(**changes), self._networks[FCN_OSF]
            assert isinstance(screening, ScreeningFCN)
            stage = stages.reduction(screening, self._mined, self._part(0.4, 1.0), variant.folder)
            return stage.network, stage.fitted.record()

        self._records[name] = fitted_once(self._folder / variant.folder / NETWORK, network, fit)
        self._networks[name] = network

    @cached_property
    def _store(self) -> FoundStore:
        keys: dict[str, str] = {}
        for name, network in self._networks.items():
            parts = [
                network_digest(network),
                repr(self._thresholds[name]) if VARIANTS[name].screening else keys[FCN_OSF],
            ]
            keys[name] = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return FoundStore(self._folder / FOUND, keys)

    def _look(self, progress: Progress) -> tuple[LeftOut, ...]:
        """Look at the test cases that a network has not seen; gives those that cannot be prepared."""
        waiting = [case for case in self._of(self._fold.test) if self._store.lacks(case.id)]
        if not waiting:
            return ()
        nodule = NoduleSettings(spacing_mm=self._recipe.spacing_mm)
        run = replace(self._run, left_out=[])
        scans = prepared_scans(waiting, run, nodule, progress.part(0, 0.2))
        trained = Trained(self._networks, self._thresholds)
        look_at(scans, trained, nodule, self._job.device, self._store, progress.part(0.2, 1))
        return tuple(run.left_out)

    def _of(self, ids: Sequence[str]) -> tuple[Case, ...]:
        return tuple(self._cases[case_id] for case_id in ids)

    def _part(self, start: float, stop: float) -> Progress:
        """Of the step that is being done."""
        return self._progress.part(start, stop)
