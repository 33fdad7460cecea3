"""The slice views that a scene is looked at in, whoever made them: Slicer's layout, or a browser viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class SliceView(Protocol):
    """One view of slices.

    Attributes:
        node: its ``vtkMRMLSliceNode``.
        composite: its ``vtkMRMLSliceCompositeNode``.
        logic: its ``vtkMRMLSliceLogic``.
    """

    @property
    def node(self) -> Any: ...

    @property
    def composite(self) -> Any: ...

    @property
    def logic(self) -> Any: ...

    def fit(self) -> None:
        """Show the whole of the background volume."""
        ...


class SceneViews(Protocol):
    """All slice views of a scene, as they are now."""

    def slices(self) -> Sequence[SliceView]:
        """The views; empty where there are none, as in a program without windows."""
        ...


def put_layers(views: SceneViews, background: Any | None, foreground: Any | None, opacity: float) -> None:
    """Put volumes into all slice views.

    Args:
        background: volume node; None to leave what is there.
        foreground: volume node over it; None for nothing.
        opacity: of the foreground, 0 to 1.
    """
    for view in views.slices():
        if background is not None:
            view.composite.SetBackgroundVolumeID(background.GetID())
        view.composite.SetForegroundVolumeID(None if foreground is None else foreground.GetID())
        view.composite.SetForegroundOpacity(opacity)


def show(views: SceneViews, volume_node: Any) -> None:
    """Make a volume the background of all slice views, and show the whole of it; what lies over it stays."""
    for view in views.slices():
        view.composite.SetBackgroundVolumeID(volume_node.GetID())
    for view in views.slices():
        view.fit()
