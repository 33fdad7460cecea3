"""What all sections of the training page share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.core.detector import MethodInfo

from ..session.new_plan import trainable
from ..session.training_session import TrainingSession
from .form import Form
from .question import Question

Offer = Callable[[str, Callable[[Path], None]], str]
"""(Name of a file, what writes it) -> the address that it can be downloaded from."""


@dataclass
class TrainingContext:
    """Attributes:
    server: of trame, whose state the browser shows.
    session: does what the page is asked to.
    form: what the person has entered.
    question: asks the person.
    refresh: to be called when models or runs may have come or gone: all sections show it.
    choices_changed: to be called when the person chose other data.
    models_changed: to be called when a model was made or measured: the viewer lists it.
    use: called with a method's id and a model, to detect with it; None where there is nothing to detect with.
    offer: makes a download; None where there are none.
    known: the methods that can be trained, by id.
    """

    server: Any
    session: TrainingSession
    form: Form
    question: Question
    refresh: Callable[[], None] = lambda: None
    choices_changed: Callable[[], None] = lambda: None
    models_changed: Callable[[], None] = lambda: None
    use: Callable[[str, Path], None] | None = None
    offer: Offer | None = None
    known: dict[str, MethodInfo] = field(default_factory=trainable)

    @property
    def state(self) -> Any:
        """What the browser sees; changes go there at the end of ``with context.state:`` or of an event of the browser."""
        return self.server.state

    @property
    def shelf(self) -> ModelShelf:
        return ModelShelf(self.session.models())

    @property
    def method(self) -> MethodInfo:
        """The chosen method; the first where there is none of that name."""
        return self.known.get(self.form.text("method"), next(iter(self.known.values())))

    @property
    def seen(self) -> bool:
        """Whether the person looks at this page, as far as the viewer tells."""
        return self.state.page in (None, "training")
