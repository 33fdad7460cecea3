"""The slice views of Slicer's layout, for what shows something in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

from LesionDetectionLib.app.scene_views.slice_views import SliceView


class SlicerViews:
    """See :class:`~LesionDetectionLib.app.scene_views.slice_views.SceneViews`."""

    def slices(self) -> Sequence[SliceView]:
        """Asked anew each time: a layout may have brought others. None in a Slicer without main window."""
        manager = slicer.app.layoutManager()
        names = manager.sliceViewNames() if manager is not None else ()
        return [_SlicerSliceView(manager.sliceWidget(name)) for name in names]


class _SlicerSliceView:
    """Args:
    widget: a ``qMRMLSliceWidget``.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = widget

    @property
    def node(self) -> Any:
        return self._widget.mrmlSliceNode()

    @property
    def composite(self) -> Any:
        return self._widget.mrmlSliceCompositeNode()

    @property
    def logic(self) -> Any:
        return self._widget.sliceLogic()

    def fit(self) -> None:
        self._widget.fitSliceToBackground()
