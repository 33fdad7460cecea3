"""What the views show, and how: layout, window, PET over CT, projections, maps; and what is under the mouse."""

from __future__ import annotations

import contextlib
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.scene_views.foreground import PET, Layer
from LesionDetectionLib.app.session.clicking import Clicking
from LesionDetectionLib.app.session.focus import holder_of
from LesionDetectionLib.app.session.session import CURRENT, FINDINGS, RESULTS
from LesionDetectionLib.app.volumes import pet_most
from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.io.display import modality_name
from LesionDetectionLib.io.mrml import image_from_node

from ..context import Context
from ..marked import marked
from ..views import presets
from ..views.grid import LARGE, LAYOUTS, PET_LAYOUTS, PROJECTIONS
from ..views.map_colors import legend
from ..views.presets import AS_LOADED, Look
from ..views.under_cursor import UnderCursor
from .part import Part
from .tools import FULL, button, select, slider


class DisplayPart(Part):
    """Args:
    clicking: shows the projections that clicks may go through.
    """

    def __init__(self, context: Context, clicking: Clicking) -> None:
        super().__init__(context)
        self._clicking = clicking
        self._under_cursor = UnderCursor()
        self._loaded: dict[str, Look] = {}
        self._full_at: dict[str, float] = {}
        self._shown: tuple[str, ...] = ()
        self._before_projections = (LARGE, FULL // 2)
        state, stage = context.state, context.stage
        state.update({"view_layout": LARGE, "layouts": [], "windows": [], "window_preset": ""})
        state.update({"fusion": FULL // 2, "fusion_possible": False})
        state.update({"projections_shown": False, "projections_possible": False})
        state.update({"pet_colors": "", "pet_span": ["", ""]})
        state.change("view_layout")(self._on_layout)
        state.change("window_preset")(self._on_window)
        state.change("fusion")(self._on_fusion)
        state.space_scan = True
        state.zoom_in = False
        state.change("space_scan")(self._on_space_scan)
        state.change("zoom_in")(self._on_zoom_in)
        stage.described = self.described
        stage.windowed = self._show_window

    def build(self) -> None:
        select("window-presets", "window_preset", "windows", "Window", empty="Window")
        select("layout-select", "view_layout", "layouts", "Layout of the views")
        button("fit-button", "mdi-fit-to-screen-outline", "Show whole slices", self.context.stage.fit)
        button("zoom-button", "mdi-magnify-scan", "Zoom in when going to a finding", "zoom_in = !zoom_in", "zoom_in")
        button(
            "space-button",
            "mdi-cube-scan",
            "The scan around the lesions in 3D",
            "space_scan = !space_scan",
            "space_scan",
        )
        with html.Label(
            classes="tool tool-slider", v_show="fusion_possible", title="How much of the PET lies over the CT"
        ):
            html.Span("CT")
            slider("fusion", "fusion", "PET over CT")
            html.Span("PET")
        with v3.VBtn(
            click=self.toggle_projections,
            id="projections-button",
            v_show="projections_possible",
            title="Maximum intensity projections of the PET, from the front and from the side",
            active=("projections_shown",),
            color=("projections_shown ? 'primary' : undefined",),
            size="small",
            variant="text",
            classes="tool",
            raw_attrs=marked(aria_pressed="projections_shown"),
        ):
            html.Span("MIP")

    def refresh(self) -> None:
        context, state = self.context, self.context.state
        volumes = self._volumes()
        for node in volumes.values():
            seen = Look.of(node)
            if seen is not None:
                self._loaded.setdefault(node.GetID(), seen)
        state.projections_possible = "PT" in volumes
        state.fusion_possible = {"CT", "PT"} <= set(volumes)
        layouts = {**LAYOUTS, **(PET_LAYOUTS if "PT" in volumes else {})}
        state.layouts = [{"value": value, "title": title} for value, title in layouts.items()]
        shown = tuple(node.GetID() for node in volumes.values())
        if shown != self._shown:
            self._under_cursor.forget()
            self._show_volumes(volumes)
            self._shown = shown
        self._clicking.refresh()
        state.projections_shown = context.stage.projections.shown
        self._fuse()
        self._show_window()

    def on_session(self, change: str) -> None:
        if change in (RESULTS, FINDINGS, CURRENT):
            self.context.stage.show_findings(self.context.session.results)

    def scene_closed(self) -> None:
        state = self.context.state
        self._shown = ()
        self._loaded.clear()
        self._full_at.clear()
        self._under_cursor.forget()
        self.context.stage.foreground.want(PET, None)
        self._before_projections = (LARGE, FULL // 2)
        state.fusion, state.projections_shown = FULL // 2, False
        if state.view_layout == PROJECTIONS:
            state.view_layout = LARGE

    def close(self) -> None:
        self._under_cursor.forget()

    # Volumes

    def _volumes(self) -> dict[str, Any]:
        """Volume nodes by modality, those that are still in the scene."""
        chosen = self.context.choices.volumes
        return {name: node for name, node in chosen.items() if node is not None and node.GetScene() is not None}

    def _show_volumes(self, volumes: dict[str, Any]) -> None:
        """Other volumes than before: all of the main one, the PET alone where there is no other."""
        main = volumes.get("CT") or next(iter(volumes.values()), None)
        if main is not None:
            self.context.stage.show(main)
        seen = volumes.get("PT", main)
        if seen is not None:
            with contextlib.suppress(LesionDetectionError):  # what is no grid is seen in slices alone
                self.context.stage.space.show(image_from_node(seen), self._most(seen))

    def _fuse(self) -> None:
        """Lay the PET over the CT as far as the slider says; at its ends, one of them is shown alone."""
        stage, volumes = self.context.stage, self._volumes()
        ct, pet = volumes.get("CT"), volumes.get("PT")
        state = self.context.state
        if ct is None or pet is None:
            stage.foreground.want(PET, None)
            state.pet_colors, state.pet_span = legend(None)
            return
        share = min(max(float(self.context.state.fusion or 0), 0.0), FULL) / FULL
        layer = Layer(ct, pet, share, most=self._most(pet)) if 0 < share < 1 else None
        stage.foreground.want(PET, layer)
        if layer is None and not stage.projections.shown:
            stage.background(pet if share >= 1 else ct)
        stage.keep_projections()
        state.pet_colors, state.pet_span = legend(pet if layer is not None else None)

    def _most(self, pet: Any) -> float:
        """The PET's value in full colour."""
        return max(self._full_at.get(pet.GetID()) or pet_most(pet)[0], 1e-6)

    def _on_fusion(self, **_state: Any) -> None:
        with self.context.told():
            self._fuse()
            self._show_window()

    # Windows

    def _show_window(self) -> None:
        """Offer what suits the images, and say which of it is shown."""
        state, volumes = self.context.state, self._volumes()
        items = []
        for modality in volumes:
            of = f"{modality_name(modality)}: " if len(volumes) > 1 else ""
            items += [
                {"value": f"{modality}:{name}", "title": f"{of}{title}"}
                for name, title in {**presets.presets(modality), AS_LOADED: "As loaded"}.items()
            ]
        state.windows = items
        windowed = self._windowed()
        name = presets.preset_of(*windowed) if windowed is not None else ""
        state.window_preset = f"{windowed[0]}:{name}" if windowed is not None and name else ""

    def _windowed(self) -> tuple[str, Look | None] | None:
        """The image whose window is dragged: its modality, and how it is shown."""
        node = self.context.stage.background_node
        found = next((name for name, volume in self._volumes().items() if volume is node), None)
        return None if found is None else (found, Look.of(node))

    def _on_window(self, window_preset: str, **_others: Any) -> None:
        modality, _colon, name = (window_preset or "").partition(":")
        node = self._volumes().get(modality)
        if node is None or not name:
            return
        with self.context.told():
            wanted = self._loaded.get(node.GetID()) if name == AS_LOADED else presets.look(modality, name)
            now = Look.of(node)
            if wanted is None or now is None or (now.same_window(wanted) and name != AS_LOADED):
                return
            fused = modality == "PT" and self.context.stage.foreground_node is node
            if modality == "PT":
                self._full_at[node.GetID()] = wanted.level + wanted.width / 2
            # Over a CT the PET keeps its hot colours.
            (Look(wanted.width, wanted.level, "") if fused else wanted).put_on(node)
            self._fuse()

    # Layout and projections

    def _on_layout(self, view_layout: str, **_others: Any) -> None:
        with self.context.told():
            self.context.state.view_alone = ""
            shown = self.context.stage.projections.shown
            if view_layout == PROJECTIONS and not shown:
                self._begin_projections()
            elif view_layout != PROJECTIONS and shown and self._before_projections[0] != view_layout:
                self._before_projections = (view_layout, self._before_projections[1])
                self._end_projections()

    def _on_space_scan(self, space_scan: bool, **_others: Any) -> None:
        with self.context.told():
            self.context.stage.space.show_scan(bool(space_scan))

    def _on_zoom_in(self, zoom_in: bool, **_others: Any) -> None:
        self.context.stage.zooms_in = bool(zoom_in)

    def toggle_projections(self) -> None:
        """Show the PET's projections beside the axial slices, or slices again."""
        with self.context.told():
            if self.context.stage.projections.shown:
                self._end_projections()
            else:
                self._begin_projections()

    def _begin_projections(self) -> None:
        state, choices = self.context.state, self.context.choices
        pet = self._volumes().get("PT")
        if pet is None:
            return
        layout = state.view_layout if state.view_layout != PROJECTIONS else LARGE
        self._before_projections = (layout, int(state.fusion or 0))
        choices.measure_on = "PT"
        if state.fusion_possible:
            # Alone, the PET is dark on white, as projections are read.
            state.fusion = FULL
            self._fuse()
        self._clicking.show_projections()
        self.context.stage.keep_projections()
        state.view_layout, state.projections_shown = PROJECTIONS, True
        self.context.choices_changed()

    def _end_projections(self) -> None:
        state = self.context.state
        self._clicking.end_projections()
        state.view_layout, fusion = self._before_projections
        state.projections_shown = False
        if state.fusion_possible:
            state.fusion = fusion
        self._fuse()
        self.context.stage.fit()

    # Under the mouse

    def described(self, point_ras_mm: Point) -> str:
        """What is at a place, in a line."""
        session, state = self.context.session, self.context.state
        volumes = self._volumes()
        if session.results is not None and state.map_chosen in (maps := session.results.maps):
            volumes[state.map_chosen] = maps[state.map_chosen]
        findings = session.findings
        there = holder_of(findings, point_ras_mm) if findings is not None else ""
        if there and findings is not None:
            there = f"{there} {findings.get(there).lesion.meaning.meaning.lower()}"
        return self._under_cursor.text(point_ras_mm, volumes, there)
