"""One browser's viewer: scene, session and page put together."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.app.scene_results import take_over
from LesionDetectionLib.app.session.session import Session
from LesionDetectionLib.app.worker.engine import Engine
from LesionDetectionLib.core.late import load

from .context import Context
from .files.exchange import Exchange
from .options import ViewerOptions
from .page import TRAINING, VIEWER, Section, build_page
from .parts.detect_part import DetectPart
from .parts.export_part import ExportPart
from .parts.findings_part import FindingsPart
from .parts.follow_up_part import FollowUpPart
from .parts.open_part import OpenPart
from .parts.start_part import StartPart
from .parts.toolbar_part import ToolbarPart
from .views.stage import Stage

_TRAINING = "LesionTrainingLib.viewer.training_page"
KEY_TRIGGER = "page_key"
"""What ``web/page.js`` calls with the name of a key."""


class Viewer:
    """Args:
    server: of trame, not yet started.
    engine: does what takes long; its callbacks come in the thread of the server's event loop.
    make_engine: makes further ones for training, which take a worker for hours; it takes the keywords of
        :class:`~LesionDetectionLib.app.worker.worker_engine.WorkerEngine`. Without it there is no page for training.
    """

    def __init__(
        self, server: Any, engine: Engine, options: ViewerOptions, make_engine: Callable[..., Engine] | None = None
    ) -> None:
        stage = Stage(server)
        session = Session(stage.scene, engine)
        self.context = Context(server, stage, session, engine, ModelShelf(options.models))
        self.context.choices.device = options.device
        self.context.choices_changed = self.refresh
        self.context.close_scene = self.close_scene
        self.context.scene_loaded = self.scene_loaded
        self.exchange = Exchange(options)
        self.open_part = OpenPart(self.context, self.exchange, options)
        self.detect_part = DetectPart(self.context)
        self.findings_part = FindingsPart(self.context)
        self.start_part = StartPart(self.context, self.open_part.phantoms, self.open_part.open_phantom)
        self.toolbar_part = ToolbarPart(self.context)
        self.export_part = ExportPart(self.context, self.exchange, self.open_part.opener)
        self.follow_up_part = FollowUpPart(self.context, self.exchange)
        sections = (
            Section("images", "Images", self.open_part),
            Section("detect", "Detect", self.detect_part),
            Section("findings", "Findings", self.findings_part, fills=True),
            Section("follow-up", "Follow-up", self.follow_up_part, unfolded=False),
            Section("download", "Download", self.export_part, unfolded=False),
        )
        self._parts = (*(section.part for section in sections), self.toolbar_part, self.start_part)
        self.training_page = self._make_training_page(options, make_engine)
        self.layout = build_page(self.context, sections, self.toolbar_part, self.start_part, self.training_page)
        server.controller.trigger(KEY_TRIGGER)(self.on_key)
        server.controller.on_client_connected.add(self._on_connected)
        server.state.change("page")(self._on_page)
        session.observe(self._on_session)
        self.refresh()

    def refresh(self) -> None:
        """Show everything anew."""
        with self.context.state:  # a job, or training, may ask for it outside of an event of the browser
            for part in self._parts:
                part.refresh()
            self.context.stage.show_markups()

    async def open(self, paths: Sequence[Path]) -> None:
        """Open scans or a scene."""
        await self.open_part.open(paths)

    def close_scene(self) -> None:
        """Close all that is loaded; nothing of it stays in the page."""
        context = self.context
        for part in self._parts:
            part.scene_closed()
        context.choices.volumes.clear()
        context.place = None
        context.session.scene_closed()
        context.tell("")
        context.stage.clear()
        self.refresh()

    def scene_loaded(self) -> None:
        """Show the results that came with a scene, the newest of them."""
        with self.context.told():
            take_over(self.context.session, self.context.models)
        self.refresh()

    def use_model(self, method_id: str, path: Path) -> None:
        """Choose a model, and show the page where it is used."""
        choices = self.context.choices
        choices.method, choices.models[method_id] = method_id, Path(path)
        self.context.state.page = VIEWER
        self.models_changed()

    def models_changed(self) -> None:
        """Models were made, installed or removed."""
        self.context.models_changed()
        self.detect_part.models_changed()
        self.refresh()

    def on_key(self, name: str) -> None:
        """A key was pressed, not in a field, while the page of the viewer is shown."""
        if self.context.state.page != VIEWER:
            return
        with self.context.told():
            for part in self._parts:
                if part.key(str(name)):
                    return

    def _on_page(self, page: Any, **_state: Any) -> None:
        if page == TRAINING and self.training_page is not None:
            with self.context.told():
                self.training_page.shown()

    def _on_connected(self, *_facts: Any, **_more: Any) -> None:
        with self.context.told():
            self.detect_part.connected()

    def close(self) -> None:
        """End the worker and let go of all that is observed."""
        self.context.session.unobserve(self._on_session)
        self.context.server.controller.on_client_connected.discard(self._on_connected)
        self.context.choices_changed = self.context.close_scene = self.context.scene_loaded = lambda: None
        for part in self._parts:
            part.close()
        if self.training_page is not None:
            self.training_page.close()
        self.context.close()
        self.context.session.close()
        self.exchange.close()
        self.context.stage.close()

    def _on_session(self, change: str) -> None:
        # Most changes come from the worker, outside of an event of the browser.
        with self.context.state, self.context.told():
            for part in self._parts:
                part.on_session(change)

    def _make_training_page(self, options: ViewerOptions, make_engine: Callable[..., Engine] | None) -> Any:
        """The page for training, where it is wanted and its library is there."""
        try:
            if not options.training or make_engine is None or importlib.util.find_spec(_TRAINING) is None:
                return None
        except ModuleNotFoundError:
            return None
        page = load(f"{_TRAINING}:TrainingPage")(self.context.server, options.models, None, make_engine)
        page.models_changed, page.use = self.models_changed, self.use_model
        page.offer = self.exchange.downloads.offer
        return page
