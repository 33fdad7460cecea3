"""Maximum intensity projections of a PET in the coronal and sagittal slice views, and what a click on one means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from LesionDetectionLib.core.lesion import Point

from ..focus_request import AXIAL, CORONAL, EITHER, SAGITTAL
from .going import jump
from .slice_views import SceneViews, SliceView

_ALONG = (SAGITTAL, CORONAL, AXIAL)
"""The view that looks along each of the axes R, A, S."""
_STRAIGHT = 0.99
"""Cosine to an axis, from which on a view is not taken for an oblique one."""

_Place = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
"""Field of view and shift of a view, and the elements of its matrix to RAS."""


class _Change(NamedTuple):
    """What was changed of a view, and is taken back unless somebody else changed it meanwhile.

    Attributes:
        get: tells whether it is still ours.
        put: puts ``before`` back.
        before: as it was.
        ours: what ``get`` gave when it was changed.
    """

    get: Callable[[], Any]
    put: Callable[[Any], None]
    before: Any
    ours: Any


class Projections:
    """Shows them by thick slabs of the views, and gives the views back as they were.

    A slab holds the whole body wherever its plane lies, so that going to a finding does not cut anything off.

    Args:
        scene: that the views are of.
        views: those that there are.
    """

    def __init__(self, scene: Any, views: SceneViews) -> None:
        self._scene, self._there = scene, views
        self._volume: Any = None
        self._views: list[SliceView] = []
        self._changes: list[_Change] = []

    @property
    def shown(self) -> bool:
        return self._volume is not None

    @property
    def volume(self) -> Any | None:
        """The PET that is shown; None for none."""
        return self._volume

    def show(self, volume_node: Any) -> bool:
        """Show projections of this PET; whether there is a coronal or sagittal view to show them in."""
        self.end()
        for view in self._there.slices():
            if _view_of(view.node) in (CORONAL, SAGITTAL):
                self._views.append(view)
                self._show_in(view, volume_node)
        self._volume = volume_node if self._views else None
        return self.shown

    def show_again(self) -> None:
        """Other layers may have been put into the views."""
        for view in self._views:
            view.composite.SetBackgroundVolumeID(self._volume.GetID())

    def end(self) -> None:
        """Give the views back; nothing where none is shown."""
        changes, self._changes = self._changes, []
        self._volume, self._views = None, []
        for change in reversed(changes):
            if change.get() == change.ours:
                change.put(change.before)

    def clicked_through(self, point_ras_mm: Point, clicked_in: Any | None = None) -> str:
        """The projection that a click at this place was made on, as in :class:`.FocusRequest`; empty for none.

        Args:
            clicked_in: slice node of the view that was clicked, where the caller knows it. Else the scene's crosshair keeps
                where the mouse is; a slice view counts where its plane holds the point. Where that is not known either (a
                script, a touch screen) it is the projection whose plane holds the point, and where both do, either.
        """
        planes = [view.node for view in self._views]
        if clicked_in is not None:
            return next((_view_of(node) for node in planes if node is clicked_in), "")
        planes = [node for node in planes if _holds(node, point_ras_mm)]
        cursor = self._scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if cursor is not None:
            under_mouse = cursor.GetCursorPositionXYZ([0.0, 0.0, 0.0])
            if under_mouse is None and cursor.GetCursorPositionRAS([0.0, 0.0, 0.0]):
                return ""  # in a 3D view
            if under_mouse is not None and _holds(under_mouse, point_ras_mm):
                planes = [node for node in planes if node is under_mouse]
        views = {_view_of(node) for node in planes} - {""}
        return EITHER if {CORONAL, SAGITTAL} <= views else next(iter(views), "")

    def go_to(self, point_ras_mm: Sequence[float]) -> None:
        """Let all slice views go through a point, without moving what they show sideways."""
        jump(self._there, point_ras_mm, centred=False)

    # How

    def _show_in(self, view: SliceView, volume_node: Any) -> None:
        node, composite = view.node, view.composite
        self._set(composite.GetBackgroundVolumeID, composite.SetBackgroundVolumeID, volume_node.GetID())
        self._set(composite.GetForegroundOpacity, composite.SetForegroundOpacity, 0.0)
        self._changes.append(
            _Change(lambda: _view_of(node), lambda place: _put_place(node, place), _place_of(node), _view_of(node))
        )
        view.fit()
        spacing = _slice_spacing(view)
        self._set(
            node.GetSlabReconstructionType,
            node.SetSlabReconstructionType,
            node.GetSlabReconstructionTypeFromString("Max"),
        )
        self._set(
            node.GetSlabReconstructionThickness, node.SetSlabReconstructionThickness, _thickness(node, volume_node)
        )
        # Slicer takes slices at (spacing squared over this factor) mm: with its usual 2, a PET of 4 mm would lose every other
        # slice, and one of 1 mm would be seen to half its depth.
        self._set(node.GetSlabReconstructionOversamplingFactor, node.SetSlabReconstructionOversamplingFactor, spacing)
        self._set(node.GetSlabReconstructionEnabled, node.SetSlabReconstructionEnabled, True)

    def _set(self, get: Callable[[], Any], put: Callable[[Any], None], value: Any) -> None:
        before = get()
        put(value)
        self._changes.append(_Change(get, put, before, get()))


def _normal(slice_node: Any) -> np.ndarray[Any, Any]:
    """Unit vector along which the view looks, RAS."""
    matrix = slice_node.GetSliceToRAS()
    normal = np.array([matrix.GetElement(row, 2) for row in range(3)])
    return np.asarray(normal / np.linalg.norm(normal))


def _view_of(slice_node: Any) -> str:
    """``coronal``, ``sagittal``, ``axial``; empty for an oblique view."""
    along = np.abs(_normal(slice_node))
    return _ALONG[int(along.argmax())] if along.max() >= _STRAIGHT else ""


def _holds(slice_node: Any, point_ras_mm: Point) -> bool:
    """Whether the view's plane holds the point, to half a pixel."""
    matrix = slice_node.GetSliceToRAS()
    origin = np.array([matrix.GetElement(row, 3) for row in range(3)])
    pixel = slice_node.GetFieldOfView()[0] / max(slice_node.GetDimensions()[0], 1)
    return bool(abs(_normal(slice_node) @ (np.asarray(point_ras_mm) - origin)) <= pixel / 2)


