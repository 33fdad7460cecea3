"""The scene and Slicer's views of it, drawn here and shown in the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from trame_slicer.core import SlicerApp

from LesionDetectionLib.app.region import Box
from LesionDetectionLib.app.scene_views.foreground import Foreground
from LesionDetectionLib.app.scene_views.going import go_to
from LesionDetectionLib.app.scene_views.projections import Projections
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.io.mrml_scene import remove_node

from .box import moved
from .factory import AXIAL, SLICES, SPACE, make_views
from .link import ViewLink
from .marks import Mark, Marks
from .markups import Markup, markups_in
from .painter import Turns
from .slice_area import SliceArea
from .slice_moves import zoom_to
from .space_area import SpaceArea

__all__ = ["Stage"]

_NEAR_MM = 90.0
"""What a view shows, along its shorter side, of the surroundings of a place that was zoomed in to."""
_KEPT = (
    "vtkMRMLAbstractViewNode",
    "vtkMRMLSliceCompositeNode",
    "vtkMRMLCameraNode",
    "vtkMRMLColorNode",
    "vtkMRMLProceduralColorNode",
    "vtkMRMLLayoutNode",
    "vtkMRMLInteractionNode",
    "vtkMRMLSelectionNode",
    "vtkMRMLCrosshairNode",
    "vtkMRMLSubjectHierarchyNode",
    "vtkMRMLClipNode",
    "vtkMRMLSliceDisplayNode",
    "vtkMRMLScriptedModuleNode",
    "vtkMRMLUnitNode",
)
"""What belongs to the views and not to what is loaded."""


class Stage:
    """Args:
    server: of trame, not yet started.

    Attributes:
        app: Slicer's logics around the scene, by trame-slicer.
        areas: the slice views in the page, by name.
        space: the 3D view.
        foreground: what lies over the image.
        projections: of a PET.
        marks: how findings are shown.
        clicked: called with area and place (RAS mm) where somebody clicks in a slice; None lets the crosshair go there.
        described: says what is at a place (RAS mm).
        windowed: called when somebody dragged a window.
        drawn: called with area and ends (RAS mm) where somebody drew a line.
        shown_markups: what else was drawn in the scene, as it was when it was last looked at.
        box_moved: called with the box that is searched when somebody dragged it; it is to be shown then.
        zooms_in: show less around a place that is gone to, where a view shows much.
    """

    def __init__(self, server: Any) -> None:
        self.app = SlicerApp()
        views = make_views(self.app.view_manager)
        link, turns = ViewLink(server), Turns()
        self.marks = Marks()
        self.areas = {
            name: SliceArea(name, views[name], self._logic(views[name]), link, turns, self) for name in SLICES
        }
        self.space = SpaceArea(SPACE, views[SPACE], link, turns, lambda: self.marks.marks)
        self.foreground = Foreground(self)
        self.projections = Projections(self.scene, self)
        self.clicked: Callable[[SliceArea, Point], None] | None = None
        self.described: Callable[[Point], str] = lambda _point: ""
        self.windowed: Callable[[], None] = lambda: None
        self.zooms_in = False
        self.drawn: Callable[[SliceArea, tuple[Point, Point]], None] = lambda _area, _ends: None
        self.shown_markups: tuple[Markup, ...] = ()
        self.box_moved: Callable[[Box], None] = lambda _box: None
        self._box: Box | None = None
        self._crosshair: Point | None = None
        self._crosshair_shown = True
        self._outlines: tuple[tuple[str, int], ...] = ()

    @property
    def scene(self) -> Any:
        return self.app.scene

    @property
    def slice_views(self) -> list[Any]:
        """The slice views, as trame-slicer has them."""
        return [area.view for area in self.areas.values()]

    def slices(self) -> Sequence[SliceArea]:
        """The slice views, for what works on any views of a scene (:mod:`LesionDetectionLib.app.scene_views`)."""
        return tuple(self.areas.values())

    def show(self, volume_node: Any) -> None:
        """Show a volume in the slices, the middle of it, all of it."""
        for area in self.areas.values():
            area.composite.SetBackgroundVolumeID(volume_node.GetID())
        for area in self.areas.values():
            area.fit_middle()
        bounds = [0.0] * 6
        volume_node.GetRASBounds(bounds)
        r, a, s = ((bounds[n] + bounds[n + 1]) / 2 for n in (0, 2, 4))
        self._put_crosshair((r, a, s))

    def background(self, volume_node: Any) -> None:
        """Show another volume in the slices without going anywhere."""
        for area in self.areas.values():
            area.composite.SetBackgroundVolumeID(volume_node.GetID())

    @property
    def background_node(self) -> Any | None:
        """The volume whose window is dragged in the axial view; None for none."""
        return self.areas[AXIAL].logic.GetBackgroundLayer().GetVolumeNode()

    @property
    def foreground_node(self) -> Any | None:
        """The volume that lies over it; None for none."""
        return self.areas[AXIAL].logic.GetForegroundLayer().GetVolumeNode()

    def keep_projections(self) -> None:
        """Other layers were put into the views: projections stay those of the PET, with nothing over them (it would be a slice
        in front of the whole body)."""
        if not self.projections.shown:
            return
        self.projections.show_again()
        for area in self.areas.values():
            if area.node.GetSlabReconstructionEnabled():
                area.composite.SetForegroundOpacity(0.0)

    def show_findings(self, results: Any | None) -> None:
        """Show what belongs to the active result, a :class:`.ResultSet`; None for none."""
        self.marks.show(results)
        findings, current = (None, "") if results is None else (results.findings, results.current)
        self.space.show_findings(findings, current)
        outlines = () if findings is None else tuple((item.id, id(item.lesion.mask)) for item in findings.drawn)
        if outlines != self._outlines:
            self._outlines = outlines
            # Slicer's manager of outlines cuts new ones only when a slice was moved.
            for area in self.areas.values():
                area.node.Modified()
        self._tell_notes()

    def show_markups(self) -> None:
        """Show what else was drawn in the scene, as it is now."""
        shown = markups_in(self.scene)
        if shown or self.shown_markups:
            self.shown_markups = shown
            self._tell_notes()

    def fit(self) -> None:
        """Show whole slices in all views."""
        for area in self.areas.values():
            area.fit()

    def go_to(self, point_ras_mm: Sequence[float], volume_node: Any | None = None) -> None:
        """Centre all slices on a place, RAS mm, in this volume, and point at it with the crosshair."""
        go_to(self, point_ras_mm, volume_node)
        for area in self.areas.values():
            area.fitted = False
            if self.zooms_in and not area.node.GetSlabReconstructionEnabled():
                zoom_to(area.node, point_ras_mm, _NEAR_MM)
        r, a, s = (float(n) for n in point_ras_mm)
        self._put_crosshair((r, a, s))

    def clear(self) -> None:
        """Take all out of the scene that was loaded or made; the views stay, and show nothing."""
        self.projections.end()
        self.foreground.forget()
        self.space.clear()
        self.marks.forget()
        self.shown_markups = ()
        self.space.show_findings(None, "")
        for area in self.areas.values():
            area.composite.SetBackgroundVolumeID(None)
            area.composite.SetForegroundVolumeID(None)
            area.composite.SetLabelVolumeID(None)
            area.fitted = True
        scene = self.scene
        nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
        for node in nodes:
            # What is not saved with a scene, such as the models of the slices, is the views' own.
            kept = node.IsSingleton() or not node.GetSaveWithScene() or any(node.IsA(name) for name in _KEPT)
            if not kept and node.GetScene() is not None:
                remove_node(scene, node)
        # What is left are folders, patients and studies.
        hierarchy = scene.GetSubjectHierarchyNode()
        if hierarchy is not None:
            hierarchy.RemoveItemChildren(hierarchy.GetSceneItemID())
        self._put_crosshair(None)

    def close(self) -> None:
        """Draw no more."""
        for painter in (*(area.painter for area in self.areas.values()), self.space.painter):
            painter.close()

    # The crosshair

    @property
    def crosshair_ras_mm(self) -> Point | None:
        """Where it is; None where it is hidden."""
        return self._crosshair if self._crosshair_shown else None

    @property
    def box_ras_mm(self) -> Box | None:
        """The box that is searched; None for none."""
        return self._box

    def show_box(self, box_ras_mm: Box | None) -> None:
        if box_ras_mm != self._box:
            self._box = box_ras_mm
            self._tell_notes()

    @property
    def shown_marks(self) -> Sequence[Mark]:
        """What is drawn of the active result."""
        return self.marks.marks

    @property
    def place_ras_mm(self) -> Point | None:
        """Where it is, hidden or not; None where nothing is loaded."""
        return self._crosshair

    def show_crosshair(self, shown: bool) -> None:
        self._crosshair_shown = shown
        self._tell_notes()

    def point_at(self, point_ras_mm: Point, besides: SliceArea | None = None) -> None:
        """Let the crosshair be there, and all views but one go through it without moving sideways."""
        for area in self.areas.values():
            if area is not besides:
                area.node.JumpSliceByOffsetting(*point_ras_mm)
        self._put_crosshair(point_ras_mm)

    def _put_crosshair(self, point_ras_mm: Point | None) -> None:
        self._crosshair = point_ras_mm
        node = self.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if node is not None and point_ras_mm is not None:
            # For what else works on the scene; the lines are drawn by the page, as drawing a slice anew takes longer.
            node.SetCrosshairRAS(*point_ras_mm)
        self._tell_notes()

    def _tell_notes(self) -> None:
        for area in self.areas.values():
            area.tell_notes()
        self.space.tell_notes()

    # The hand in a slice

    def on_click(self, area: SliceArea, point_ras_mm: Point) -> None:
        if self.clicked is None:
            self.point_at(point_ras_mm, besides=area)
        else:
            self.clicked(area, point_ras_mm)

    def on_follow(self, area: SliceArea, point_ras_mm: Point) -> None:
        if self._crosshair_shown:
            self.point_at(point_ras_mm, besides=area)

    def on_window(self) -> None:
        self.windowed()

    def on_line(self, area: SliceArea, ends_ras_mm: tuple[Point, Point]) -> None:
        self.drawn(area, ends_ras_mm)

    def on_box(self, area: SliceArea, handle: str, point_ras_mm: Point) -> None:
        if self._box is not None:
            self.box_moved(moved(self._box, area.node, handle, point_ras_mm))

    def describe(self, point_ras_mm: Point) -> str:
        return self.described(point_ras_mm)

    def _logic(self, view: Any) -> Any:
        return self.app.app_logic.GetSliceLogic(view.get_view_node())
