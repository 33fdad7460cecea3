"""The panel of Lesion Detection: its sections on one session. It shows what is, and hands on what a person does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import slicer

from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.app.packages import libraries_folder
from LesionDetectionLib.app.region import place_to_search
from LesionDetectionLib.app.scene_results import look_at_newest, take_over
from LesionDetectionLib.app.session.session import CURRENT, FINDINGS, JOB, RESULTS, Session
from LesionDetectionLib.app.worker.engine import Engine, Job
from LesionDetectionLib.app.worker.requests import DevicesRequest, WarmRequest
from LesionDetectionLib.app.worker.worker_engine import WorkerEngine
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.lesion import Point

from .click_part import ClickPart
from .context import Context, told
from .detect_part import DetectPart
from .diameters_part import DiametersPart
from .export_part import ExportPart
from .findings_part import FindingsPart
from .follow_up_part import FollowUpPart
from .images_part import ImagesPart
from .places import models_folder
from .qt_worker import QtTransport
from .small_print import make_small
from .theme import watch_theme

_SMALL = (
    "imagesText",
    "methodText",
    "modelText",
    "aroundText",
    "progressText",
    "detectHint",
    "clickText",
    "diametersText",
    "resultWarning",
    "operatingText",
    "operatingFewLabel",
    "operatingManyLabel",
    "controlsText",
    "exportText",
    "notesText",
    "researchText",
)


def worker_engine() -> Engine:
    """A worker process that Qt's events drive; it also sees the libraries that are kept apart from Slicer's, and Lesion
    Training's, where that is installed."""
    training = importlib.util.find_spec("LesionTrainingLib")
    folders = [] if training is None else [Path(place).parent for place in training.submodule_search_locations or ()]
    return WorkerEngine(QtTransport, paths=[libraries_folder(), *folders])


class DetectionPanel:
    """Args:
    ui: the widgets of ``LesionDetection.ui`` by name.
    scene: to work on.
    engine: does what takes long; a worker process where None.
    """

    def __init__(self, ui: Any, scene: Any, engine: Engine | None = None) -> None:
        engine = worker_engine() if engine is None else engine
        self.session = Session(scene, engine)
        self.context = Context(ui, scene, self.session, engine, ModelShelf(models_folder()))
        make_small(ui, _SMALL)
        self.images = ImagesPart(self.context)
        self.click = ClickPart(self.context)
        self.diameters = DiametersPart(self.context, lambda: self.click.volume)
        self.detect = DetectPart(self.context, self._place)
        self.findings = FindingsPart(self.context)
        self.export = ExportPart(self.context)
        self.follow_up = FollowUpPart(self.context)
        self.models_page = self._make_models_page()
        self._parts = (
            self.images,
            self.click,
            self.diameters,
            self.detect,
            self.findings,
            self.export,
            self.follow_up,
        )
        self._warmed = False
        self._theme = watch_theme(ui.LesionDetection, self._draw_again)
        self._draw_again()
        self.session.observe(self._on_session)

    # What the module tells the panel

    def use(self, parameters: Any) -> None:
        """Take the choices from here on: a module's parameter node."""
        self.context.parameters = parameters
        self.refresh()

    def refresh(self) -> None:
        """Show everything anew: choices, models, results."""
        if self.context.parameters is None:
            return
        with told():
            for part in self._parts:
                part.refresh()

    def enter(self) -> None:
        """The person opened the module: choose what is loaded, and take over what was edited elsewhere."""
        with told():
            self.images.choose_volumes()
            self.session.sync_from_nodes()
            look_at_newest(self.session)
        self.refresh()
        self.context.foreground.show_again()
        self._warm()

    def leave(self) -> None:
        """The person went to another module."""
        self.click.leave()
        self.diameters.leave()

    def scene_closing(self) -> None:
        """Let go of the scene's nodes, and stop what is running."""
        self.context.parameters = None
        for part in (self.click, self.diameters, self.images, self.export, self.follow_up):
            part.scene_closed()
        self.context.foreground.forget()
        self.session.scene_closed()

    def scene_loaded(self) -> None:
        """Show the results that came with a scene."""
        with told():
            take_over(self.session, self.context.models)
        self.refresh()

    def models_changed(self) -> None:
        """Models were installed or removed, or another folder was chosen."""
        self.context.know_models(ModelShelf(models_folder()))
        self.refresh()

    def close(self) -> None:
        """End the worker and let go of all that is observed."""
        self.session.unobserve(self._on_session)
        self._theme.called = None
        for part in self._parts:
            part.close()
        if self.models_page is not None:
            self.models_page.close()
        self.session.close()

    # Inside

    def _draw_again(self) -> None:
        """What depends on the colours of the theme."""
        with told():
            for part in self._parts:
                part.draw_again()
            if self.models_page is not None:
                self.models_page.draw_again()

    def _place(self) -> Point | None:
        """What a search around a place is about."""
        return place_to_search(self.session, self.click.place)

    def _on_session(self, change: str) -> None:
        if self.context.parameters is None:
            return
        with told():
            if change == JOB:
                self.detect.show_job()
                self.click.show_job()
                self.diameters.show_job()
            elif change == RESULTS:
                self.findings.show_results()
                self.follow_up.refresh()
                self.export.refresh()
            elif change == FINDINGS:
                self.findings.show_findings()
                self.click.show_undo()
                self.export.refresh()
                self.follow_up.show_findings()
            elif change == CURRENT:
                self.findings.show_current()

    def _make_models_page(self) -> Any:
        """The part that manages models and libraries, where it is there."""
        if importlib.util.find_spec("LesionDetectionLib.panel.models_page") is None:
            self.context.ui.modelsSection.setVisible(False)
            return None
        return load("LesionDetectionLib.panel.models_page:ModelsPage")(self.context.ui.modelsPage, self.models_changed)

    def _warm(self) -> None:
        """Let the worker load torch and the model while the person looks at the scan; asks for devices on the way.

        Not in tests, and only once there is something to detect in and nothing has to be installed first.
        """
        ready = not self._warmed and not self.detect.why_not() and importlib.util.find_spec("torch") is not None
        if not ready or slicer.app.testingEnabled():
            return
        self._warmed = True

        def on_devices(job: Job) -> None:
            if job.state == "done" and self.context.parameters is not None:
                self.detect.know_devices(job.result)
                if self.models_page is not None:
                    self.models_page.know_devices(job.result)

        entry = self.detect.model
        warm = WarmRequest(self.detect.method.id, str(entry.path) if entry else "", self.context.parameters.device)
        self.context.engine.submit(DevicesRequest(), {}, on_devices)
        self.context.engine.submit(warm, {}, lambda _job: None)
