"""The scene and Slicer's views of it, drawn here and shown in the browser."""

from __future__ import annotations

from typing import Any

from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition

AXIAL_FIRST, FOUR = "One large", "Four alike"
"""Layouts."""
_FRAMES_PER_SECOND = 30.0
_QUALITY = 80
"""Of JPEG while something moves, of 100; what stands still is sent again at 90."""


class Stage:
    """Args:
    server: of trame.
    """

    def __init__(self, server: Any) -> None:
        self.app = SlicerApp()
        register_rca_factories(
            self.app.view_manager,
            server,
            slice_view_ui_f=_nothing_over,
            three_d_view_ui_f=_nothing_over,
            rca_encoder="jpeg",
            target_fps=_FRAMES_PER_SECOND,
            interactive_quality=_QUALITY,
        )
        self.layouts = LayoutManager(self.scene, self.app.view_manager, server)
        self.layouts.register_layout_dict(_layouts())
        self.layouts.set_layout(AXIAL_FIRST)
        for view in self.slice_views:
            # Eight samples a pixel smooth the edges of lines, and cost two thirds of a frame where there is no GPU.
            view.render_window().SetMultiSamples(0)

    @property
    def scene(self) -> Any:
        return self.app.scene

    @property
    def slice_views(self) -> list[Any]:
        """The slice views, as trame-slicer has them."""
        return list(self.app.view_manager.get_slice_views())

    def show(self, volume_node: Any) -> None:
        """Show a volume in the slices, all of it."""
        self.app.display_manager.show_volume_in_slice_background(volume_node)
        for view in self.slice_views:
            view.reset_view()


def _layouts() -> dict[str, Layout]:
    axial, coronal, sagittal = (
        ViewLayoutDefinition.axial_view(),
        ViewLayoutDefinition.coronal_view(),
        ViewLayoutDefinition.sagittal_view(),
    )
    space = ViewLayoutDefinition.threed_view(background_color="#000000")
    rows, columns = LayoutDirection.Vertical, LayoutDirection.Horizontal
    return {
        AXIAL_FIRST: Layout(columns, [axial, Layout(rows, [coronal, sagittal, space])], ["2", "1"]),
        FOUR: Layout(columns, [Layout(rows, [axial, coronal]), Layout(rows, [space, sagittal])]),
    }


def _nothing_over(_server: Any, _view_id: str, _view: Any) -> None:
    """No buttons over the view."""
