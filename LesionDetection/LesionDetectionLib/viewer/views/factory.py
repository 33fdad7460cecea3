"""Slicer's views, made so that nothing is drawn before somebody looks."""

from __future__ import annotations

from typing import Any

from trame_slicer.views import (
    AbstractView,
    IViewFactory,
    NoScheduleRendering,
    SliceView,
    ThreeDView,
    ViewLayoutDefinition,
    ViewType,
)
from vtkmodules.vtkCommonCore import vtkObject

AXIAL, CORONAL, SAGITTAL, SPACE = "Red", "Green", "Yellow", "ThreeD"
"""Names of the views, as Slicer calls them."""
SLICES = (AXIAL, CORONAL, SAGITTAL)
_LEFT_OUT = ("vtkMRMLMarkupsDisplayableManager", "vtkMRMLSegmentationsDisplayableManager3D")
"""Slicer's managers that are not asked to draw: a result has two lines a finding, each of which costs milliseconds in every view
whenever a slider shows or hides it; the page writes them itself (:mod:`.marks`), and :mod:`.space_lesions` makes surfaces."""


class _LeavingOut:
    def _initialize_displayable_manager_group(self, factory: Any, app_logic: Any, managers: Any) -> None:
        names = [one if isinstance(one, str) else one.__name__ for one in managers]
        super()._initialize_displayable_manager_group(  # type: ignore[misc]
            factory, app_logic, [name for name in names if name not in _LEFT_OUT]
        )


class _Slice(_LeavingOut, SliceView):  # type: ignore[misc]
    pass


class _Space(_LeavingOut, ThreeDView):  # type: ignore[misc]
    pass


_KINDS = {ViewType.SLICE_VIEW: _Slice, ViewType.THREE_D_VIEW: _Space}


def make_views(manager: Any) -> dict[str, Any]:
    """Make the four views in trame-slicer's view manager; by name."""
    manager.register_factory(_Views())
    definitions = (
        ViewLayoutDefinition.axial_view(AXIAL),
        ViewLayoutDefinition.coronal_view(CORONAL),
        ViewLayoutDefinition.sagittal_view(SAGITTAL),
        ViewLayoutDefinition.threed_view(name=SPACE, background_color="#000000"),
    )
    warned = vtkObject.GetGlobalWarningDisplay()
    vtkObject.SetGlobalWarningDisplay(False)  # of a window event that trame-slicer asks for and nothing here needs
    try:
        views = {one.singleton_tag: manager.create_view(one) for one in definitions}
    finally:
        vtkObject.SetGlobalWarningDisplay(warned)
    # Also tells Slicer that they are in sight, without which some of what is in the scene is not drawn.
    manager.set_current_view_ids(list(views))
    return views


class _Views(IViewFactory):  # type: ignore[misc]
    def can_create_view(self, view: ViewLayoutDefinition) -> bool:
        return view.view_type in _KINDS

    def _create_view(self, view: ViewLayoutDefinition, scene: Any, app_logic: Any) -> AbstractView:
        made: Any = _KINDS[view.view_type](
            scene=scene, app_logic=app_logic, name=view.singleton_tag, scheduled_render_strategy=NoScheduleRendering()
        )
        made.set_view_properties(view.properties)
        # Eight samples a pixel smooth the edges of lines, and cost two thirds of a frame where there is no GPU.
        made.render_window().SetMultiSamples(0)
        return made

    def _get_slicer_view(self, view: AbstractView) -> AbstractView:
        return view
