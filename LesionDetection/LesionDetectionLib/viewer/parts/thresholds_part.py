"""What shows fewer or more findings: by false marks per scan, by score, or by the controls of the result."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.finding_texts import about_controls, about_threshold
from LesionDetectionLib.app.operating_scale import (
    BY_CONTROLS,
    BY_NOTHING,
    BY_SCORE,
    STEPS,
    WAIT_S,
    Scale,
    end_labels,
    moved_by,
    moved_values,
)
from LesionDetectionLib.core.detections import Control
from LesionDetectionLib.core.detector import Score
from LesionDetectionLib.core.finding import Findings

from ..context import Context
from ..later import Settling
from ..marked import marked
from .part import Part

_TIP = "Show fewer findings, or more: they appear and vanish at once, as all were found already. What you decided on stays."


class ThresholdsPart(Part):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._scale: Scale | None = None
        self._settling = Settling(self._settled, WAIT_S)
        self._controls_settling = Settling(self._controls_settled, WAIT_S)
        self.scene_closed()
        context.state.change("operating_position")(self._on_position)
        context.state.change("control_values")(self._on_values)

    def close(self) -> None:
        self._settling.stop()
        self._controls_settling.stop()

    def scene_closed(self) -> None:
        self.close()
        self._scale = None
        self.context.state.update(
            {
                "threshold_by": BY_NOTHING,
                "operating_position": 0,
                "operating_text": "",
                "controls": [],
                "control_values": [],
                "controls_moved": False,
            }
        )

    def build(self) -> None:
        fewer, more = end_labels()
        with html.Div(classes="operating", v_if=(f"threshold_by === '{BY_SCORE}'",)):
            html.Span(fewer, raw_attrs=['aria-hidden="true"'])
            html.Input(
                type="range",
                id="operating-slider",
                min="0",
                max=str(STEPS),
                step="1",
                title=_TIP,
                v_model_number=("operating_position",),
                raw_attrs=marked(label="Fewer or more findings", aria_valuetext="operating_text"),
            )
            html.Span(more, raw_attrs=['aria-hidden="true"'])
        with (
            html.Div(classes="controls", v_if=(f"threshold_by === '{BY_CONTROLS}'",)),
            html.Div(classes="control", v_for="(control, n) in controls", key="control.name", title=_TIP),
        ):
            html.Label("{{ control.title }}", raw_attrs=[":for=\"'control-' + control.name\""])
            html.Input(
                type="range",
                input="control_values = Object.assign([...control_values], { [n]: $event.target.valueAsNumber })",
                raw_attrs=[
                    ":id=\"'control-' + control.name\"",
                    ':min="control.lowest"',
                    ':max="control.highest"',
                    ':step="control.step"',
                    ':value="control_values[n]"',
                ],
            )
            html.Output("{{ (control_values[n] ?? 0).toFixed(control.decimals) }} {{ control.unit }}")
        with html.Div(classes="operating-words", v_if=("threshold_by",)):
            html.P("{{ operating_text }}", classes="section-text", id="operating-text")
            v3.VBtn(
                "Reset",
                id="controls-reset",
                v_if=(f"threshold_by === '{BY_CONTROLS}'",),
                click=self.reset,
                disabled=("!controls_moved",),
                title="Show what was shown when the result was made.",
                size="x-small",
                variant="text",
            )

    def show(self, findings: Findings | None, score: Score) -> None:
        """By the result's own controls, where it has some; else by its score. Sliders stay where they give what is shown."""
        state, session, by = self.context.state, self.context.session, moved_by(findings)
        if findings is None or by == BY_NOTHING:
            self.scene_closed()
            return
        if by == BY_CONTROLS:
            self._show_controls(findings)
            return
        curve, model = session.curve, self.context.model_of(findings)
        self._scale = Scale(findings, curve)
        state.threshold_by = BY_SCORE
        state.controls, state.control_values = [], []
        if self._scale.threshold_of(_step(state.operating_position)) != findings.threshold:
            state.operating_position = self._scale.step_of(findings.threshold)
        on_phantoms = model is not None and model.on_phantoms
        state.operating_text = about_threshold(findings, curve, on_phantoms, score)

    def _show_controls(self, findings: Findings) -> None:
        state, session = self.context.state, self.context.session
        first = () if session.results is None else session.results.first_control_values
        now = tuple(control.value for control in session.controls)
        self._scale = None
        state.threshold_by, state.controls = BY_CONTROLS, [_sent(control) for control in session.controls]
        state.control_values, state.controls_moved = list(now), now != tuple(first)
        state.operating_text = about_controls(findings)

    def reset(self) -> None:
        """Put the controls where they were when the result was made."""
        session = self.context.session
        with self.context.told():
            self._controls_settling.stop()
            if session.results is not None and session.controls:
                session.set_control_values(session.results.first_control_values)

    # What is done

    def _on_position(self, **_state: Any) -> None:
        if self._scale is not None:
            self._settling.moved()

    def _settled(self) -> None:
        findings, scale = self.context.session.findings, self._scale
        if findings is None or scale is None:
            return
        step = _step(self.context.state.operating_position)
        if step != scale.step_of(findings.threshold):
            with self.context.state, self.context.told():
                self.context.session.set_threshold(scale.threshold_of(step))

    def _on_values(self, **_state: Any) -> None:
        if self.context.state.control_values:
            self._controls_settling.moved()

    def _controls_settled(self) -> None:
        session, values = self.context.session, list(self.context.state.control_values)
        if len(values) == len(session.controls):
            with self.context.state, self.context.told():
                session.set_control_values(moved_values(session.controls, values))


def _step(value: Any) -> int:
    """Of the slider, whatever a browser sent."""
    return min(max(round(value), 0), STEPS) if isinstance(value, (int, float)) else 0


def _sent(control: Control) -> dict[str, Any]:
    """All that a slider is made from: the control without its value."""
    return {
        "name": control.name,
        "title": control.title,
        "lowest": control.lowest,
        "highest": control.highest,
        "step": 10.0**-control.decimals,
        "decimals": control.decimals,
        "unit": control.unit,
    }
