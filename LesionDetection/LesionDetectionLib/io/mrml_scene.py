"""Scenes: making one, grouping changes, the place of a node in the subject hierarchy, and scene files (.mrb)."""

from __future__ import annotations

import contextlib
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import OutputError
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.core.progress import Progress

_SLICE_VIEWS = (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal"))
"""Slicer's three standard slice views and their orientations."""
_CHUNK = 1 << 20
_LARGE = 2 * 10**9
"""Bytes that an older zip has no room for."""
_MARGIN = 1.05
"""A slice view shows the volume's longest side times this."""


@contextlib.contextmanager
def temporary_scene() -> Iterator[Any]:
    """A scene with Slicer's colour tables and units, for use outside Slicer; gone, with all it held, at the end."""
    scene = slicer.vtkMRMLScene()
    # Line nodes ask the selection node for the unit of length, and print a warning each where there is none.
    _singleton(scene, "vtkMRMLSelectionNode", "Singleton")
    # A logic registers node classes with the scene (without the markups', markups are not saved) and takes its nodes
    # (colour tables) back when it goes; scene and logic hold each other, so that they must be parted in the end.
    logics = (slicer.vtkMRMLColorLogic(), slicer.vtkSlicerMarkupsLogic(), slicer.vtkSlicerUnitsLogic())
    for logic in logics:
        logic.SetMRMLScene(scene)
    try:
        yield scene
    finally:
        for logic in logics:
            logic.SetMRMLScene(None)


@contextlib.contextmanager
def batch(scene: Any) -> Iterator[None]:
    """Let the scene's observers (views, tables) wait until all nodes are there."""
    scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    try:
        yield
    finally:
        scene.EndState(slicer.vtkMRMLScene.BatchProcessState)


def subject_item(scene: Any, node: Any) -> int:
    """The node's subject hierarchy item; made, at the top, where there is none (Slicer makes it, a bare scene does not)."""
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node)
    return int(item or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node))


def put_under(scene: Any, node: Any, parent_item: int) -> None:
    """Make the node a child of a subject hierarchy item."""
    scene.GetSubjectHierarchyNode().SetItemParent(subject_item(scene, node), parent_item)


def remove_node(scene: Any, node: Any) -> None:
    """Take a node out of the scene with its subject hierarchy item, which a bare scene would keep, and with the display and
    storage nodes that were its alone."""
    own = [] if node.GetScene() is None else _display_and_storage(node)
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)
    if node.GetScene() is not None:
        scene.RemoveNode(node)
    for other in own:
        if other.GetScene() is not None and _owner(other) is None:
            scene.RemoveNode(other)


def show_in_slices(scene: Any, volume_node: Any, center_ras_mm: Point | None) -> None:
    """Let the scene open with the volume in the three slice views, at a position in RAS mm (None: its middle)."""
    bounds = [0.0] * 6
    volume_node.GetRASBounds(bounds)
    low, high = np.array(bounds[::2]), np.array(bounds[1::2])
    side = _MARGIN * float((high - low).max())
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    _singleton(scene, "vtkMRMLSelectionNode", "Singleton").SetActiveVolumeID(volume_node.GetID())
    for name, orientation in _SLICE_VIEWS:
        composite = _view_node(scene, "vtkMRMLSliceCompositeNode", name)
        composite.SetBackgroundVolumeID(volume_node.GetID())
        view = _view_node(scene, "vtkMRMLSliceNode", name)
        view.SetOrientation(orientation)
        view.SetFieldOfView(side, side, 1.0)
        view.JumpSliceByCentering(*map(float, (low + high) / 2))
        if center_ras_mm is not None:
            view.JumpSliceByOffsetting(*center_ras_mm)


def save_cropped(scene: Any, segmentation_node: Any) -> None:
    """Let a scene file hold of a segmentation only the box around its segments: 0.1 s instead of 2 s for 512 x 512 x 275.

    Slicer puts it back in its place; for other programs, which want the image's own grid, :func:`write_node` keeps it.
    """
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.CropToMinimumExtentOn()
    scene.AddNode(storage)
    segmentation_node.SetAndObserveStorageNodeID(storage.GetID())


def write_scene(scene: Any, path: Path) -> None:
    """Write the scene with all its data as a Slicer bundle (.mrb), whole or not at all.

    A bundle is a zip of one folder. Volumes in it are compressed by their own writer at its fastest level, so the zip
    stores them as they are: compressing twice costs seconds and saves nothing.

    Raises:
        OutputError: disk full, no permission, or a node that Slicer cannot store.
    """
    path = Path(path).absolute()  # Slicer saves a bundle to a full path only
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as place:
        folder = Path(place) / path.stem
        save_scene(scene, folder, target=path)
        bundle_scene(folder, path, zipfile.ZIP_STORED)


