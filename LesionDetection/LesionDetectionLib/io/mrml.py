"""Images and detections in a MRML scene: what Slicer, the browser viewer and scene files share.

Every function takes the scene or node; none knows of ``slicer.mrmlScene`` or of an application.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from LesionDetectionLib.core.detections import Detections

from .mrml_maps import is_map, map_nodes
from .mrml_marks import diameter_nodes, point_list_node, table_node
from .mrml_scene import batch, put_under, subject_item
from .mrml_segments import segmentation_node
from .mrml_volume import image_from_node, volume_node

__all__ = ["ResultNodes", "add_detections", "image_from_node", "is_map", "volume_node"]


@dataclass(frozen=True)
class ResultNodes:
    """The nodes of one run.

    Attributes:
        segmentation: one segment (id ``L<rank>``) a lesion that has a mask; None where none has.
        points: one control point a lesion, in rank order.
        diameters: long and short axis of each lesion that has RECIST diameters.
        table: one row a lesion.
        folder_item: subject hierarchy item that holds points, table, diameters and maps.
        maps: what the method made of the image's places, as volumes by title.
    """

    segmentation: Any
    points: Any
    diameters: tuple[Any, ...]
    table: Any
    folder_item: int
    maps: Mapping[str, Any] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Any, ...]:
        nodes = (self.segmentation, self.points, self.table, *self.diameters, *self.maps.values())
        return tuple(node for node in nodes if node is not None)


def add_detections(scene: Any, volume_node: Any, detections: Detections, name: str = "") -> ResultNodes:
    """Add all that a run found to the scene, beside its volume, as new nodes; existing nodes are not touched.

    The segmentation and a folder with the rest become siblings of the volume in the subject hierarchy (DICOM export
    wants the segmentation there). With no lesion at all, point list and table are there and empty.

    Args:
        volume_node: the volume that the detections are of.
        name: begins the nodes' names; the volume's name where empty.
    """
    name = name or volume_node.GetName() or "volume"
    hierarchy = scene.GetSubjectHierarchyNode()
    with batch(scene):
        parent = hierarchy.GetItemParent(subject_item(scene, volume_node))
        segmentation = segmentation_node(scene, volume_node, detections, f"{name} lesions")
        if segmentation is not None:
            put_under(scene, segmentation, parent)
        folder = hierarchy.CreateFolderItem(parent, f"{name} lesion marks")
        points = point_list_node(scene, detections, f"{name} lesion points")
        table = table_node(scene, detections, f"{name} lesion table")
        diameters = diameter_nodes(scene, detections)
        maps = map_nodes(scene, detections.maps, name)
        for node in (points, table, *diameters, *maps.values()):
            put_under(scene, node, folder)
    return ResultNodes(segmentation, points, tuple(diameters), table, folder, maps)
