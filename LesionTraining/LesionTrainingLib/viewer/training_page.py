"""The training page: its sections on one session. It shows what is, and hands on what a person does.

Elements that tests hold on to, by id:

- Data: ``training-kind``, ``training-path``, ``training-options`` (``training-option-NAME``), ``training-check``,
  ``training-summary``, ``training-problems``, ``training-data-message``
- Plan: ``training-method``, ``training-preset``, ``training-name``, ``training-device``, ``training-folds``, ``training-fold``,
  ``training-more`` (``training-validation``, ``training-test``, ``training-settings-file``, ``training-seed``,
  ``training-workers``)
- Run: ``training-start``, ``training-pause``, ``training-resume``, ``training-stop``, ``training-state``,
  ``training-progress``, ``training-text``, ``training-run-message``, ``training-curves`` (``training-loss``,
  ``training-validation_curves``), ``training-earlier``, ``training-open``, ``training-remove``
- Result: ``training-model``, ``training-cpm``, ``training-measured``, ``training-few``, ``training-phantoms``,
  ``training-froc``, ``training-card``, ``training-use``, ``training-export``, ``training-measure``,
  ``training-result-message``
- a question over the page: ``training-question``, its buttons ``training-answer-cancel``, ``-keep``, ``-remove``,
  ``-measure``
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.models import default_models_folder
from LesionDetectionLib.app.packages import libraries_folder
from LesionDetectionLib.app.worker.engine import Engine
from LesionDetectionLib.app.worker.worker_engine import GRACE_S
from trame.widgets import client, html

import LesionTrainingLib

from ..session.runs import default_runs_folder
from ..session.training_session import TrainingSession
from .data_section import DataSection
from .form import Form
from .plan_section import PlanSection
from .question import Question
from .result_section import ResultSection
from .run_section import RunSection
from .training_context import Offer, TrainingContext

PATIENCE_S = 600.0
"""A paused run writes a checkpoint after the step under way, which takes long on a slow processor."""
END_S = 20.0
"""For so long the end of the server waits for a checkpoint."""
POLL_S = 1.0
_LEAST_S = 0.25
"""Between two showings of mere progress; a worker tells of each step."""
_STYLE = Path(__file__).with_name("training.css")

MakeEngine = Callable[..., Engine]
"""Takes the options of :class:`LesionDetectionLib.app.worker.engine.WorkerEngine`; callbacks come in the loop's thread."""


class TrainingPage:
    """All calls are in the thread of the server's event loop.

    Args:
        server: of trame.
        models: the folder of the user's models; the usual one where None.
        runs: the folder of all training runs; the usual one where None.
        make_engine: makes an engine with a worker process of its own. Two are made, when they are first needed: one that
            looks at data while the other one trains.

    Attributes:
        session: does what the page is asked to.
        models_changed, use, offer: as in :class:`.training_context.TrainingContext`; to be set by who shows the page.
    """

    def __init__(self, server: Any, models: Path | None, runs: Path | None, make_engine: MakeEngine) -> None:
        paths = [Path(LesionTrainingLib.__file__).parent.parent, libraries_folder()]
        self.session = TrainingSession(
            partial(make_engine, paths=paths, grace_s=GRACE_S),
            partial(make_engine, paths=paths, grace_s=PATIENCE_S),
            lambda: models or default_models_folder(),
            lambda: runs or default_runs_folder(),
        )
        self.context = TrainingContext(server, self.session, Form(server.state), Question(server))
        self.data = DataSection(self.context)
        self.plan = PlanSection(self.context, self.data)
        self.result = ResultSection(self.context, self.data)
        self.run = RunSection(self.context, self.data, self.plan, self._on_finished)
        self._sections = (self.data, self.plan, self.run, self.result)
        self.context.refresh = self.refresh
        self.context.choices_changed = self.run.show
        self._ticking: asyncio.TimerHandle | None = None
        self._shown_at, self._shown_as = 0.0, tuple[Any, ...]()
        self.session.observe(self._on_session)
        self.refresh()

    # -- what the viewer tells ----------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make the page, inside the layout that is being built; it fills what it is put into."""
        client.Style(_STYLE.read_text(encoding="utf-8"))
        with html.Div(classes="training-page", id="training-page"):
            with html.Div(classes="training-column training-left"):
                self.data.build()
                self.plan.build()
            with html.Div(classes="training-column training-right"):
                self.run.build()
                self.result.build()
        self.context.question.build()

    def shown(self) -> None:
        """The person opened the page: look at models and runs anew."""
        with self.context.state:
            self.refresh()
            self.run.poll()
            self.plan.find_devices()

    def refresh(self) -> None:
        """Show everything anew."""
        for section in self._sections:
            with section.told():
                section.refresh()

    async def finish(self, seconds: float = END_S) -> None:
        """Have a run that is going on write a checkpoint, so that nothing is lost when the server ends; before
        :meth:`close`. Waits no longer than ``seconds``: then the last checkpoint counts."""
        run, until = self.session.run, time.monotonic() + seconds
        run.pause()
        while run.state.is_busy and time.monotonic() < until:
            await asyncio.sleep(0.05)

    def close(self) -> None:
        """End both workers."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        self.session.close()

    # -- what the viewer wants ----------------------------------------------------------------------------------------

    @property
    def models_changed(self) -> Callable[[], None]:
        return self.context.models_changed

    @models_changed.setter
    def models_changed(self, call: Callable[[], None]) -> None:
        self.context.models_changed = call

    @property
    def use(self) -> Callable[[str, Path], None] | None:
        return self.context.use

    @use.setter
    def use(self, call: Callable[[str, Path], None] | None) -> None:
        self.context.use = call
        self.result.refresh()

    @property
    def offer(self) -> Offer | None:
        return self.context.offer

    @offer.setter
    def offer(self, call: Offer | None) -> None:
        self.context.offer = call
        self.result.refresh()

    # -- inside -------------------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Show how far everything is; happens by itself while something is under way."""
        with self.context.state:
            self.run.poll()

    def _on_session(self, change: str) -> None:
        session = self.session
        now = (change, session.run.state, session.checking.busy, session.measuring.busy)
        if now == self._shown_as and session.run.state.is_busy and time.monotonic() < self._shown_at + _LEAST_S:
            return  # progress alone
        self._shown_at, self._shown_as = time.monotonic(), now
        # Most changes come from the worker, outside of an event of the browser.
        with self.context.state:
            for section in self._sections:
                with section.told():
                    section.on_session(change)
        self._tick()

    def _on_finished(self) -> None:
        self.context.models_changed()
        self.result.show_trained()
        self.context.state.training_name = ""  # it is taken now
        self.plan.refresh()

    def _tick(self) -> None:
        """Poll as long as a run goes on; without an event loop nobody does."""
        if self._ticking is not None or not self.session.run.state.is_busy:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return

        def again() -> None:
            self._ticking = None
            self.poll()
            self._tick()

        self._ticking = loop.call_later(POLL_S, again)