def save_scene(scene: Any, folder: Path, compressed: bool = True, target: Path | None = None) -> None:
    """Write the scene with all its data to a new folder, whose name is that of the scene, for :func:`bundle_scene`.

    Args:
        folder: a full path.
        compressed: have volumes compressed by their own writer. Without, 512 x 512 x 300 voxels take a tenth of the time in
            the thread of the scene.
        target: the bundle, where it has a path that a person knows; it is named where it cannot be made.

    Raises:
        OutputError: disk full, no permission, or a node that Slicer cannot store.
    """
    folder.mkdir()
    with contextlib.nullcontext() if compressed else _volumes_as_they_are(scene, folder):
        if not scene.SaveSceneToSlicerDataBundleDirectory(str(folder), None):
            name = target or f"{folder.name}.mrb"
            raise OutputError(f"{name} was not written: the scene could not be saved. Is the disk full?")


def bundle_scene(
    folder: Path, path: Path, compression: int = zipfile.ZIP_DEFLATED, progress: Progress | None = None
) -> None:
    """Zip what :func:`save_scene` wrote, whole or not at all. Needs no scene, so it works in any thread.

    Args:
        compression: of :mod:`zipfile`, at its fastest level.

    Raises:
        OutputError: disk full, no permission.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    entries = sorted(folder.rglob("*"))
    total, done = max(1, sum(entry.stat().st_size for entry in entries)), 0
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w", compression, compresslevel=1) as archive:
        for entry in entries:
            if entry.is_dir():
                archive.write(entry, entry.relative_to(folder.parent))
                continue
            name, large = entry.relative_to(folder.parent).as_posix(), entry.stat().st_size > _LARGE
            with entry.open("rb") as source, archive.open(name, "w", force_zip64=large) as target:
                while chunk := source.read(_CHUNK):
                    progress(done / total, "Packing the scene")
                    target.write(chunk)
                    done += len(chunk)


@contextlib.contextmanager
def _volumes_as_they_are(scene: Any, folder: Path) -> Iterator[None]:
    """Volumes are written without compression; whoever saves the scene again compresses them as before."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    volumes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
    for node in volumes:
        node.AddDefaultStorageNode()
    changed = [one for node in volumes if (one := node.GetStorageNode()) is not None and one.GetUseCompression()]
    for storage in changed:
        storage.SetUseCompression(False)
    try:
        yield
    finally:
        for storage in changed:
            storage.SetUseCompression(True)
    for file in folder.glob("*.mrml"):
        text = file.read_text(encoding="utf-8")
        for storage in changed:
            text = re.sub(rf'(\bid="{storage.GetID()}"[^>]*\buseCompression=)"0"', r'\1"1"', text)
        file.write_text(text, encoding="utf-8")


def write_node(node: Any, storage_class: str, path: Path) -> None:
    """Write one node through Slicer's own storage node, whole or not at all; the node keeps no link to the file.

    Raises:
        OutputError: it was not written.
    """
    storage = getattr(slicer, storage_class)()
    with atomic_file(path) as temporary:
        storage.SetFileName(str(temporary))
        if not storage.WriteData(node) or not temporary.exists():
            raise OutputError(f"{path} was not written. Is the disk full?")


def _display_and_storage(node: Any) -> list[Any]:
    found = []
    if node.IsA("vtkMRMLDisplayableNode"):
        found += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        found += [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
    return [one for one in found if one is not None]


def _owner(node: Any) -> Any | None:
    """The node that is still shown by a display node, or stored by a storage node."""
    return node.GetDisplayableNode() if node.IsA("vtkMRMLDisplayNode") else node.GetStorableNode()


def _view_node(scene: Any, class_name: str, layout_name: str) -> Any:
    node = _singleton(scene, class_name, layout_name)
    node.SetLayoutName(layout_name)
    node.SetName(layout_name)
    return node


def _singleton(scene: Any, class_name: str, tag: str) -> Any:
    node = scene.GetSingletonNode(tag, class_name)
    if node is None:
        node = scene.CreateNodeByClass(class_name)
        node.UnRegister(None)  # the reference that CreateNodeByClass gives to a C++ caller
        node.SetSingletonTag(tag)
        node = scene.AddNode(node)
    return node
