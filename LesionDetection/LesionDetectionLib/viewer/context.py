"""What all parts of the page share, and how what goes wrong is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.models import ModelEntry, ModelShelf
from LesionDetectionLib.app.presenting import about_error
from LesionDetectionLib.app.region import WHOLE
from LesionDetectionLib.app.scene_results import ModelsOfFindings
from LesionDetectionLib.app.session.session import Session
from LesionDetectionLib.app.worker.engine import Engine
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.lesion import Point

from .later import call_later
from .shown_text import without_folders
from .views.stage import Stage

NOTE, WARNING = "note", "warning"
_NOTE_SECONDS = 6.0
"""After which a note goes by itself; what went wrong stays until it is closed."""

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
        region: ``WHOLE``, ``INSIDE`` or ``AROUND`` (:mod:`LesionDetectionLib.app.region`): where is searched.
        roi: region of interest, a node, that is searched in; None for none yet.
        around_mm: edge of the cube that is searched around a place.
        rejected_shown: list rejected findings too.
        measure_on: modality in which a click measures.
        pet_click: what a click in a PET does.
    """

    volumes: dict[str, Any] = field(default_factory=dict)
    method: str = "nodule-ct"
    models: dict[str, Path] = field(default_factory=dict)
    device: str = "auto"
    settings: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    region: str = WHOLE
    roi: Any | None = None
    around_mm: float = 80.0
    rejected_shown: bool = False
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
    close_scene: to be called before another scene is loaded, and to close all: nothing of what was loaded stays.
    scene_loaded: to be called when a scene was loaded: shows the results that came with it.
    place: of the last click, RAS mm; None before the first.
    models: that made findings.
    """

    server: Any
    stage: Stage
    session: Session
    engine: Engine
    shelf: ModelShelf
    choices: Choices = field(default_factory=Choices)
    choices_changed: Callable[[], None] = lambda: None
    close_scene: Callable[[], None] = lambda: None
    scene_loaded: Callable[[], None] = lambda: None
    place: Point | None = None
    models: ModelsOfFindings = field(init=False)
    _answered: Callable[[], None] = lambda: None
    _vanishing: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.models = ModelsOfFindings(self.shelf)
        self.state.update(
            {
                "message_text": "",
                "message_kind": NOTE,
                "message_details": "",
                "message_shown": False,
                "busy_text": "",
                "question": {"title": "", "text": "", "button": ""},
                "question_shown": False,
            }
        )

    @property
    def state(self) -> Any:
        """What the browser sees; changes go there at the end of ``with context.state:`` or of an event of the browser."""
        return self.server.state

    @property
    def scene(self) -> Any:
        return self.stage.scene

    def model_of(self, findings: Findings) -> ModelEntry | None:
        """The model that made the findings; None for none, and where it is no longer here."""
        return self.models.of(findings)

    def models_changed(self) -> None:
        """Models were made, installed or removed."""
        self.models = ModelsOfFindings(self.shelf)

    def go_to(self, point_ras_mm: Sequence[float], volume_node: Any | None) -> None:
        """Centre the slices on a place, RAS mm, in this volume."""
        self.stage.go_to(point_ras_mm, volume_node)

    # Telling and asking

    def tell(self, text: str, kind: str = NOTE, details: str = "") -> None:
        """A line at the bottom of the page, which the person can close; empty for none.

        Args:
            kind: a note goes by itself after some seconds, a warning stays.
            details: for programmers; they unfold.
        """
        self.state.message_text, self.state.message_kind = without_folders(text), kind
        self.state.message_details, self.state.message_shown = without_folders(details), bool(text)
        if self._vanishing is not None:
            self._vanishing.cancel()
        self._vanishing = call_later(_NOTE_SECONDS, self._vanish) if text and kind == NOTE else None

    def tell_nothing(self) -> None:
        """Take back what was told."""
        self.tell("")

    def _vanish(self) -> None:
        with self.state:
            self.tell("")

    def busy(self, text: str) -> None:
        """Say, with a moving line, what the person waits for; empty where that is over."""
        self.state.busy_text = without_folders(text)

    def ask(self, title: str, text: str, button: str, action: Callable[[], None]) -> None:
        """Ask before something that cannot be undone, and do it where the person presses ``button``."""
        self._answered = action
        self.state.question = {"title": title, "text": text, "button": button}
        self.state.question_shown = True

    def answer(self, yes: bool) -> None:
        """The person's answer to what was asked."""
        action, self._answered = self._answered, lambda: None
        self.state.question_shown = False
        if yes:
            with self.told():
                action()

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Tell the person what goes wrong inside: trame only logs what a handler raises."""
        try:
            yield
        except Exception as error:
            text, details = about_error(error)
            if details:
                _log.exception("What was asked for in the page failed.")
            self.tell(text, WARNING, details)

    def close(self) -> None:
        """Let go of the timer."""
        if self._vanishing is not None:
            self._vanishing.cancel()
