"""What is still observing: the scene is poked, and every function of the module that runs is caught."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import slicer
import vtk

_NOT_A_MODULE = ("slicer_double", "/Testing/")


def who_runs(scene: Any, part: str, process_events: Callable[[], Any]) -> list[str]:
    """Names of functions with ``part`` in their file's path, run by events of scene, nodes and timers."""
    found: set[str] = set()

    def watch(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        ours = part in code.co_filename and not any(word in code.co_filename for word in _NOT_A_MODULE)
        if event == "call" and ours:
            found.add(f"{code.co_filename.rpartition('/')[2]}:{code.co_name}")

    sys.setprofile(watch)
    try:
        _poke(scene)
        process_events()
    finally:
        sys.setprofile(None)
    return sorted(found)


def _poke(scene: Any) -> None:
    kinds = slicer.vtkMRMLScene
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    for node in nodes:
        node.InvokeEvent(vtk.vtkCommand.ModifiedEvent)
        if node.IsA("vtkMRMLMarkupsNode"):
            node.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent)
        if node.IsA("vtkMRMLSegmentationNode"):
            for event in (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentModified):
                node.GetSegmentation().InvokeEvent(event)
        if node.IsA("vtkMRMLInteractionNode"):
            node.InvokeEvent(slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent)
    added = scene.AddNewNodeByClass("vtkMRMLTextNode", "poke")
    scene.RemoveNode(added)
    for event in (
        kinds.StartCloseEvent,
        kinds.EndCloseEvent,
        kinds.StartImportEvent,
        kinds.EndImportEvent,
        kinds.StartBatchProcessEvent,
        kinds.EndBatchProcessEvent,
        kinds.StartSaveEvent,
        kinds.EndSaveEvent,
    ):
        scene.InvokeEvent(event)
