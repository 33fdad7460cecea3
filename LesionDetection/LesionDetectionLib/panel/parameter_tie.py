"""A module's parameter node and the widgets that show it, kept equal while the module is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk
from slicer.util import VTKObservationMixin

_PROPERTY = "SlicerParameterName"


class ParameterTie(VTKObservationMixin):  # type: ignore[misc]
    """Args:
    ui_widget: whose children name the fields that they show, by the property ``SlicerParameterName``.
    on_change: called after each change of a field, whoever made it.
    """

    def __init__(self, ui_widget: Any, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._ui_widget, self._on_change = ui_widget, on_change
        self._tag: int | None = None
        self.parameters: Any = None

    def connect(self, parameters: Any) -> None:
        """Keep widgets and these parameters (a ``parameterNodeWrapper``) equal; with None, nothing any more."""
        self.release()
        if self.parameters is not None:
            self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self._modified)
        self.parameters = parameters
        if parameters is not None:
            # connectGui of Slicer 5.8 gives no tag back, so that it could never be disconnected.
            children = slicer.util.findChildren(self._ui_widget)
            widgets = {child.property(_PROPERTY): child for child in children if child.property(_PROPERTY)}
            self._tag = parameters.connectParametersToGui(widgets)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self._modified)

    def release(self) -> None:
        """Let the widgets go their own way: while another module is open nodes may come and go, and selectors with them; the
        choices stay in the scene."""
        if self.parameters is not None and self._tag is not None:  # the first tag is 0
            self.parameters.disconnectGui(self._tag)
        self._tag = None

    def _modified(self, _caller: Any, _event: str) -> None:
        self._on_change()
