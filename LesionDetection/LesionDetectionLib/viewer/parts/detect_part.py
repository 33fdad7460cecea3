"""Section Detect: method, model, device, and the button that starts and cancels."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.session.session import JOB, DetectChoice
from LesionDetectionLib.app.worker.requests import DetectRequest
from LesionDetectionLib.core.detector import method, methods

from ..context import Context
from .part import Part


class DetectPart(Part):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        state = context.state
        state.methods = [{"value": info.id, "title": info.title} for info in methods().values()]
        state.method = context.choices.method
        state.detect_button, state.detect_fraction, state.detect_text, state.detecting = "Detect", 0.0, "", False
        state.change("method")(self._on_method)

    def build(self) -> None:
        v3.VSelect(v_model=("method",), items=("methods",), label="Method", density="compact", hide_details=True)
        v3.VBtn("{{ detect_button }}", click=self._on_detect, color="primary", block=True, id="detect-button")
        v3.VProgressLinear(v_if=("detecting",), model_value=("100 * detect_fraction",))
        html.Div("{{ detect_text }}", classes="section-text", id="detect-text")

    def on_session(self, change: str) -> None:
        if change == JOB:
            self.refresh()

    def refresh(self) -> None:
        state, session = self.context.state, self.context.session
        job = session.job
        detecting = job is not None and not job.finished and isinstance(job.request, DetectRequest)
        state.detecting = detecting
        state.detect_button = "Cancel" if detecting else "Detect"
        state.detect_fraction = job.fraction if job is not None and detecting else 0.0
        state.detect_text = job.text if job is not None and detecting else session.message

    def _on_method(self, method: str, **_others: object) -> None:
        self.context.choices.method = method

    def _on_detect(self) -> None:
        session, choices = self.context.session, self.context.choices
        if session.busy:
            session.cancel()
            return
        with self.context.told():
            info = method(choices.method)
            used = {name: node for name, node in choices.volumes.items() if name in info.modalities}
            session.detect(DetectChoice(used, choices.method, choices.models.get(choices.method), choices.device))
