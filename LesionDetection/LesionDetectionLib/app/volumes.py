"""The volumes of a scene: what is known of each, which to choose first, and how a PET is shown over a CT."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.image import SUV_BW, Image
from LesionDetectionLib.io.display import modality_name, value_unit
from LesionDetectionLib.io.mrml import image_from_node, is_map

from .scene_views.foreground import Layer
from .translation import tr as _

_THICK_MM = 3.0
_HU_BELOW = -200
"""A CT of a patient has values below it; where nothing else says what a volume is, these do."""
_SUV_MOST = 6.0
"""In full colour: the habit of clinics."""


def first_choice(scene: Any) -> tuple[Any | None, Any | None]:
    """CT and PET to begin with: the newest PET, and the newest volume that may be a CT; maps are none. None where there is
    none."""
    ct = pet = None
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
        if node.GetClassName() != "vtkMRMLScalarVolumeNode" or is_map(node):
            continue
        modality = _modality(node)
        if modality == "PT":
            pet = node
        elif modality in ("CT", ""):
            ct = node
    return ct, pet


def allowed_choice(ct: Any | None, pet: Any | None) -> tuple[Any | None, Any | None]:
    """CT and PET without what cannot be chosen: a map, or the same volume as both. A list of volumes moves on to another one
    when the chosen one is removed."""
    ct = None if ct is not None and is_map(ct) else ct
    pet = None if pet is not None and (pet is ct or is_map(pet)) else pet
    return ct, pet


def pet_most(node: Any) -> tuple[float, str]:
    """Which value of a PET to show in full colour at first, and its unit: a usual one for SUV, else the end of the volume's own
    window."""
    image, display = _image(node), node.GetDisplayNode()
    unit = value_unit(image) if image else ""
    if unit != "SUV" and display is not None:
        return float(display.GetLevel() + display.GetWindow() / 2), unit
    return _SUV_MOST, unit


def fusion(ct: Any | None, pet: Any | None, opacity: float, most: float) -> Layer | None:
    """The PET over the CT; None where one of them is missing.

    Args:
        opacity: of the PET, 0 to 1.
        most: its value in full colour.
    """
    return None if ct is None or pet is None else Layer(ct, pet, opacity, most=most)


def can_become_suv(node: Any) -> bool:
    """Whether the values are no SUV yet, and the files that it was loaded from may say how they become it."""
    image = _image(node)
    unit = image.unit if image is not None else ""
    return unit != SUV_BW and bool(node.GetAttribute("DICOM.instanceUIDs"))


def about(node: Any, modality: str) -> list[str]:
    """What is known of a volume, in a line, and what the person should mind, in further ones, as plain text.

    Args:
        modality: for which the person chose it.
    """
    try:
        image = image_from_node(node)
    except LesionDetectionError as error:
        return [f"⚠ {error}"]
    sides = " × ".join(f"{side:.2f}" for side in image.spacing_mm)
    voxels = " × ".join(str(n) for n in image.shape_kji[::-1])
    source = _("from DICOM") if "SOPInstanceUIDs" in image.identifiers else _("not from DICOM")
    unit = value_unit(image) or _("an unknown unit")
    line = _("{modality} in {unit}, {voxels} voxels of {sides} mm, {source}.")
    facts = {
        "modality": modality_name(image.modality or modality),
        "unit": unit,
        "voxels": voxels,
        "sides": sides,
        "source": source,
    }
    return [line.format(**facts), *_warnings(node, image, modality)]


def _warnings(node: Any, image: Image, modality: str) -> list[str]:
    warnings = []
    if image.modality and image.modality != modality:
        text = _("It says that it is of modality {found}, not {wanted}.")
        warnings.append(text.format(found=image.modality, wanted=modality))
    elif not image.modality and modality == "CT":
        low = node.GetImageData().GetScalarRange()[0]
        text = _("It does not say what it is; by its values it is taken for a CT in HU.")
        other = _("It does not say what it is, and its values do not look like Hounsfield units.")
        warnings.append(text if low <= _HU_BELOW else other)
    if modality == "PT" and image.unit != SUV_BW:
        warnings.append(_("Its values are not marked as SUV; measurements are in the values as they are."))
    if modality == "CT" and max(image.spacing_mm) > _THICK_MM:
        warnings.append(_("Slices this thick hide small lesions."))
    if node.GetParentTransformNode() is not None:
        warnings.append(_("It lies under a transform; positions are those that the views show."))
    return [f"⚠ {text}" for text in warnings]


def _image(node: Any) -> Image | None:
    try:
        return image_from_node(node)
    except LesionDetectionError:
        return None


def _modality(node: Any) -> str:
    image = _image(node)
    return image.modality if image else "?"
