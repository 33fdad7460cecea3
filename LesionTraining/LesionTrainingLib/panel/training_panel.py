"""The panel of Lesion Training: its sections on one session. It shows what is, and hands on what a person does."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import Any

import slicer
from LesionDetectionLib.app.packages import libraries_folder
from LesionDetectionLib.app.worker.engine import Engine
from LesionDetectionLib.app.worker.worker_engine import GRACE_S, WorkerEngine
from LesionDetectionLib.panel.context import told
from LesionDetectionLib.panel.places import models_folder
from LesionDetectionLib.panel.small_print import make_small
from LesionDetectionLib.panel.theme import watch_theme

import LesionTrainingLib

from ..session.training_session import CHECK, DEVICES, LISTING, MEASURE, PHANTOM, RUN, TrainingSession
from .curves_view import CurvesView
from .data_part import DataPart
from .places import runs_folder
from .plan_part import PlanPart
from .result_part import ResultPart
from .run_part import RunPart
from .sample_part import SamplePart
from .training_context import TrainingContext

PATIENCE_S = 600.0
"""A paused run writes a checkpoint after the step under way, which takes long on a slow processor."""
_SMALL = (
    "sourceText",
    "countsText",
    "pathText",
    "methodText",
    "presetText",
    "foldsText",
    "runsFolderText",
    "progressText",
    "curveText",
    "measuredText",
    "sampleText",
    "researchText",
)


def worker_engine(grace_s: float = GRACE_S) -> Engine:
    """An engine with a process of its own, that finds this library and those that only the worker uses.

    Args:
        grace_s: how long a request that was cancelled may take to end by itself.
    """
    from LesionDetectionLib.panel.qt_worker import QtTransport

    own = Path(LesionTrainingLib.__file__).parent.parent
    return WorkerEngine(QtTransport, paths=[own, libraries_folder()], grace_s=grace_s)


class TrainingPanel:
    """Args:
    ui: the widgets of ``LesionTraining.ui`` by name.
    scene: to work on.
    """

    def __init__(self, ui: Any, scene: Any) -> None:
        self.session = TrainingSession(worker_engine, partial(worker_engine, PATIENCE_S), models_folder, runs_folder)
        self.context = TrainingContext(ui, scene, self.session)
        make_small(ui, _SMALL)
        self.curves = CurvesView(scene)
        self.data = DataPart(self.context, self._on_data)
        self.plan = PlanPart(self.context)
        self.result = ResultPart(self.context, self.data, self.curves)
        self.run = RunPart(self.context, self.data, self.plan, self.curves, self._on_finished)
        self.sample = SamplePart(self.context)
        self._parts = (self.data, self.plan, self.run, self.result, self.sample)
        self._asked_devices = False
        self._theme = watch_theme(ui.runSection, self._draw_again)
        self.session.observe(self._on_session)

    # What the module tells the panel

    def use(self, parameters: Any) -> None:
        """Take the choices from here on: a module's parameter node."""
        self.context.parameters = parameters
        self.refresh()

    def refresh(self) -> None:
        """Show everything anew: choices, models, runs."""
        if self.context.parameters is None:
            return
        self.plan.look_again()
        with told():
            for part in (self.data, self.plan, self.run, self.result):
                part.refresh()

    def choices_changed(self) -> None:
        """The person chose something. Happens with each key, so that folders are not looked into."""
        if self.context.parameters is None:
            return
        with told():
            self.data.refresh()
            self.plan.refresh()
            self.run.show_run()
            self.result.refresh_choice()

    def enter(self) -> None:
        """The person opened the module: look at the database and the models anew."""
        self.refresh()
        with told():
            self.data.enter()
            self._find_devices()

    def scene_closing(self) -> None:
        """Let go of the scene's nodes. A training run goes on: it is not the scene's."""
        self.context.parameters = None
        self.curves.scene_closed()

    def close(self) -> None:
        """End the workers and let go of all that is observed."""
        self._theme.called = None
        self.session.unobserve(self._on_session)
        for part in self._parts:
            part.close()
        self.session.close()

    # Inside

    def _draw_again(self) -> None:
        """In the colours of another theme."""
        for part in (self.data, self.run, self.result, self.sample):
            part.message.draw_again()
        self.result.draw_again()

    def _on_session(self, change: str) -> None:
        if self.context.parameters is None:
            return
        with told():
            if change in (LISTING, CHECK):
                self.data.show(change)
            elif change == DEVICES:
                self.plan.show_devices()
            elif change == RUN:
                self.run.show_run()
            elif change == MEASURE:
                self.result.show_measuring()
                self.run.show_run()
            elif change == PHANTOM:
                self.sample.show()

    def _on_data(self) -> None:
        self.run.show_run()

    def _on_finished(self) -> None:
        self.result.show_trained()
        self.plan.look_again()
        self.plan.refresh()

    def _find_devices(self) -> None:
        """Ask once, where torch is installed; not in tests."""
        ready = not self._asked_devices and importlib.util.find_spec("torch") is not None
        if ready and not slicer.app.testingEnabled():
            self._asked_devices = True
            self.session.find_devices()
