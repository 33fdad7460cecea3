"""Findings as nodes: one result in a scene, changed by difference, and found again in a scene that was saved.

A text node holds all findings as JSON and refers to the other nodes; the scene's own nodes are only ever added to.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import slicer

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.finding import Finding, Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Mask, Recist

from .lesion_table import finding_columns, finding_label
from .mrml_maps import by_title, map_nodes
from .mrml_marks import axis_nodes, fill_points, fill_table, new_point_list
from .mrml_scene import batch, put_under, remove_node, subject_item
from .mrml_segments import SegmentEntry, add_segments, changed_at, masks_of, new_segmentation_node, set_facts

_MARK = "LesionDetection.findings"
"""Attribute of the text node of a result."""
_THRESHOLD = "LesionDetection.threshold"
"""Kept apart from the text, which has all masks in it: the threshold changes at each move of a slider."""
_CONTROLS = "LesionDetection.controls"
"""The same for controls: their values by name, as JSON."""
_FIRST_CONTROLS = "LesionDetection.firstControls"
"""Those that the controls had when the result was made."""
_AXIS_OF = "LesionDetection.finding"
"""Attribute of a diameter's line: the finding's id."""
_VOLUME, _SEGMENTATION, _POINTS, _TABLE, _MAP = "volume", "segmentation", "points", "table", "map"


class FindingNodes:
    """The nodes of one result: segmentation, points, diameters, table, maps, and the text that holds everything.

    Attributes:
        text: the text node; its name is the result's title.
        findings: what the nodes show now.
    """

    def __init__(self, text: Any, findings: Findings) -> None:
        self.text = text
        self.findings = findings
        self._axes_made: dict[str, Recist] = {}
        self._shown_at: dict[str, int] = {}

    @classmethod
    def create(
        cls, scene: Any, volume_node: Any, findings: Findings, name: str, maps: Mapping[str, Image] | None = None
    ) -> FindingNodes:
        """Add a result beside its volume, as new nodes. ``name`` begins the nodes' names.

        Args:
            maps: what the method made of the image's places, by title; see :mod:`.mrml_maps`.
        """
        hierarchy = scene.GetSubjectHierarchyNode()
        with batch(scene):
            parent = hierarchy.GetItemParent(subject_item(scene, volume_node))
            folder = hierarchy.CreateFolderItem(parent, f"{name} marks")
            text = scene.AddNewNodeByClass("vtkMRMLTextNode", name)
            text.SetAttribute(_MARK, "1")
            text.SetNodeReferenceID(_VOLUME, volume_node.GetID())
            points = new_point_list(scene, f"{name} points")
            table = scene.AddNewNodeByClass("vtkMRMLTableNode", f"{name} table")
            for role, node in ((_POINTS, points), (_TABLE, table)):
                text.SetNodeReferenceID(role, node.GetID())
            shown = map_nodes(scene, maps or {}, name).values()
            for node in shown:
                text.AddNodeReferenceID(_MAP, node.GetID())
            for node in (points, table, *shown, text):
                put_under(scene, node, folder)
            if findings.run.controls:
                text.SetAttribute(_FIRST_CONTROLS, _control_values(findings))
            nodes = cls(text, Findings(findings.run))
            nodes.show(findings)
        return nodes

    @classmethod
    def read(cls, text: Any) -> FindingNodes:
        """The result of a text node, such as one of a scene that was loaded.

        Raises:
            InputError: the text is damaged or of another version.
        """
        try:
            value = json.loads(text.GetText() or "")
        except (ValueError, RecursionError) as error:
            raise InputError(f"The findings in “{text.GetName()}” cannot be read: {error}.") from error
        if isinstance(value, dict) and text.GetAttribute(_THRESHOLD):
            value["threshold"] = text.GetAttribute(_THRESHOLD)
        nodes = cls(text, _with_controls(Findings.from_json(value), text))
        there = nodes.axes
        nodes._axes_made = {
            item.id: item.lesion.recist for item in nodes.findings.items if item.id in there and item.lesion.recist
        }
        return nodes

    @property
    def volume(self) -> Any | None:
        """The volume that the findings are of; None where it was removed."""
        return self.text.GetNodeReference(_VOLUME)

    @property
    def segmentation(self) -> Any | None:
        """None as long as no finding has a mask, and where it was removed."""
        return self.text.GetNodeReference(_SEGMENTATION)

    @property
    def points(self) -> Any | None:
        return self.text.GetNodeReference(_POINTS)

    @property
    def table(self) -> Any | None:
        return self.text.GetNodeReference(_TABLE)

    @property
    def maps(self) -> dict[str, Any]:
        """The maps' volumes by title; without those that were removed."""
        count = self.text.GetNumberOfNodeReferences(_MAP)
        nodes = (self.text.GetNthNodeReference(_MAP, n) for n in range(count))
        return by_title(node for node in nodes if node is not None)

    @property
    def first_control_values(self) -> tuple[float, ...]:
        """The controls' values when the result was made; as they are now where the node does not say."""
        try:
            said = dict(json.loads(self.text.GetAttribute(_FIRST_CONTROLS) or "{}"))
            return tuple(float(said.get(control.name, control.value)) for control in self.findings.run.controls)
        except (ValueError, TypeError, RecursionError):
            return tuple(control.value for control in self.findings.run.controls)

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The diameters' lines by finding."""
        found: dict[str, list[Any]] = {}
        for n in range(self.text.GetNumberOfNodeReferences(_AXIS_OF)):
            node = self.text.GetNthNodeReference(_AXIS_OF, n)
            if node is not None:
                found.setdefault(node.GetAttribute(_AXIS_OF), []).append(node)
        return found

    @property
    def all(self) -> tuple[Any, ...]:
        lines = [node for nodes in self.axes.values() for node in nodes]
        nodes = (self.text, self.segmentation, self.points, self.table, *self.maps.values(), *lines)
        return tuple(node for node in nodes if node is not None)

    def show(self, findings: Findings) -> None:
        """Let the nodes show these findings instead; only what differs is touched. What a user removed stays removed."""
        before, self.findings = self.findings, findings
        same = len(before.items) == len(findings.items) and all(
            a is b for a, b in zip(before.items, findings.items, strict=True)
        )
        new_axes = any(item.lesion.recist is not None and item.id not in self._axes_made for item in findings.drawn)
        # A batch lets every view and list of the application begin anew: not for a slider that only shows and hides.
        with batch(self.text.GetScene()) if new_axes or not same else contextlib.nullcontext():
            if not same:
                self._show_segments(before, findings)
                if self.points is not None:
                    fill_points(self.points, [(finding_label(item), item.lesion) for item in findings.items])
            self._show_axes(findings)
            self._show_visible(findings)
            if self.table is not None:
                fill_table(self.table, finding_columns(findings))
            self.text.SetAttribute(_THRESHOLD, repr(float(findings.threshold)))
            if findings.run.controls:
                self.text.SetAttribute(_CONTROLS, _control_values(findings))
            if not same or not self.text.GetText():
                self.text.SetText(_as_text(findings))
                self.seen()

    def masks(self) -> dict[str, Mask | None]:
        """The masks as they are in the segmentation now, by segment. Empty where the segmentation was removed."""
        node = self.segmentation
        return (
            {} if node is None else masks_of(node, node.GetSegmentation().GetSegmentIDs(), self.findings.run.geometry)
        )

    def touched_masks(self) -> dict[str, Mask | None]:
        """Those of :meth:`masks` that a user may have edited or added since the nodes were shown; None for a segment that
        is gone. Empty where the segmentation was removed as a whole: then the findings keep their outlines."""
        node = self.segmentation
        if node is None:
            return {}
        now = changed_at(node)
        names = [name for name in {**self._shown_at, **now} if self._shown_at.get(name) != now.get(name)]
        return masks_of(node, names, self.findings.run.geometry) if names else {}

    def seen(self) -> None:
        """What the segmentation holds now is what the findings say."""
        self._shown_at = {} if self.segmentation is None else changed_at(self.segmentation)

    def remove_segments(self, ids: Iterable[str]) -> None:
        """Take segments that are no finding's out of the segmentation, before findings made of them are shown."""
        node = self.segmentation
        for name in ids if node is not None else ():
            node.GetSegmentation().RemoveSegment(name)  # type: ignore[union-attr]

    def remove(self) -> None:
        """Take all nodes of the result out of the scene, and its folder."""
        scene = self.text.GetScene()
        hierarchy = scene.GetSubjectHierarchyNode()
        folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(self.text))
        with batch(scene):
            for node in self.all:
                remove_node(scene, node)
            if folder != hierarchy.GetSceneItemID() and not hierarchy.GetNumberOfItemChildren(folder):
                hierarchy.RemoveItem(folder)

    def _show_segments(self, before: Findings, after: Findings) -> None:
        old, new = ({item.id: item for item in one.items} for one in (before, after))
        changed = [i for i in new if i not in old or old[i].lesion.mask is not new[i].lesion.mask]
        node = self.segmentation
        if node is not None:
            segmentation = node.GetSegmentation()
            for name in [*(name for name in old if name not in new), *(name for name in changed if name in old)]:
                segmentation.RemoveSegment(name)
            for name, item in new.items():
                if name in old and item is not old[name] and segmentation.GetSegment(name) is not None:
                    set_facts(segmentation.GetSegment(name), _entry(item))
        self._add_segments([new[name] for name in changed], after)

    def _add_segments(self, items: Iterable[Finding], findings: Findings) -> None:
        entries = [_entry(item) for item in items if item.lesion.mask is not None]
        node, scene = self.segmentation, self.text.GetScene()
        if entries and node is None and self.volume is not None:
            node = new_segmentation_node(scene, self.volume, f"{self.text.GetName()} lesions")
            hierarchy = scene.GetSubjectHierarchyNode()
            put_under(scene, node, hierarchy.GetItemParent(subject_item(scene, self.volume)))
            self.text.SetNodeReferenceID(_SEGMENTATION, node.GetID())
        if node is None:
            return
        add_segments(node, entries, findings.run.geometry)
        if not node.GetSegmentation().GetNumberOfSegments():
            # An empty one cannot be stored: see mrml_segments.segmentation_node.
            remove_node(scene, node)

    def _show_axes(self, findings: Findings) -> None:
        """Lines of what is drawn, made when it is first drawn: 100 candidates would be 200 nodes, seconds of work."""
        scene, there = self.text.GetScene(), self.axes
        known = {item.id: item.lesion.recist for item in findings.items}
        for name in [name for name, recist in self._axes_made.items() if known.get(name) is not recist]:
            del self._axes_made[name]
            for line in there.get(name, ()):
                remove_node(scene, line)
        hierarchy = scene.GetSubjectHierarchyNode()
        folder = hierarchy.GetItemParent(subject_item(scene, self.text))
        for item in findings.drawn:
            if item.lesion.recist is None or item.id in self._axes_made:
                continue
            self._axes_made[item.id] = item.lesion.recist
            for line in axis_nodes(scene, item.id, item.number, item.lesion):
                line.SetAttribute(_AXIS_OF, item.id)
                self.text.AddNodeReferenceID(_AXIS_OF, line.GetID())
                put_under(scene, line, folder)

    def _show_visible(self, findings: Findings) -> None:
        drawn = {item.id for item in findings.drawn}
        display = self.segmentation.GetDisplayNode() if self.segmentation is not None else None
        if self.segmentation is not None and display is not None:
            with slicer.util.NodeModify(display):
                for name in self.segmentation.GetSegmentation().GetSegmentIDs():
                    display.SetSegmentVisibility(name, name in drawn)
        if self.points is not None and self.points.GetNumberOfControlPoints() == len(findings.items):
            with slicer.util.NodeModify(self.points):
                for n, item in enumerate(findings.items):
                    self.points.SetNthControlPointVisibility(n, item.id in drawn)
        for name, lines in self.axes.items():
            for line in lines:
                line.SetDisplayVisibility(name in drawn)


