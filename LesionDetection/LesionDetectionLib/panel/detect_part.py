"""Section Detect: method, model, device, region, and the button that starts and cancels."""

from __future__ import annotations

import html
from collections.abc import Callable

from slicer.i18n import tr as _

from LesionDetectionLib.app.detect_choices import (
    about_model,
    chosen_method,
    detect_button,
    detect_choice,
    device_choices,
    needs,
    phantom_warning,
    say_end,
    settings_of,
    title_of,
    why_not,
)
from LesionDetectionLib.app.method_settings import Value, as_text, from_text
from LesionDetectionLib.app.models import ModelEntry
from LesionDetectionLib.app.region import AROUND, INSIDE, SearchRegion, around_text, new_roi
from LesionDetectionLib.app.session.session import DetectChoice
from LesionDetectionLib.core.detector import MethodInfo, methods
from LesionDetectionLib.core.errors import BundleError
from LesionDetectionLib.core.lesion import Point

from . import dependencies, dicom_database, icons
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
        self._devices = device_choices()
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
        ui.roiRow.setVisible(chosen.region.name == INSIDE)
        ui.aroundRow.setVisible(chosen.region.name == AROUND)
        ui.aroundText.setText(around_text(self._place()))
        self._show_job()

    @property
    def method(self) -> MethodInfo:
        """The chosen method."""
        return chosen_method(self._methods, self._context.parameters.method)

    @property
    def model(self) -> ModelEntry | None:
        """The model whose item is shown; None for a method without models."""
        return self._entries.get(chosen_in(self._context.ui.modelComboBox))

    def know_devices(self, devices: list[dict[str, str]]) -> None:
        """What the worker says there is to compute on."""
        self._devices = device_choices(devices)
        fill(self._context.ui.deviceComboBox, self._devices, self._context.parameters.device)

    def _show_method(self, info: MethodInfo) -> None:
        text = f"{html.escape(info.finds)} {html.escape(needs(info))}"
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
        fill(
            ui.modelComboBox, [(str(entry.path), title_of(entry)) for entry in entries], self._context.parameters.model
        )
        entry = self.model
        line = about_model(info, entry, _("Install one below, in Models and set-up."))
        ui.modelText.setText(line)
        ui.modelText.setVisible(bool(line))
        learned, meaning = phantom_warning(entry)
        ui.modelWarning.setVisible(bool(learned))
        ui.modelWarningText.setText(f"<b>{html.escape(learned)}</b> {html.escape(meaning)}")

    def _settings(self) -> tuple[dict[str, Value], dict[str, Value]]:
        """Of the chosen method, see :func:`.settings_of`."""
        info = self.method
        return settings_of(info, self.model, from_text(self._context.parameters.methodSettings.get(info.id, "")))

    @property
    def settings(self) -> dict[str, Value]:
        """Of the chosen method, where they were changed. Raises BundleError where the model cannot be read."""
        return self._settings()[1]

    def _show_settings(self) -> None:
        try:
            first, changed = self._settings()
        except BundleError:  # told beside the model: nothing can be detected with it
            self._form.show((), {}, {}, from_model=True)
            return
        self._form.show(self.method.choices, first, changed, from_model=self.model is not None)

    def show_job(self) -> None:
        """Show how far the work is, and how it ended."""
        self._show_job()
        say_end(self._context.session, self.message)
        ui, job = self._context.ui, self._context.session.job
        if job is not None and job.state == "done" and ui.detectButton.hasFocus():
            ui.findingsTable.setFocus()  # what follows is the review, by its keys

    def _show_job(self) -> None:
        ui, button = self._context.ui, detect_button(self._context.session, self.why_not)
        ui.progressRow.setVisible(button.running)
        ui.detectButton.text = button.text
        ui.detectButton.setEnabled(button.enabled)
        ui.detectButton.toolTip = button.tip
        ui.detectHint.setText(button.hint)
        ui.detectHint.setVisible(bool(button.hint))
        if button.running:
            ui.progressBar.setValue(round(1000 * button.fraction))
            ui.progressText.setText(button.progress)

    # What is done

    def why_not(self) -> str:
        """Why nothing can be detected now, in a sentence; empty where it can."""
        if self._context.parameters is None:
            return str(_("The module is being set up."))
        return why_not(self.method, self._context.volumes, self.model, self._context.session.busy)

    def choice(self) -> DetectChoice:
        """What would be detected now. Raises UsageError where it cannot."""
        chosen = self._context.parameters
        choice = detect_choice(
            self.method,
            self._context.volumes,
            self.model,
            chosen_in(self._context.ui.deviceComboBox),
            self.settings,
            SearchRegion(chosen.region.name, chosen.roi, self._place(), chosen.aroundMm),
        )
        for node in choice.volumes.values() if len(choice.volumes) > 1 else ():
            dicom_database.know_frame_of_reference(node)
        return choice

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
            self._context.parameters.roi = new_roi(self._context.scene, volumes[0] if volumes else None)
