"""Section Images: the volumes, what is known of them, and the PET over the CT."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from LesionDetectionLib.app.scene_views.foreground import PET
from LesionDetectionLib.app.suv_request import SuvRequest
from LesionDetectionLib.app.volumes import about, allowed_choice, can_become_suv, first_choice, fusion, pet_most
from LesionDetectionLib.app.worker.engine import Job

from . import dependencies, dicom_database
from .context import Context, quietly, told
from .message_line import MessageLine
from .suv import add_suv_volume


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
        ct, pet = allowed_choice(chosen.ctVolume, chosen.petVolume)
        if ct is not chosen.ctVolume:
            chosen.ctVolume = ct
        if pet is not chosen.petVolume:
            chosen.petVolume = pet
        lines = [line for modality, node in (("CT", ct), ("PT", pet)) if node for line in about(node, modality)]
        if not lines:
            lines = [
                _("Load a scan (module DICOM, or drag a file in), or try a chest phantom from the module Sample Data.")
            ]
        ui.imagesText.setText("<br>".join(html.escape(line) for line in lines))
        ui.fusionRow.setVisible(ct is not None and pet is not None)
        ui.suvRow.setVisible(pet is not None and can_become_suv(pet))
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
        """Choose what is loaded, where nothing is chosen yet."""
        chosen = self._context.parameters
        if chosen.ctVolume is None and chosen.petVolume is None:
            ct, pet = first_choice(self._context.scene)
            if pet is not None:
                chosen.petVolume = pet
            if ct is not None:
                chosen.ctVolume = ct

    def _fuse(self) -> None:
        chosen, most = self._context.parameters, float(self._context.ui.petWindowSpinBox.value)
        layer = fusion(chosen.ctVolume, chosen.petVolume, chosen.fusionOpacity, most) if chosen.fusionShown else None
        self._context.foreground.want(PET, layer)

    def _prepare_window(self, pet: Any) -> None:
        """Once for each PET: what a person sets stays."""
        if pet.GetID() == self._window_of:
            return
        self._window_of = pet.GetID()
        box = self._context.ui.petWindowSpinBox
        most, unit = pet_most(pet)
        with quietly(box):
            box.suffix = f" {unit}" if unit else ""
            box.value = max(most, box.minimum)

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