def results_in(scene: Any) -> list[Any]:
    """The text nodes of all results in the scene, in the order in which they were made."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLTextNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLTextNode") for n in range(count)]
    return [node for node in nodes if node.GetAttribute(_MARK)]


def segmentations_of_results(scene: Any) -> list[Any]:
    """The segmentation of each result in the scene that has one."""
    found = (text.GetNodeReference(_SEGMENTATION) for text in results_in(scene))
    return [node for node in found if node is not None]


def _entry(item: Finding) -> SegmentEntry:
    tags = {"status": item.status.value, "origin": item.origin, "tracking_uid": item.tracking_uid}
    return SegmentEntry(item.id, item.number, finding_label(item), item.lesion, tags)


def _control_values(findings: Findings) -> str:
    return json.dumps({control.name: control.value for control in findings.run.controls}, separators=(",", ":"))


def _with_controls(findings: Findings, text: Any) -> Findings:
    """With the controls where the text node's attribute says that they were left; as they are where it says nothing.

    Raises:
        InputError: the attribute is damaged.
    """
    said = text.GetAttribute(_CONTROLS)
    if not said:
        return findings
    try:
        values = dict(json.loads(said))
        return findings.with_control_values([float(values.get(c.name, c.value)) for c in findings.run.controls])
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"The thresholds of “{text.GetName()}” cannot be read: {error}.") from error


def _as_text(findings: Findings) -> str:
    value = findings.to_json()
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
