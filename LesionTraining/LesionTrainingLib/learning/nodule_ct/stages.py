"""The stages of the recipe, each to be run by itself: screening, mining, reduction, the candidate threshold.

Each fit has a folder of its own under the run's and is resumable there. A variant (no sample filter, another second
network) is the same stages with other settings, fitted in another folder:

    stages = Stages.open(run, settings, progress)
    screening = stages.screening(progress).network
    plain = stages.varied(filtering=FilterSettings(hard_share=1.0)).screening(progress, "screening-plain").network
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import ReductionResNet, ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from torch import nn

from ..engine.fit import Fitted, fit
from ..engine.settings import EngineSettings
from ..engine.task import Task
from ..recipe import Run
from .mining import Mined, MiningPlace, mine_together
from .reduction_stage import ReductionTask
from .scans import TrainingScan, known_diameters, nodule_count, prepared_scans
from .screening_stage import ScreeningTask
from .settings import RecipeSettings
from .validation import CandidateThreshold, choose_candidate_threshold

SCREENING, REDUCTION = "screening", "reduction"
"""Folders of the two fits of the plain path."""

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Stage(Generic[Network]):
    """A network after its fit, in evaluation mode, and how the fit went."""

    network: Network
    fitted: Fitted


@dataclass(frozen=True, eq=False)
class Stages:
    """What all stages of a run share.

    Attributes:
        run: whose folder the fits lie in.
        settings: of the recipe.
        training, validation: the prepared scans that can be used.
    """

    run: Run
    settings: RecipeSettings
    training: Sequence[TrainingScan]
    validation: Sequence[TrainingScan]

    @classmethod
    def open(cls, run: Run, settings: RecipeSettings, progress: Progress) -> Stages:
        """Prepare the scans of both parts, or find them in the cache.

        Raises:
            InputError: no case of a part can be used, or sizes are to be learned and none is known.
            OutputError: the disk is full.
            Cancelled: see ``progress``.
        """
        nodule = NoduleSettings(spacing_mm=settings.spacing_mm)
        training = prepared_scans(run.training, run, nodule, progress.part(0, 0.8))
        validation = prepared_scans(run.validation, run, nodule, progress.part(0.8, 1))
        run.require_cases(training, validation)
        if settings.reduction.regression and nodule_count(training) and not known_diameters(training):
            raise InputError(
                "Of none of the training nodules the diameter is known, so that sizes cannot be learned. Give diameters, or "
                "train without sizes (“reduction”: “regression: false” in the settings)."
            )
        return cls(run, settings, training, validation)

    @property
    def nodule(self) -> NoduleSettings:
        """Of the method: the working grid and the window that both networks see."""
        return NoduleSettings(spacing_mm=self.settings.spacing_mm)

    def varied(self, **changes: Any) -> Stages:
        """The same run and scans with other settings of the recipe."""
        return replace(self, settings=replace(self.settings, **changes))

    def screening(self, progress: Progress, folder: str = SCREENING) -> Stage[ScreeningFCN]:
        """Fit the screening network, rounds of mining included. Raises what :func:`..engine.fit.fit` does."""
        task = ScreeningTask(
            self.training,
            self.settings,
            self.nodule.window_hu,
            self.run.seed,
            self.run.device,
            self._place.mine_some,
            self.validation,
        )
        return Stage(task.network, self._fit(task, self.settings.screening_stage, folder, progress))

    def mining(self, screening: ScreeningFCN, progress: Progress) -> Mined:
        """Candidates of the screening network on all training scans; kept in the run's folder. Raises Cancelled."""
        every = range(len(self.training))
        return mine_together(self._place, every, screening, self.run.processes, progress)

    def reduction(
        self, screening: ScreeningFCN, mined: Mined, progress: Progress, folder: str = REDUCTION
    ) -> Stage[ReductionResNet]:
        """Fit the second network, begun from the first one's layers. Raises what :func:`..engine.fit.fit` does."""
        task = ReductionTask(
            self.training,
            screening,
            mined,
            self.settings,
            self.nodule.window_hu,
            self.run.seed,
            self.run.device,
            self.validation,
        )
        return Stage(task.network, self._fit(task, self.settings.reduction_stage, folder, progress))

    def candidate_threshold(self, screening: ScreeningFCN, progress: Progress) -> CandidateThreshold:
        """Chosen on the validation scans; for the first of several processes alone. Raises Cancelled."""
        return choose_candidate_threshold(
            self.validation, screening, self.nodule, self.settings, self.run.device, progress
        )

    @property
    def _place(self) -> MiningPlace:
        return MiningPlace(self.training, self.nodule, self.settings, self.run)

    def _fit(self, task: Task[Any], settings: EngineSettings, folder: str, progress: Progress) -> Fitted:
        """Fit one network in a folder of its own; what is finished there is taken as it is."""
        run = self.run
        own = replace(settings, seed=run.seed)
        return fit(task, own, run.folder / folder, run.device, progress, run.resume, run.listeners)
