"""Section Images: the volumes, what is known of them, and the PET over the CT."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from LesionDetectionLib.app.scene_views.foreground import PET, Layer
from LesionDetectionLib.app.suv_request import SuvRequest
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.image import SUV_BW, Image
from LesionDetectionLib.io.display import modality_name, value_unit
from LesionDetectionLib.io.mrml import image_from_node, is_map

from . import dependencies, dicom_database
from .context import Context, quietly, told
from .message_line import MessageLine
from .suv import add_suv_volume

_THICK_MM = 3.0
_HU_BELOW = -200
"""A CT of a patient has values below it; where nothing else says what a volume is, these do."""


class ImagesPart:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._window_of = ""
        ui = context.ui
        self.message = MessageLine(ui.suvMessageRow, ui.suvMessageIcon, ui.suvMessage)
        self._job: Job | None = None
        self._connections: list[tuple[Any, str, Callable[..., None]]] = [
            (ui.petWindowSpinBox, "valueChanged(double)", self._on_window),
            (ui.suvButton, "clicked()", self._on_suv),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)

    def refresh(self) -> None:
        """Show the choices as they are now."""
        ui, chosen = self._context.ui, self._context.parameters
        # Qt's selectors move on to another volume when theirs is removed.
        if chosen.ctVolume is not None and is_map(chosen.ctVolume):
            chosen.ctVolume = None
        if chosen.petVolume is not None and (chosen.petVolume is chosen.ctVolume or is_map(chosen.petVolume)):
            chosen.petVolume = None
        ct, pet = chosen.ctVolume, chosen.petVolume
        lines = [line for modality, node in (("CT", ct), ("PT", pet)) if node for line in about(node, modality)]
        if not lines:
            lines = [
                _("Load a scan (module DICOM, or drag a file in), or try a chest phantom from the module Sample Data.")
            ]
        ui.imagesText.setText("<br>".join(html.escape(line) for line in lines))
        ui.fusionRow.setVisible(ct is not None and pet is not None)
        ui.suvRow.setVisible(pet is not None and _can_become_suv(pet))
        ui.suvButton.setEnabled(self._job is None or self._job.finished)
        if pet is not None:
            self._prepare_window(pet)
        with told():
            self._fuse()

    def draw_again(self) -> None:
        self.message.draw_again()

    def scene_closed(self) -> None:
        self._window_of = ""
        self.message.clear()
        if self._job is not None:
            self._job.cancel()

    def close(self) -> None:
        self._context.foreground.want(PET, None)
        self.message.close()
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    def choose_volumes(self) -> None:
        """Choose what is loaded, where nothing is chosen yet: the newest PET, and the newest volume that is none."""
        chosen, scene = self._context.parameters, self._context.scene
        count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        nodes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
        nodes = [node for node in nodes if node.GetClassName() == "vtkMRMLScalarVolumeNode" and not is_map(node)]
        modalities = [_modality(node) for node in nodes]
        if chosen.ctVolume is None and chosen.petVolume is None:
            for node, modality in zip(nodes, modalities, strict=True):
                if modality == "PT":
                    chosen.petVolume = node
                elif modality in ("CT", ""):
                    chosen.ctVolume = node

    def _fuse(self) -> None:
        chosen = self._context.parameters
        ct, pet = chosen.ctVolume, chosen.petVolume
        layer = None
        if chosen.fusionShown and ct is not None and pet is not None:
            layer = Layer(ct, pet, chosen.fusionOpacity, most=float(self._context.ui.petWindowSpinBox.value))
        self._context.foreground.want(PET, layer)

    def _prepare_window(self, pet: Any) -> None:
        """Begin with the habit of clinics for SUV, and with what the volume's own window shows for other units."""
        if pet.GetID() == self._window_of:
            return
        self._window_of = pet.GetID()
        image, box = _image(pet), self._context.ui.petWindowSpinBox
        unit = value_unit(image) if image else ""
        display = pet.GetDisplayNode()
        most = 6.0
        if unit != "SUV" and display is not None:
            most = max(display.GetLevel() + display.GetWindow() / 2, box.minimum)
        with quietly(box):
            box.suffix = f" {unit}" if unit else ""
            box.value = most

    def _on_suv(self) -> None:
        """Let the worker read the header, then add the volume and choose it."""
        self.message.clear()
        with told(self.message.warn):
            pet = self._context.parameters.petVolume
            sources = [str(path) for path in dicom_database.source_files(pet)]
            if not dependencies.ensure("dicom"):
                return

            def on_change(job: Job) -> None:
                self._job = job
                if job.state == "failed":
                    self.message.warn(str(job.error), job.details)
                elif job.state == "done" and pet.GetScene() is not None and self._context.parameters is not None:
                    with told(self.message.warn):
                        self._context.parameters.petVolume = add_suv_volume(self._context.scene, pet, job.result)
                self._context.ui.suvButton.setEnabled(job.finished)

            self._job = self._context.engine.submit(SuvRequest(sources), {}, on_change)
            self._context.ui.suvButton.setEnabled(self._job.finished)

    def _on_window(self, _value: float) -> None:
        with told():
            self._fuse()


def about(node: Any, modality: str) -> list[str]:
    """What is known of a volume, in a line, and what the person should mind, in further ones, as plain text."""
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


def _can_become_suv(node: Any) -> bool:
    """Whether the values are none yet, and the files may say how they become SUV."""
    image = _image(node)
    unit = image.unit if image is not None else ""
    return unit != SUV_BW and bool(node.GetAttribute("DICOM.instanceUIDs"))


def _image(node: Any) -> Image | None:
    try:
        return image_from_node(node)
    except LesionDetectionError:
        return None


def _modality(node: Any) -> str:
    image = _image(node)
    return image.modality if image else "?"
