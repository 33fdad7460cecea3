"""A PET in SUV beside one that Slicer loaded in Bq/ml: plain Slicer leaves the values as they are in the file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LesionDetectionLib.app.suv_request import SuvFactors
from LesionDetectionLib.core.image import PET, SUV_BW
from LesionDetectionLib.io.mrml import image_from_node, volume_node
from LesionDetectionLib.io.mrml_scene import put_under, subject_item

_KEPT_ATTRIBUTES = ("DICOM.instanceUIDs",)


def add_suv_volume(scene: Any, pet_node: Any, found: SuvFactors) -> Any:
    """Add the PET times the factor as a new volume in SUV, beside the other, which stays as it is.

    Raises:
        InputError, GeometryError: see :func:`~LesionDetectionLib.io.mrml.image_from_node`.
    """
    image = image_from_node(pet_node)
    values = np.asarray(image.voxels, dtype=np.float32) * np.float32(found.factor)
    name = _("{name} SUV").format(name=pet_node.GetName())
    suv = replace(image, voxels=values, modality=PET, unit=SUV_BW, name=name, suv_factors=found.suv_factors)
    node = volume_node(scene, suv)
    for attribute in _KEPT_ATTRIBUTES:
        if pet_node.GetAttribute(attribute):
            node.SetAttribute(attribute, pet_node.GetAttribute(attribute))
    hierarchy = scene.GetSubjectHierarchyNode()
    put_under(scene, node, hierarchy.GetItemParent(subject_item(scene, pet_node)))
    return node