def _thickness(slice_node: Any, volume_node: Any) -> float:
    """Of a slab that holds the whole volume wherever within it its plane lies, mm."""
    bounds = [0.0] * 6
    volume_node.GetRASBounds(bounds)
    extent = np.subtract(bounds[1::2], bounds[::2])
    return float(2 * np.abs(_normal(slice_node)) @ extent)


def _slice_spacing(view: SliceView) -> float:
    """Between two slices of the view, mm."""
    node = view.node
    if node.GetSliceSpacingMode() == node.PrescribedSliceSpacingMode:
        return float(node.GetPrescribedSliceSpacing()[2])
    return float(view.logic.GetLowestVolumeSliceSpacing()[2])


def _place_of(slice_node: Any) -> _Place:
    matrix = slice_node.GetSliceToRAS()
    elements = tuple(matrix.GetElement(row, column) for row in range(4) for column in range(4))
    return tuple(slice_node.GetFieldOfView()), tuple(slice_node.GetXYZOrigin()), elements


def _put_place(slice_node: Any, place: _Place) -> None:
    field_of_view, origin, elements = place
    for n, value in enumerate(elements):
        slice_node.GetSliceToRAS().SetElement(n // 4, n % 4, value)
    slice_node.SetFieldOfView(*field_of_view)
    slice_node.SetXYZOrigin(*origin)
    slice_node.UpdateMatrices()
