"""``slicer.mrmlScene``: a real scene with the logics that Slicer's modules bring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import slicer

LOGICS = {
    "colors": "vtkSlicerColorLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "units": "vtkSlicerUnitsLogic",
    "plots": "vtkSlicerPlotsLogic",
    "volumes": "vtkSlicerVolumesLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "tables": "vtkSlicerTablesLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
}
"""Module -> its logic, which registers the module's nodes with the scene. Each once: a second one of a kind crashes."""


@dataclass
class Scene:
    scene: Any
    application_logic: Any
    logics: dict[str, Any]


@contextlib.contextmanager
def real_scene() -> Iterator[Scene]:
    """Scene and logics hold each other; they are parted in the end."""
    scene = slicer.vtkMRMLScene()
    application_logic = slicer.vtkSlicerApplicationLogic()
    application_logic.SetMRMLScene(scene)  # makes the selection and interaction nodes
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    logics = {}
    for name, class_name in LOGICS.items():
        logic = getattr(slicer, class_name)()
        if hasattr(logic, "SetMRMLApplicationLogic"):
            logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(scene)
        logics[name] = logic
        application_logic.SetModuleLogic(name.capitalize(), logic)
    try:
        yield Scene(scene, application_logic, logics)
    finally:
        shown = slicer.vtkMRMLScene.GetGlobalWarningDisplay()
        slicer.vtkMRMLScene.GlobalWarningDisplayOff()  # the parts warn of each other while they are parted
        scene.Clear(1)
        for name, logic in logics.items():
            application_logic.SetModuleLogic(name.capitalize(), None)
            logic.SetMRMLScene(None)
        application_logic.SetMRMLScene(None)
        slicer.vtkMRMLScene.SetGlobalWarningDisplay(shown)
