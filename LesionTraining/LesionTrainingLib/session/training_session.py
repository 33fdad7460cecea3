"""What a person can do in training, for any user interface: look at data, train, see what came of it; no toolkit in it.

Two worker processes: one that looks (listing, checking, devices, phantoms), so that data can be looked at while the other
one trains. Each is started when it is first needed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.worker.engine import Engine
from LesionDetectionLib.app.worker.requests import DevicesRequest
from LesionDetectionLib.core.errors import UsageError

from .catalogue import Catalogue, LabelChoice
from .cohort_choice import CohortSummary
from .latest import Latest
from .plan import TrainingPlan
from .requests import CohortSummaryRequest, ListDatabaseRequest, MeasureModelRequest, PhantomRequest
from .results import TrainingResult
from .training_run import TrainingRun

LISTING, CHECK, DEVICES, PHANTOM, RUN, MEASURE = "listing", "check", "devices", "phantom", "run", "measure"
"""What an observer is told has changed."""

Observer = Callable[[str], None]


class LazyEngine:
    """An engine that is made when it is first used, and can be ended and made again."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._engine: Engine | None = None

    def __call__(self) -> Engine:
        if self._engine is None:
            self._engine = self._make()
        return self._engine

    def close(self) -> None:
        """End it; jobs that are under way are cancelled."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()


class TrainingSession:
    """Args:
        make_looking, make_working: make an engine each.
        models: gives the model folder.
        runs: gives the folder of all training runs.

    Attributes:
        catalogue: of the DICOM database that was listed last; None before.
        summary: of the cohort that was checked last; None before.
        checked: specification of that cohort.
        devices: id -> title, as far as they are known.
        run: the training.
        listing, checking, phantom, measuring: the questions that are under way.
    """

    def __init__(
        self,
        make_looking: Callable[[], Engine],
        make_working: Callable[[], Engine],
        models: Callable[[], Path],
        runs: Callable[[], Path],
    ) -> None:
        self.models, self.runs = models, runs
        self._look, self._work = LazyEngine(make_looking), LazyEngine(make_working)
        self._observers: list[Observer] = []
        self.catalogue: Catalogue | None = None
        self.summary: CohortSummary | None = None
        self.checked = ""
        self.devices: dict[str, str] = {}
        self.measuring = Latest(self._work, lambda: self._tell(MEASURE))
        self.run = TrainingRun(self._work, models, lambda: self._tell(RUN))
        self.listing = Latest(self._look, lambda: self._tell(LISTING))
        self.checking = Latest(self._look, lambda: self._tell(CHECK))
        self.phantom = Latest(self._look, lambda: self._tell(PHANTOM))
        self._devices = Latest(self._look, lambda: self._tell(DEVICES))
        self._temporary: Path | None = None

    def observe(self, observer: Observer) -> None:
        """Call ``observer(change)`` after each change, with one of the words above."""
        self._observers.append(observer)

    def unobserve(self, observer: Observer) -> None:
        self._observers.remove(observer)

    # -- looking ------------------------------------------------------------------------------------------------------

    def list_database(self, folder: Path, labels: LabelChoice) -> None:
        """List the series of a DICOM database; :attr:`catalogue` follows."""

        def listed(catalogue: Catalogue) -> None:
            self.catalogue = catalogue

        self.listing.ask(ListDatabaseRequest(str(folder), labels.labels, labels.frame), listed)

    def check(self, cohort: str, *, truth: bool = True) -> None:
        """Read the labels of a cohort; :attr:`summary` follows."""

        def checked(summary: CohortSummary) -> None:
            self.summary, self.checked = summary, cohort

        self.summary = None
        self.checking.ask(CohortSummaryRequest(cohort, truth), checked)

    def forget_check(self) -> None:
        """Another cohort is chosen: what was found in the last one is no longer of interest."""
        self.checking.cancel()
        self.checking.error, self.summary, self.checked = None, None, ""

    def find_devices(self) -> None:
        """Ask what networks can be fitted on; :attr:`devices` follows. Needs torch."""

        def found(devices: Any) -> None:
            self.devices = {str(one["id"]): str(one["title"]) for one in devices}

        self._devices.ask(DevicesRequest(), found)

    def make_phantom(self, seed: int, made: Callable[[Path], None], protocol: str = "default") -> None:
        """Make a phantom's scan; ``made`` gets the folder that :class:`.requests.PhantomRequest` names. The folder goes when
        the next phantom is made, and with the session."""
        self._forget_phantom()
        self._temporary = Path(tempfile.mkdtemp(prefix="lesion-phantom-"))
        self.phantom.ask(PhantomRequest(str(self._temporary / "phantom"), seed=seed, protocol=protocol), made)

    # -- working ------------------------------------------------------------------------------------------------------

    def start(self, plan: TrainingPlan) -> None:
        """Begin to train. Raises UsageError or OutputError: see :meth:`.training_run.TrainingRun.start`."""
        if self.measuring.busy:
            raise UsageError("A model is being measured. Wait for it, or cancel it first.")
        self.run.start(plan, self.runs())

    def stop(self, remove: bool) -> None:
        """End the run. Where it is removed nobody waits for a checkpoint. Raises OutputError."""
        self.run.stop(remove)
        if remove:
            self._work.close()

    def measure(
        self, model: Path, cohort: str, device: str, workers: int, done: Callable[[TrainingResult], None]
    ) -> None:
        """Measure a model on a cohort that it did not learn from; its card then has the figures.

        Raises:
            UsageError: a training run is going on.
        """
        if self.run.state.is_busy:
            raise UsageError("A training run is going on. Pause or cancel it first.")
        request = MeasureModelRequest(str(model), cohort, str(self.models()), device, workers)
        self.measuring.ask(request, lambda bundle: done(TrainingResult.of(Path(bundle))))

    def close(self) -> None:
        """End both processes. A run that was going on can be resumed from its last checkpoint."""
        self._observers.clear()
        for question in (self.listing, self.checking, self.phantom, self._devices, self.measuring):
            question.cancel()
        self._look.close()
        self._work.close()
        self._forget_phantom()

    def _forget_phantom(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    def _tell(self, change: str) -> None:
        for observer in tuple(self._observers):
            observer(change)
        if change in (RUN, MEASURE) and not self.run.state.is_busy and not self.measuring.busy:
            self._work.close()  # its memory, the GPU's too, is for others now
