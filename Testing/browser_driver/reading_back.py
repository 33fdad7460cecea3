"""What was downloaded, read without the viewer: Slicer's own scene classes and SimpleITK."""

from __future__ import annotations

import zipfile

import numpy as np
import SimpleITK as sitk
from LesionDetectionLib.io.mrml import image_from_node
from LesionDetectionLib.io.mrml_scene import temporary_scene
from LesionDetectionLib.io.mrml_segments import masks_of


def segments_of(path):
    """Name of each segment of a ``.seg.nrrd`` -> [k, j, i] its voxels."""
    image = sitk.ReadImage(str(path))
    voxels = sitk.GetArrayFromImage(image)
    keys = [key.removesuffix("_ID") for key in image.GetMetaDataKeys() if key.endswith("_ID")]
    return {image.GetMetaData(f"{key}_ID"): voxels == int(image.GetMetaData(f"{key}_LabelValue")) for key in keys}


def scene_of(path, folder):
    """(voxels of its volume, segment -> voxels or None, names of its nodes) of a scene of Slicer."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    (scene_file,) = folder.rglob("*.mrml")
    with temporary_scene() as scene:
        scene.SetURL(str(scene_file))
        scene.SetRootDirectory(str(scene_file.parent))
        scene.Import(
            None
        )  # a bare scene has not all classes that a viewer has: what it does not know it passes over, and says so
        (volume,) = _nodes(scene, "vtkMRMLScalarVolumeNode")
        (segmentation,) = _nodes(scene, "vtkMRMLSegmentationNode")
        image = image_from_node(volume)
        ids = segmentation.GetSegmentation().GetSegmentIDs()
        masks = masks_of(segmentation, ids, image.geometry)
        full = {name: mask.full(image.geometry.shape_kji) for name, mask in masks.items() if mask is not None}
        return np.array(image.voxels), full, [node.GetName() for node in _nodes(scene, "vtkMRMLNode")]


def _nodes(scene, kind):
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]
