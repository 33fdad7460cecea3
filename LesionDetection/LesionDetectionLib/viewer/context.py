"""What all parts of the page share, and how what goes wrong is told."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.models import ModelEntry, ModelShelf
from LesionDetectionLib.app.session.session import Session
from LesionDetectionLib.app.worker.engine import Engine
from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.finding import Findings

from .views.stage import Stage

NOTE, WARNING = "note", "warning"

_log = logging.getLogger(__name__)


@dataclass
class Choices:
    """What the person chose; a parameter node is the same thing in Slicer.

    Attributes:
        volumes: volume nodes by modality (``CT``, ``PT``).
        method: id of the method.
        models: the chosen model of each method, by the method's id; its demonstration model where there is none.
        device: ``auto``, ``cpu``, ``cuda:0``.
        settings: by the method's id, those that were changed.
        measure_on: modality in which a click measures.
        pet_click: what a click in a PET does.
    """

    volumes: dict[str, Any] = field(default_factory=dict)
    method: str = "nodule-ct"
    models: dict[str, Path] = field(default_factory=dict)
    device: str = "auto"
    settings: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    measure_on: str = "CT"
    pet_click: str = "border"


@dataclass
class Context:
    """Attributes:
    server: of trame, whose state the browser shows.
    stage: the scene and its views.
    session: does what the page is asked to.
    engine: of the session, for what is no business of a session.
    shelf: the models.
    choices: what the person chose.
    choices_changed: to be called when the person chose something: all parts show it.
    """

    server: Any
    stage: Stage
    session: Session
    engine: Engine
    shelf: ModelShelf
    choices: Choices = field(default_factory=Choices)
    choices_changed: Callable[[], None] = lambda: None
    _models: dict[str, ModelEntry | None] = field(default_factory=dict)

    @property
    def state(self) -> Any:
        """What the browser sees; changes go there at the end of ``with context.state:`` or of an event of the browser."""
        return self.server.state

    @property
    def scene(self) -> Any:
        return self.stage.scene

    def model_of(self, findings: Findings) -> ModelEntry | None:
        """The model that made the findings; None for none, and where it is no longer here."""
        digest = findings.run.provenance.get("model", {}).get("sha256", "")
        if digest and digest not in self._models:
            self._models[digest] = next((one for one in self.shelf.entries() if one.digest == digest), None)
        return self._models.get(digest)

    def tell(self, text: str, kind: str = NOTE) -> None:
        """A line at the bottom of the page, which the person can close; empty for none."""
        self.state.message_text, self.state.message_kind, self.state.message_shown = text, kind, bool(text)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Tell the person what goes wrong inside: trame only logs what a handler raises."""
        try:
            yield
        except LesionDetectionError as error:
            self.tell(str(error), WARNING)
        except Exception as error:
            _log.exception("What was asked for in the page failed.")
            self.tell(f"This did not work, for a reason that was not foreseen: {error}. Please report it.", WARNING)
