"""An ``Image`` as a scalar volume node, and a volume node as an ``Image``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from LesionDetectionLib.core.errors import GeometryError, InputError
from LesionDetectionLib.core.image import (
    BQ_PER_ML,
    CT,
    HU,
    PET,
    PHANTOM,
    SUV_BSA,
    SUV_BW,
    SUV_LBM,
    UNKNOWN,
    FloatArray,
    Image,
)

from .display import window_for
from .mrml_scene import subject_item

_UNITS = {
    HU: ("[hnsf'U]", "UCUM", "Hounsfield unit"),
    SUV_BW: ("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight"),
    BQ_PER_ML: ("Bq/ml", "UCUM", "Becquerels/milliliter"),
}
_QUANTITIES = {
    HU: ("112031", "DCM", "Attenuation Coefficient"),
    SUV_BW: ("126400", "DCM", "Standardized Uptake Value"),
    BQ_PER_ML: ("122709", "DCM", "Activity Concentration"),
}
_UNIT_OF_CODE = {codes[0].lower(): unit for unit, codes in _UNITS.items()}
_MODALITY_OF_UNIT = {HU: CT, SUV_BW: PET, BQ_PER_ML: PET}
_KEPT_TYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")
"""Voxel types that Slicer shows and stores as they are."""
_MODALITY_ATTRIBUTE = "DICOM.Modality"
_INSTANCES_ATTRIBUTE = "DICOM.instanceUIDs"
_FRAME_ATTRIBUTE = "DICOM.FrameOfReferenceUID"
"""Slicer's names; the first and the last are of the subject hierarchy item. Slicer's reader of scalar volumes leaves the last
away."""
_FRAME = "FrameOfReferenceUID"
_PHANTOM_ATTRIBUTE = "LesionDetection.phantom"
_SUV_ATTRIBUTES = {kind: f"LesionDetection.{kind}PerSUVbw" for kind in (SUV_LBM, SUV_BSA)}


def volume_node(scene: Any, image: Image) -> Any:
    """Add the image to the scene as a scalar volume with its geometry, unit and display window.

    The voxels are copied: what Slicer does to the node never reaches the image. float16 becomes float32; 64-bit whole
    numbers become int32 where they fit, else float64.
    """
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", image.name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(np.array(image.ijk_to_ras)))
    _set_display(node, image)  # before the voxels: a new display node looks through all that are there for a window
    nk, nj, ni = image.shape_kji
    data = vtk.vtkImageData()
    data.SetDimensions(ni, nj, nk)
    data.GetPointData().SetScalars(numpy_to_vtk(np.ravel(_storable(image.voxels)), deep=True))
    node.SetAndObserveImageData(data)
    if image.unit in _UNITS:
        node.SetVoxelValueUnits(_coded(_UNITS[image.unit]))
        node.SetVoxelValueQuantity(_coded(_QUANTITIES[image.unit]))
    item = subject_item(scene, node)
    if PHANTOM in image.identifiers:
        node.SetAttribute(_PHANTOM_ATTRIBUTE, image.identifiers[PHANTOM])
    for kind in _SUV_ATTRIBUTES.keys() & image.suv_factors.keys():
        node.SetAttribute(_SUV_ATTRIBUTES[kind], repr(float(image.suv_factors[kind])))
    if image.modality:
        scene.GetSubjectHierarchyNode().SetItemAttribute(item, _MODALITY_ATTRIBUTE, image.modality)
    if _FRAME in image.identifiers:
        set_frame_of_reference(node, image.identifiers[_FRAME])
    return node


def image_from_node(node: Any) -> Image:
    """The image of a scalar volume node; its voxels are a read-only view of the node's memory, not a copy.

    A linear parent transform goes into the geometry, so that positions are those Slicer's views show. Modality and unit
    come from the node's coded unit and the subject hierarchy; both stay empty where neither says them.

    Raises:
        InputError: no node, no voxels, or several values a voxel.
        GeometryError: a nonlinear parent transform, or axes that are no grid.
    """
    if node is None:
        raise InputError("No volume is chosen. Load or choose one.")
    name = node.GetName() or "volume"
    data = node.GetImageData() if node.IsA("vtkMRMLScalarVolumeNode") else None
    scalars = None if data is None else data.GetPointData().GetScalars()
    if data is None or scalars is None:
        raise InputError(f"“{name}” holds no voxels. Load it again or choose another volume.")
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(
            f"“{name}” has {scalars.GetNumberOfComponents()} values in each voxel (a colour image?). Choose a scalar volume."
        )
    ni, nj, nk = data.GetDimensions()
    voxels = vtk_to_numpy(scalars).reshape(nk, nj, ni)
    unit = _unit(node)
    modality, identifiers = _dicom_facts(node)
    return Image(
        voxels,
        _matrix_to_world(node, name),
        modality=modality or _MODALITY_OF_UNIT.get(unit, UNKNOWN),
        unit=unit,
        name=name,
        identifiers=identifiers,
        suv_factors=_suv_factors(node),
    )


def frame_of_reference(node: Any) -> str:
    """The DICOM UID of the frame that the volume's positions are given in; empty where nothing says it."""
    scene = node.GetScene()
    item = 0 if scene is None else scene.GetSubjectHierarchyNode().GetItemByDataNode(node)
    return scene.GetSubjectHierarchyNode().GetItemAttribute(item, _FRAME_ATTRIBUTE) or "" if item else ""


