"""Which of Slicer's wishes to draw a slice view anew are followed."""

from __future__ import annotations

from typing import Any

from trame_slicer.views import NoScheduleRendering
from vtkmodules.vtkCommonCore import vtkCommand

from .painter import Painter

_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLLayerDisplayableManager",
)
"""Those whose drawing changes without the slice's. The manager of models, which also asks in all views when one of them
goes to another slice (there is a model of each slice), is not among them: scrolling would draw three views instead of one."""


def follow(view: Any, logic: Any, painter: Painter) -> None:
    """Let the painter draw a slice view when its slice, what is shown there or what is drawn over it changes.

    Args:
        view: as trame-slicer has it.
        logic: of the view.
    """

    def request(*_event: Any) -> None:
        painter.request()

    view.set_scheduled_render(NoScheduleRendering())
    for name in _MANAGERS:
        manager = view.get_displayable_manager_by_class(name)
        if manager is not None:
            manager.AddObserver(vtkCommand.UpdateEvent, request)
    logic.AddObserver(vtkCommand.ModifiedEvent, request)
    view.get_view_node().AddObserver(vtkCommand.ModifiedEvent, request)
    logic.GetSliceCompositeNode().AddObserver(vtkCommand.ModifiedEvent, request)
