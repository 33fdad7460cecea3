"""What a click in the views does: go there, measure; undo and redo."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from trame.widgets import html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.session.clicking import Clicking, measure_on_ways, pet_ways, redo_tip, undo_tip
from LesionDetectionLib.app.session.focus import holder_of
from LesionDetectionLib.app.session.session import CURRENT, FINDINGS, JOB, RESULTS
from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.lesion import Point

from ..context import Context
from ..marked import marked
from ..message_line import MessageLine
from ..views.slice_area import SliceArea
from .part import Part

_BESIDE_MM = 2.0
"""A click in 3D is meant for a lesion that the line of sight passes at this distance from its ball."""


class ClickPart(Part):
    """Attributes:
    clicking: what clicks mean, as in every user interface.
    begins: called when clicks are to be measured: nothing else is done with them.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        stage, state = context.stage, context.state
        self.message = MessageLine(state, "click")
        self.clicking = Clicking(context.session, _Chosen(context), stage.projections, stage.foreground, self.message)
        self.begins: Callable[[], None] = lambda: None
        state.update({"measuring": False, "undo_tip": "", "redo_tip": "", "can_undo": False, "can_redo": False})
        state.update({"pet_click": context.choices.pet_click, "measure_on": context.choices.measure_on})
        state.update({"pet_ways": _items(pet_ways()), "measure_on_ways": _items(measure_on_ways())})
        state.update({"click_possible": False, "click_tip": "", "click_on_pet": False, "click_in_two": False})
        state.change("pet_click")(self._on_pet_click)
        state.change("measure_on")(self._on_measure_on)
        stage.clicked = self._on_click
        stage.space.clicked = self._on_click_in_space

    def build(self) -> None:
        with v3.VBtn(
            click=self.toggle,
            id="click-button",
            title=("click_tip",),
            disabled=("!click_possible",),
            active=("measuring",),
            color=("measuring ? 'primary' : undefined",),
            size="small",
            variant="text",
            classes="tool",
            raw_attrs=marked(aria_pressed="measuring"),
        ):
            v3.VIcon("mdi-crosshairs-gps", start=True)
            html.Span("Click to measure", classes="tool-text")

    def build_more(self) -> None:
        """Undo, redo, and what a click does where there is a choice."""
        for name, icon in (("undo", "mdi-undo"), ("redo", "mdi-redo")):
            v3.VBtn(
                icon=icon,
                click=getattr(self, name),
                id=f"{name}-button",
                title=(f"{name}_tip",),
                disabled=(f"!can_{name}",),
                size="small",
                variant="text",
                density="comfortable",
                classes="tool",
                raw_attrs=marked(label=name.capitalize()),
            )
        with html.Select(
            id="measure-on",
            v_model=("measure_on",),
            v_show="measuring && click_in_two",
            title="What a click measures in",
        ):
            html.Option("{{ one.title }}", v_for="one in measure_on_ways", key="one.value", v_bind_value=("one.value",))
        with html.Select(
            id="pet-click",
            v_model=("pet_click",),
            v_show="measuring && click_on_pet",
            title="What a click in the PET does",
        ):
            html.Option("{{ one.title }}", v_for="one in pet_ways", key="one.value", v_bind_value=("one.value",))

    def refresh(self) -> None:
        context, clicking, state = self.context, self.clicking, self.context.state
        if not context.choices.volumes and clicking.active:
            self.end()
        state.click_possible = bool(context.choices.volumes)
        state.click_tip = f"{clicking.tip} (C)"
        state.click_in_two = len(context.choices.volumes) > 1
        state.click_on_pet = clicking.on_pet
        state.pet_click, state.measure_on = context.choices.pet_click, context.choices.measure_on
        self._show_undo()

    def on_session(self, change: str) -> None:
        if change == JOB:
            self.clicking.show_job()
            self.context.place = self.clicking.place or self.context.place
        elif change in (FINDINGS, RESULTS, CURRENT):
            self._show_undo()

    def key(self, name: str) -> bool:
        if name == "C" and self.context.choices.volumes:
            self.toggle()
            return True
        if name == "Escape" and self.clicking.active:
            self.end()
            return True
        return False

    def scene_closed(self) -> None:
        self.end()
        self.clicking.end_projections()
        self.clicking.forget()

    def close(self) -> None:
        self.context.stage.clicked = None

    def toggle(self) -> None:
        """Clicks measure from here on, or no longer."""
        if self.clicking.active:
            self.end()
        else:
            self.begins()
            self.clicking.begin()
            self._show_mode()

    def end(self) -> None:
        """Clicks go to places again."""
        self.clicking.end()
        self._show_mode()

    def undo(self) -> None:
        with self._told():
            self.context.session.undo()

    def redo(self) -> None:
        with self._told():
            self.context.session.redo()

    # Clicks

    def _on_click(self, area: SliceArea, point_ras_mm: Point) -> None:
        context, clicking = self.context, self.clicking
        with self._told():
            if clicking.active:
                clicking.clicked(point_ras_mm, area.node)
                context.place = clicking.place
                return
            context.stage.point_at(point_ras_mm, besides=area)
            context.place = point_ras_mm
            findings = context.session.findings
            there = holder_of(findings, point_ras_mm) if findings is not None else ""
            if there:
                context.session.select(there)

    def _on_click_in_space(self, eye: Point, beyond: Point) -> None:
        """Choose the lesion that is seen there, and go to it."""
        session = self.context.session
        if session.findings is None:
            return
        with self._told():
            balls = [
                (item.id, item.lesion.center_ras_mm, item.lesion.diameter_mm / 2) for item in session.findings.drawn
            ]
            there = first_hit(eye, beyond, balls)
            if there:
                session.select(there)
                assert session.results is not None
                self.context.go_to(session.findings.get(there).lesion.center_ras_mm, session.results.volume_node)

    # What the page shows

    def _show_mode(self) -> None:
        self.context.state.measuring = self.clicking.active
        self.context.stage.show_crosshair(not self.clicking.active)

    def _show_undo(self) -> None:
        state, session = self.context.state, self.context.session
        state.can_undo, state.can_redo = bool(session.undo_text), bool(session.redo_text)
        state.undo_tip, state.redo_tip = undo_tip(session.undo_text), redo_tip(session.redo_text)

    def _on_pet_click(self, pet_click: str, **_others: Any) -> None:
        if pet_click in (value for value, _title in pet_ways()) and pet_click != self.context.choices.pet_click:
            self.context.choices.pet_click = pet_click
            self.clicking.hint()

    def _on_measure_on(self, measure_on: str, **_others: Any) -> None:
        if measure_on in ("CT", "PT") and measure_on != self.context.choices.measure_on:
            self.context.choices.measure_on = measure_on
            self.clicking.refresh()
            self.clicking.hint()
            self.context.choices_changed()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What a person can cause is said in the line below the views; anything else where all of it is."""
        with self.context.told():
            try:
                yield
            except LesionDetectionError as error:
                self.message.warn(str(error))


class _Chosen:
    """What the person chose, as it is at any time."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def volumes(self) -> Mapping[str, Any]:
        return self._context.choices.volumes

    @property
    def measure_on(self) -> str:
        return self._context.choices.measure_on

    @property
    def pet_click(self) -> str:
        return self._context.choices.pet_click

    @pet_click.setter
    def pet_click(self, way: str) -> None:
        self._context.choices.pet_click = way


def first_hit(eye: Point, beyond: Point, balls: list[tuple[str, Point, float]]) -> str:
    """Name of the first ball that the line from ``eye`` through ``beyond`` meets; empty for none.

    Args:
        balls: name, centre (RAS mm) and radius (mm) of each.
    """
    start = np.asarray(eye)
    along = np.asarray(beyond) - start
    along = along / max(float(np.linalg.norm(along)), 1e-12)
    met = []
    for name, center, radius in balls:
        to_center = np.asarray(center) - start
        depth = float(to_center @ along)
        if depth > 0 and np.linalg.norm(to_center - depth * along) <= radius + _BESIDE_MM:
            met.append((depth - radius, name))
    return min(met)[1] if met else ""


def _items(choices: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"value": value, "title": title} for value, title in choices]
