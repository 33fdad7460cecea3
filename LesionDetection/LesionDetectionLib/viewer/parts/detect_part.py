"""Section Detect: method, model, device, region, and the button that starts and cancels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
from LesionDetectionLib.app.method_settings import Value
from LesionDetectionLib.app.models import ModelEntry
from LesionDetectionLib.app.region import AROUND, INSIDE, WHOLE, SearchRegion, around_text, place_to_search
from LesionDetectionLib.app.session.session import CURRENT, JOB, RESULTS, DetectChoice
from LesionDetectionLib.app.worker.requests import WarmRequest
from LesionDetectionLib.core.detector import MethodInfo, methods
from LesionDetectionLib.core.errors import BundleError, LesionDetectionError
from LesionDetectionLib.core.lesion import Point

from ..context import Context
from ..message_line import MessageLine
from ..shown_text import without_folders
from .detect_fields import LEAST_MM, MOST_MM, build_fields
from .method_form import MethodForm
from .part import Part
from .search_box import SearchBox
from .warming import Warming

WHERE_FROM = "Make one under Training, or put one into the folder of your models."
"""Models."""


class DetectPart(Part):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._methods = methods()
        self._entries: dict[str, ModelEntry] = {}
        self._listed: dict[str, tuple[ModelEntry, ...]] = {}
        self._model_shown = ""
        self._devices = device_choices()
        self._warming = Warming(context.engine, self._on_devices)
        self.form = MethodForm(context, self._on_settings)
        self.box = SearchBox(context)
        state, choices = context.state, context.choices
        state.update(
            {
                "methods": [{"value": info.id, "title": info.title} for info in self._methods.values()],
                "method": choices.method,
                "models": [],
                "model": "",
                "regions": _items(
                    [(WHOLE, "The whole scan"), (INSIDE, "Inside a box"), (AROUND, "Around the last click")]
                ),
                "region": choices.region,
                "around_mm": choices.around_mm,
                "limits_shown": False,
                "detecting": False,
                "detect_fraction": 0.0,
            }
        )
        self._show_devices()
        self.message = MessageLine(state, "detect")
        for name, change in (
            ("method", self._on_method),
            ("model", self._on_model),
            ("device", self._on_device),
            ("region", self._on_region),
            ("around_mm", self._on_around),
        ):
            state.change(name)(change)

    def build(self) -> None:
        build_fields(self.form, self.box, self.message, self._on_detect)

    # What is shown

    @property
    def method(self) -> MethodInfo:
        """The chosen method; the first where the choice is not known."""
        return chosen_method(self._methods, self.context.choices.method)

    @property
    def model(self) -> ModelEntry | None:
        """The model whose item is shown; None for a method without models."""
        return self._entries.get(self.context.state.model)

    @property
    def place(self) -> Point | None:
        """What a search around a place is about."""
        return place_to_search(self.context.session, self.context.place)

    def refresh(self) -> None:
        state, choices, info = self.context.state, self.context.choices, self.method
        state.method, state.region, state.around_mm = info.id, choices.region, choices.around_mm
        state.method_finds, state.method_needs = info.finds, needs(info)
        state.method_limits, state.method_reference = f"{info.limits} ", f"{info.reference} "
        self._show_models()
        self._show_devices()
        self._show_settings()
        self._show_place()
        self.box.refresh()
        self._show_job()
        self._warm()

    def models_changed(self) -> None:
        """Models were made, installed or removed."""
        self._listed.clear()

    def _show_models(self) -> None:
        state, info = self.context.state, self.method
        entries = self._models_of(info)
        self._entries = {_key(entry, number): entry for number, entry in enumerate(entries)}
        wanted = self.context.choices.models.get(info.id)
        keys = list(self._entries)
        state.needs_model = info.needs_model  # what has no model has no network that a GPU could run
        state.models = [{"value": key, "title": title_of(entry)} for key, entry in self._entries.items()]
        state.model = next(
            (key for key, entry in self._entries.items() if entry.path == wanted), keys[0] if keys else ""
        )
        self._model_shown, entry = state.model, self.model
        state.model_text = without_folders(about_model(info, entry, WHERE_FROM))
        state.model_warning = list(phantom_warning(entry))

    def _models_of(self, info: MethodInfo) -> tuple[ModelEntry, ...]:
        """Kept, as listing them reads each manifest."""
        if not info.needs_model:
            return ()
        if info.id not in self._listed:
            self._listed[info.id] = self.context.shelf.entries(info.id)
        return self._listed[info.id]

    def _settings(self) -> tuple[dict[str, Value], dict[str, Value]]:
        """Of the chosen method, as they are at first, and those that were changed. Raises BundleError."""
        return settings_of(self.method, self.model, self.context.choices.settings.get(self.method.id, {}))

    def _show_settings(self) -> None:
        try:
            first, changed = self._settings()
            self.form.show(self.method.choices, first, changed, from_model=self.model is not None)
        except BundleError:  # told beside the model: nothing can be detected with it
            self.form.show((), {}, {}, from_model=True)

    def _show_place(self) -> None:
        self.context.state.around_text = around_text(self.place)

    # How the work goes on

    def on_session(self, change: str) -> None:
        if change == JOB:
            self.show_job()
        elif change in (CURRENT, RESULTS):
            self._show_place()

    def show_job(self) -> None:
        """Show how far the work is, and how it ended."""
        self._show_job()
        say_end(self.context.session, self.message)

    def _show_job(self) -> None:
        state = self.context.state
        button = detect_button(self.context.session, self.why_not)
        state.update(
            {
                "detecting": button.running,
                "detect_button": button.text,
                "detect_ready": button.enabled,
                "detect_tip": without_folders(button.tip),
                "detect_hint": without_folders(button.hint),
                "detect_fraction": round(button.fraction, 3),
            }
        )
        if button.running:
            self.message.plain(button.progress)

    def scene_closed(self) -> None:
        self.message.clear()
        self.context.choices.roi = None

    # What is done

    def why_not(self) -> str:
        """Why nothing can be detected now, in a sentence; empty where it can."""
        return why_not(self.method, self.context.choices.volumes, self.model, self.context.session.busy)

    def choice(self) -> DetectChoice:
        """What would be detected now. Raises UsageError where it cannot, BundleError where the model cannot be read."""
        choices = self.context.choices
        _first, changed = self._settings()
        region = SearchRegion(choices.region, self.box.roi, self.place, choices.around_mm)
        return detect_choice(self.method, choices.volumes, self.model, choices.device, changed, region)

    def _on_detect(self) -> None:
        session = self.context.session
        if session.busy:
            session.cancel()
            return
        self.message.clear()
        with self.context.told():
            try:
                session.detect(self.choice())
            except LesionDetectionError as error:
                self.message.warn(str(error))

    def _on_method(self, method: Any, **_state: Any) -> None:
        if method in self._methods and method != self.context.choices.method:
            self.context.choices.method = method
            self._changed()

    def _on_model(self, model: Any, **_state: Any) -> None:
        entry = self._entries.get(model)
        if entry is not None and model != self._model_shown:
            self.context.choices.models[self.method.id] = entry.path
            self._changed()

    def _on_device(self, device: Any, **_state: Any) -> None:
        there = {one["value"] for one in self.context.state.devices}
        if device in there and device != self.context.choices.device:
            self.context.choices.device = device
            self._changed()

    def _on_region(self, region: Any, **_state: Any) -> None:
        if region in (WHOLE, INSIDE, AROUND) and region != self.context.choices.region:
            self.context.choices.region = region
            self._changed()

    def _on_around(self, around_mm: Any, **_state: Any) -> None:
        if isinstance(around_mm, (int, float)):
            self.context.choices.around_mm = min(max(float(around_mm), LEAST_MM), MOST_MM)
        self.context.state.around_mm = self.context.choices.around_mm

    def _on_settings(self, changed: dict[str, Value]) -> None:
        settings = self.context.choices.settings
        if changed:
            settings[self.method.id] = changed
        else:
            settings.pop(self.method.id, None)
        self._show_settings()

    def _changed(self) -> None:
        with self.context.told():
            self.message.clear()
            self.context.choices_changed()

    # In the background

    def connected(self) -> None:
        """A browser shows the page: from here on the worker is let load what will be needed."""
        self._warming.allow()
        self._warm()

    def _warm(self) -> None:
        entry = self.model
        if not self.context.session.busy and not self.why_not():
            self._warming.want(
                WarmRequest(self.method.id, str(entry.path) if entry else "", self.context.choices.device)
            )

    def _on_devices(self, devices: Sequence[Mapping[str, str]]) -> None:
        with self.context.state:
            self._devices = device_choices(devices)
            self._show_devices()

    def _show_devices(self) -> None:
        """With the chosen one among them: what it was started with may be known to the worker alone, or to nobody."""
        chosen = self.context.choices.device
        known = chosen in (device for device, _title in self._devices)
        self.context.state.devices = _items([*self._devices, *([] if known else [(chosen, chosen)])])
        self.context.state.device = chosen


def _items(choices: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"value": value, "title": title} for value, title in choices]


def _key(entry: ModelEntry, number: int) -> str:
    """Of a model in the page, which is not told where it lies."""
    return f"{number}-{entry.digest[:12] or 'damaged'}"