def set_frame_of_reference(node: Any, uid: str) -> None:
    """Let the volume say which frame its positions are given in; it must be in a scene."""
    scene = node.GetScene()
    scene.GetSubjectHierarchyNode().SetItemAttribute(subject_item(scene, node), _FRAME_ATTRIBUTE, uid)


def _storable(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    kind = voxels.dtype.newbyteorder("=")
    if kind.str[1:] in _KEPT_TYPES:
        return np.ascontiguousarray(voxels, dtype=kind)
    if kind.kind == "f":
        return np.ascontiguousarray(voxels, dtype=np.float32 if kind.itemsize < 4 else np.float64)
    limits = np.iinfo(np.int32)
    fits = int(voxels.min()) >= limits.min and int(voxels.max()) <= limits.max
    return np.ascontiguousarray(voxels, dtype=np.int32 if fits else np.float64)


def _set_display(node: Any, image: Image) -> None:
    node.CreateDefaultDisplayNodes()
    display, window = node.GetDisplayNode(), window_for(image)
    display.AutoWindowLevelOff()
    display.SetWindowLevel(window.width, window.level)
    if window.inverted:
        display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeInvertedGrey")


def _coded(codes: tuple[str, str, str]) -> Any:
    value, scheme, meaning = codes
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(value, scheme, meaning)
    return entry


def _unit(node: Any) -> str:
    entry = node.GetVoxelValueUnits()
    return "" if entry is None else _UNIT_OF_CODE.get((entry.GetCodeValue() or "").lower(), "")


def _dicom_facts(node: Any) -> tuple[str, dict[str, str]]:
    """Modality, and the UIDs of the series, its instances and its frame of reference, where the node came from DICOM; whether
    it is a phantom."""
    identifiers = {}
    instances = node.GetAttribute(_INSTANCES_ATTRIBUTE)
    if instances:
        identifiers["SOPInstanceUIDs"] = instances
    if node.GetAttribute(_PHANTOM_ATTRIBUTE):
        identifiers[PHANTOM] = node.GetAttribute(_PHANTOM_ATTRIBUTE)
    scene = node.GetScene()
    if scene is None or not scene.GetSubjectHierarchyNode().GetItemByDataNode(node):
        return UNKNOWN, identifiers
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node)
    for key, place in (("SeriesInstanceUID", item), ("StudyInstanceUID", hierarchy.GetItemParent(item))):
        uid = hierarchy.GetItemUID(place, "DICOM")
        if uid:
            identifiers[key] = uid
    if frame := frame_of_reference(node):
        identifiers[_FRAME] = frame
    return hierarchy.GetItemAttribute(item, _MODALITY_ATTRIBUTE) or UNKNOWN, identifiers


def _suv_factors(node: Any) -> dict[str, float]:
    """Those that :func:`volume_node` wrote; what a scene file has been spoilt to is as good as nothing."""
    found = {}
    for kind, attribute in _SUV_ATTRIBUTES.items():
        try:
            factor = float(node.GetAttribute(attribute) or 0)
        except ValueError:
            continue
        if 0 < factor < np.inf:
            found[kind] = factor
    return found


def _matrix_to_world(node: Any, name: str) -> FloatArray:
    """[4, 4] IJK to world RAS."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    ijk_to_ras: FloatArray = np.array(slicer.util.arrayFromVTKMatrix(matrix), dtype=np.float64)
    transform = node.GetParentTransformNode()
    if transform is None:
        return ijk_to_ras
    if not transform.IsTransformToWorldLinear():
        raise GeometryError(
            f"“{name}” lies under the nonlinear transform “{transform.GetName()}”, so its voxels form no regular grid. "
            "Harden the transform (Data module, right click on the volume) and try again."
        )
    transform.GetMatrixTransformToWorld(matrix)
    return np.asarray(slicer.util.arrayFromVTKMatrix(matrix) @ ijk_to_ras, dtype=np.float64)
