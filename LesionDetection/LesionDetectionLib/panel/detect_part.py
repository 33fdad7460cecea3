"""Section Detect: method, model, device, region, and the button that starts and cancels."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LesionDetectionLib.app.method_settings import Value, as_text, changed_values, first_values, from_text
from LesionDetectionLib.app.models import ModelEntry
from LesionDetectionLib.app.session.session import DetectChoice
from LesionDetectionLib.app.worker.requests import DetectRequest
from LesionDetectionLib.core.detector import MethodInfo, methods
from LesionDetectionLib.core.errors import BundleError, LesionDetectionError, UsageError
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.io.display import modality_name
from LesionDetectionLib.io.mrml import image_from_node

from . import dependencies, dicom_database, icons, region
from .choices import chosen_in, fill
from .context import Context, told
from .message_line import MessageLine
from .method_form import MethodForm

_LIMITS = "limits"
"""Of the link that unfolds what a method cannot do."""


class DetectPart:
    """Args:
    place: gives the place that a search around the click is about, RAS mm; None where there is none.
    """

    def __init__(self, context: Context, place: Callable[[], Point | None]) -> None:
        self._context, self._place = context, place
        self._methods = methods()
        self._entries: dict[str, ModelEntry] = {}
        self._devices = [("auto", _("Automatic")), ("cpu", _("CPU"))]
        self._limits_shown = False
        ui = context.ui
        self.message = MessageLine(ui.detectMessageRow, ui.detectMessageIcon, ui.detectMessage)
        self._form = MethodForm(ui, self._on_settings)
        self._connections = [
            (ui.methodComboBox, "activated(int)", self._on_method),
            (ui.methodText, "linkActivated(QString)", self._on_link),
            (ui.modelComboBox, "activated(int)", self._on_model),
            (ui.deviceComboBox, "activated(int)", self._on_device),
            (ui.roiButton, "clicked()", self._on_new_roi),
            (ui.detectButton, "clicked()", self._on_detect),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)
        self._show_job()

    def close(self) -> None:
        self.message.close()
        self._form.close()
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    # What is shown

    def draw_again(self) -> None:
        self._context.ui.modelWarningIcon.setPixmap(icons.picture("warning", 20))
        self.message.draw_again()
        if self._context.parameters is not None:
            self._show_method(self.method)

    def refresh(self) -> None:
        """Show the choices as they are now."""
        ui, chosen = self._context.ui, self._context.parameters
        names = [(info.id, info.title) for info in self._methods.values()]
        fill(ui.methodComboBox, names, chosen.method)
        self._show_method(self.method)
        self._show_models()
        self._show_settings()
        fill(ui.deviceComboBox, self._devices, chosen.device)
        ui.roiRow.setVisible(chosen.region.name == region.INSIDE)
        ui.aroundRow.setVisible(chosen.region.name == region.AROUND)
        place = self._place()
        where = _("around the last click") if place else _("around a click, or the chosen finding")
        ui.aroundText.setText(where)
        self._show_job()

    @property
    def method(self) -> MethodInfo:
        """The chosen method; the first where the choice is not known, as in a scene of another version."""
        return self._methods.get(self._context.parameters.method, next(iter(self._methods.values())))

    @property
    def model(self) -> ModelEntry | None:
        """The model whose item is shown; None for a method without models."""
        return self._entries.get(chosen_in(self._context.ui.modelComboBox))

    def know_devices(self, devices: list[dict[str, str]]) -> None:
        """What the worker says there is to compute on."""
        self._devices = [(one["id"], one["title"]) for one in devices]
        fill(self._context.ui.deviceComboBox, self._devices, self._context.parameters.device)

    def _show_method(self, info: MethodInfo) -> None:
        text = f"{html.escape(info.finds)} {html.escape(_needs(info))}"
        if self._limits_shown:
            text += f"<br>{html.escape(info.limits)}<br><i>{html.escape(info.reference)}</i>"
        link = icons.link(_LIMITS, _("Less") if self._limits_shown else _("Limits and source"))
        self._context.ui.methodText.setText(f"{text} {link}")

    def _show_models(self) -> None:
        ui, info = self._context.ui, self.method
        for widget in (ui.modelLabel, ui.modelComboBox, ui.deviceLabel, ui.deviceComboBox):
            widget.setVisible(info.needs_model)  # what has no model has no network that a GPU could run
        entries = self._context.shelf.entries(info.id) if info.needs_model else ()
        self._entries = {str(entry.path): entry for entry in entries}
        fill(ui.modelComboBox, [(str(entry.path), _title(entry)) for entry in entries], self._context.parameters.model)
        entry = self.model
        line = "" if entry is None else entry.problem or entry.line
        if info.needs_model and not entries:
            line = _("There is no model for this method. Install one below, in Models and set-up.")
        ui.modelText.setText(line)
        ui.modelText.setVisible(bool(line))
        on_phantoms = entry is not None and entry.on_phantoms and not entry.problem
        ui.modelWarning.setVisible(on_phantoms)
        ui.modelWarningText.setText(
            _(
                "<b>Trained on computer-made phantoms only.</b> On patients it shows how the program works, "
                "not what is there."
            )
        )

    @property
    def settings(self) -> dict[str, Value]:
        """Of the chosen method, where they were changed. Raises BundleError where the model cannot be read."""
        info, kept = self.method, self._context.parameters.methodSettings
        return changed_values(info.choices, self._first_values(), from_text(kept.get(info.id, "")))

    def _first_values(self) -> dict[str, Value]:
        entry = self.model
        return first_values(self.method, Path(entry.path) if entry is not None else None)

    def _show_settings(self) -> None:
        info = self.method
        try:
            self._form.show(info.choices, self._first_values(), self.settings, from_model=self.model is not None)
        except BundleError:  # told beside the model: nothing can be detected with it
            self._form.show((), {}, {}, from_model=True)

    def show_job(self) -> None:
        """Show how far the work is, and how it ended."""
        self._show_job()
        job = self._context.session.job
        if job is None or not isinstance(job.request, DetectRequest):
            return
        text = self._context.session.message
        if job.state == "failed":
            self.message.warn(text, job.details)
        elif job.state == "cancelled":
            self.message.note(_("Cancelled. Nothing was added to the scene."))
        elif job.state == "done":
            self.message.note(text)

    def _show_job(self) -> None:
        ui, session = self._context.ui, self._context.session
        job = session.job
        detecting = job is not None and not job.finished and isinstance(job.request, DetectRequest)
        ui.progressRow.setVisible(detecting)
        ui.detectHint.setVisible(False)
        if job is not None and detecting:
            stopping = job.state == "cancelling"
            ui.detectButton.text = _("Cancelling") if stopping else _("Cancel")
            ui.detectButton.setEnabled(not stopping)
            ui.detectButton.toolTip = _("Stop; nothing is kept of what was found so far.")
            ui.progressBar.setValue(round(1000 * job.fraction))
            ui.progressText.setText(_("Waiting for the worker") if job.state == "waiting" else job.text)
            return
        why_not = self.why_not()
        ui.detectButton.text = _("Detect")
        ui.detectButton.setEnabled(not why_not)
        ui.detectHint.setText(why_not)
        ui.detectHint.setVisible(bool(why_not) and not session.busy)  # a measurement is over before it is read
        ui.detectButton.toolTip = why_not or _("Find the lesions; each run makes a new result and changes none.")

    # What is done

    def why_not(self) -> str:
        """Why nothing can be detected now, in a sentence; empty where it can."""
        return str(self._why_not() or "")

    def _why_not(self) -> Any:
        if self._context.parameters is None:
            return _("The module is being set up.")
        if self._context.session.busy:
            return _("A measurement is running.")
        info, volumes = self.method, self._context.volumes
        for modality in info.required:
            if modality not in volumes:
                return _("Choose a {modality} first.").format(modality=modality_name(modality))
        for modality in info.modalities:
            try:
                if modality in volumes:
                    image_from_node(volumes[modality])
            except LesionDetectionError as error:
                return str(error)
        entry = self.model
        if not info.needs_model:
            return None
        return entry.problem if entry is not None else _("There is no model for this method.")

    def choice(self) -> DetectChoice:
        """What would be detected now. Raises UsageError where it cannot."""
        if why_not := self.why_not():
            raise UsageError(why_not)
        info, volumes, entry, chosen = self.method, self._context.volumes, self.model, self._context.parameters
        box = None
        if chosen.region.name == region.INSIDE:
            box = region.box_of_roi(chosen.roi)
        elif chosen.region.name == region.AROUND:
            box = region.box_around(self._place(), chosen.aroundMm)
        used = {modality: volumes[modality] for modality in info.modalities if modality in volumes}
        for node in used.values() if len(used) > 1 else ():
            dicom_database.know_frame_of_reference(node)
        return DetectChoice(
            volumes=used,
            method=info.id,
            model=Path(entry.path) if entry else None,
            device=chosen_in(self._context.ui.deviceComboBox) or "auto",
            region_ras_mm=box,
            settings=self.settings,
        )

    def _on_detect(self) -> None:
        session = self._context.session
        if session.busy:
            session.cancel()
            return
        self.message.clear()
        with told(self.message.warn):
            choice = self.choice()
            feature = "detect" if self.method.needs_model else "detect-without-model"
            if dependencies.ensure(feature, self.method.packages):
                session.detect(choice)

    def _on_method(self, _index: int) -> None:
        self._context.parameters.method = chosen_in(self._context.ui.methodComboBox)

    def _on_model(self, _index: int) -> None:
        self._context.parameters.model = chosen_in(self._context.ui.modelComboBox)

    def _on_device(self, _index: int) -> None:
        self._context.parameters.device = chosen_in(self._context.ui.deviceComboBox)

    def _on_settings(self, changed: dict[str, Value]) -> None:
        chosen = self._context.parameters
        others = {method: text for method, text in chosen.methodSettings.items() if method != self.method.id}
        chosen.methodSettings = {**others, **({self.method.id: as_text(changed)} if changed else {})}

    def _on_link(self, _target: str) -> None:
        self._limits_shown = not self._limits_shown
        self._show_method(self.method)

    def _on_new_roi(self) -> None:
        with told():
            volumes = list(self._context.volumes.values())
            self._context.parameters.roi = region.new_roi(self._context.scene, volumes[0] if volumes else None)


def _needs(info: MethodInfo) -> str:
    """What a person must have for it, in a sentence."""
    needed, more = (list(map(modality_name, names)) for names in (info.required, info.optional))
    what = _(" and ").join([*needed, *([_("a trained model")] if info.needs_model else [])])
    if not more:
        return str(_("Needs {what}.").format(what=what))
    return str(_("Needs {what}, and {more} depending on its settings.").format(what=what, more=_(" and ").join(more)))


def _title(entry: ModelEntry) -> str:
    name = f"{entry.name} {entry.version}".strip()
    return _("{name} (cannot be used)").format(name=name) if entry.problem else name
