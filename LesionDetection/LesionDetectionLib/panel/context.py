"""What all parts of the panel share, and how what goes wrong is told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from LesionDetectionLib.app.models import ModelEntry, ModelShelf
from LesionDetectionLib.app.presenting import about_error
from LesionDetectionLib.app.scene_results import ModelsOfFindings
from LesionDetectionLib.app.scene_views.foreground import Foreground
from LesionDetectionLib.app.scene_views.slice_views import SceneViews
from LesionDetectionLib.app.session.session import Session
from LesionDetectionLib.app.worker.engine import Engine
from LesionDetectionLib.core.finding import Findings

from . import ask
from .slicer_views import SlicerViews


@dataclass
class Context:
    """Attributes:
    ui: the widgets of ``LesionDetection.ui`` by name.
    scene: that the panel works on.
    session: does what the panel is asked to.
    engine: of the session, for what is no business of a session (which devices there are).
    shelf: the models.
    parameters: the choices, kept in the scene; None until the module has made them.
    views: the slice views.
    foreground: what lies over the image in them.
    models: which of the models made a result.
    """

    ui: Any
    scene: Any
    session: Session
    engine: Engine
    shelf: ModelShelf
    parameters: Any = None
    views: SceneViews = field(default_factory=SlicerViews)
    foreground: Foreground = field(init=False)
    models: ModelsOfFindings = field(init=False)

    def __post_init__(self) -> None:
        self.foreground = Foreground(self.views)
        self.know_models(self.shelf)

    @property
    def volumes(self) -> dict[str, Any]:
        """The chosen volumes by modality."""
        chosen = self.parameters
        found = {} if chosen is None else {"CT": chosen.ctVolume, "PT": chosen.petVolume}
        return {modality: node for modality, node in found.items() if node is not None}

    def model_of(self, findings: Findings) -> ModelEntry | None:
        """The model that made the findings; None for none, and where it is no longer here."""
        return self.models.of(findings)

    def know_models(self, shelf: ModelShelf) -> None:
        """Models were installed or removed, or they lie elsewhere."""
        self.shelf, self.models = shelf, ModelsOfFindings(shelf)


@contextlib.contextmanager
def told(say: Callable[[str], None] | None = None) -> Iterator[None]:
    """Tell the person what goes wrong inside, instead of losing it: Qt only prints what a slot raises.

    Args:
        say: for errors of ours, which are sentences; a message box where None. What was not foreseen always gets a box,
            with the traceback.
    """
    try:
        yield
    except Exception as error:
        text, details = about_error(error)
        if details:
            ask.error(text, details)
        else:
            (say or ask.error)(text)


def quietly(widget: Any) -> contextlib.AbstractContextManager[None]:
    """Change a widget without its signals; PythonQt's QSignalBlocker is no context manager."""
    return _blocked(widget)


@contextlib.contextmanager
def _blocked(widget: Any) -> Iterator[None]:
    before = widget.blockSignals(True)
    try:
        yield
    finally:
        widget.blockSignals(before)
