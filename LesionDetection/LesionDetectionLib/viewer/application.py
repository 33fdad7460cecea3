"""One browser's viewer: scene, session and page put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.app.session.session import Session
from LesionDetectionLib.app.worker.engine import Engine

from .context import Context
from .options import ViewerOptions
from .page import build_page
from .parts.detect_part import DetectPart
from .parts.findings_part import FindingsPart
from .parts.open_part import OpenPart
from .views.stage import Stage


class Viewer:
    """Args:
    server: of trame, not yet started.
    engine: does what takes long; its callbacks come in the thread of the server's event loop.
    """

    def __init__(self, server: Any, engine: Engine, options: ViewerOptions) -> None:
        stage = Stage(server)
        session = Session(stage.scene, engine)
        self.context = Context(server, stage, session, engine, ModelShelf(options.models))
        self.context.choices_changed = self.refresh
        self.open_part = OpenPart(self.context)
        sections = (
            ("Images", self.open_part),
            ("Detect", DetectPart(self.context)),
            ("Findings", FindingsPart(self.context)),
        )
        self._parts = tuple(part for _title, part in sections)
        self.layout = build_page(self.context, sections)
        session.observe(self._on_session)
        self.refresh()

    def refresh(self) -> None:
        """Show everything anew."""
        for part in self._parts:
            part.refresh()

    async def open(self, paths: Sequence[Path]) -> None:
        """Open scans or a scene."""
        await self.open_part.open(paths)

    def close(self) -> None:
        """End the worker and let go of all that is observed."""
        self.context.session.unobserve(self._on_session)
        for part in self._parts:
            part.close()
        self.context.session.close()

    def _on_session(self, change: str) -> None:
        # Most changes come from the worker, outside of an event of the browser.
        with self.context.state, self.context.told():
            for part in self._parts:
                part.on_session(change)
