"""What was opened, as volumes of the scene, and where each came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from LesionDetectionLib.core.image import CT, PET
from LesionDetectionLib.io.mrml import image_from_node, is_map, volume_node
from LesionDetectionLib.io.mrml_volume import frame_of_reference

from .opening import Opened

_INSTANCES = "DICOM.instanceUIDs"


class VolumesIn:
    """Of one scene."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._sources: dict[str, tuple[Path, ...]] = {}
        self._notes: dict[str, tuple[str, ...]] = {}
        self._paths: dict[str, Path] = {}

    def add(self, opened: Opened, path: Path | None = None) -> Any:
        """The new volume node; ``path`` is what was opened."""
        node = volume_node(self._scene, opened.image)
        if opened.uids:
            node.SetAttribute(_INSTANCES, " ".join(opened.uids))
        uid = opened.image.identifiers.get("SeriesInstanceUID")
        if uid:
            hierarchy = self._scene.GetSubjectHierarchyNode()
            hierarchy.SetItemUID(hierarchy.GetItemByDataNode(node), "DICOM", uid)
        self._sources[node.GetID()] = opened.sources
        self._notes[node.GetID()] = opened.image.notes
        if path is not None:
            self._paths[node.GetID()] = path
        return node

    def sources(self, node: Any) -> tuple[Path, ...]:
        """The DICOM files that a volume was read from, and that are still there; none of others."""
        found = self._sources.get(node.GetID(), ()) if node is not None else ()
        return found if all(path.exists() for path in found) else ()

    def from_dicom(self, node: Any) -> bool:
        """Whether a volume was read from DICOM files here."""
        return bool(self._sources.get(node.GetID())) if node is not None else False

    def notes(self, node: Any) -> tuple[str, ...]:
        """What a user should know of how it was read."""
        return self._notes.get(node.GetID(), ())

    def from_path(self, path: Path) -> list[Any]:
        """The volumes of the scene that came from a file or folder."""
        found = [self._scene.GetNodeByID(node_id) for node_id, one in self._paths.items() if one == path]
        return [node for node in found if node is not None]

    def uses(self, folder: Path) -> bool:
        """Whether files of a folder are the source of a volume that is still in the scene."""
        return any(
            path.is_relative_to(folder)
            for node_id, sources in self._sources.items()
            if self._scene.GetNodeByID(node_id) is not None
            for path in sources[:1]
        )

    def nodes(self) -> list[Any]:
        """All volumes that may be chosen, the oldest first."""
        count = self._scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        every = [self._scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
        return [one for one in every if one.GetClassName() == "vtkMRMLScalarVolumeNode" and not is_map(one)]

    def forget(self) -> None:
        """The scene was closed."""
        self._sources.clear()
        self._notes.clear()
        self._paths.clear()


def place_of(node: Any) -> str:
    """As what a new volume is chosen: PET where it says so, else CT."""
    return PET if image_from_node(node).modality == PET else CT


def belongs(node: Any, other: Any) -> bool:
    """Whether two volumes may be of one patient: both say no frame of reference, or the same one."""
    frames = {frame_of_reference(node), frame_of_reference(other)}
    return len(frames) == 1
