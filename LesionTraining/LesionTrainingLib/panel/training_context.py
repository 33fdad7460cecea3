"""What all parts of the panel share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from LesionDetectionLib.app.models import ModelShelf
from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.panel.places import models_folder

from ..session.new_plan import trainable
from ..session.training_session import TrainingSession


@dataclass
class TrainingContext:
    """Attributes:
    ui: the widgets of ``LesionTraining.ui`` by name.
    scene: that curves and phantoms are put into.
    session: does what the panel is asked to.
    parameters: the choices, kept in the scene; None until the module has made them.
    """

    ui: Any
    scene: Any
    session: TrainingSession
    parameters: Any = None

    @property
    def shelf(self) -> ModelShelf:
        """The models, in the folder that is chosen now."""
        return ModelShelf(models_folder())

    @property
    def trainable(self) -> dict[str, MethodInfo]:
        """The methods that can be trained, by id."""
        return trainable()

    @property
    def method(self) -> MethodInfo:
        """The chosen method; the first where the choice is not known, as in a scene of another version."""
        trainable = self.trainable
        return trainable.get(self.parameters.method, next(iter(trainable.values())))
