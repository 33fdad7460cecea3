"""Which map of the result lies over its image: a lesion similarity, what a network looked at."""

from __future__ import annotations

from typing import Any

from trame.widgets import html

from LesionDetectionLib.app.scene_views.foreground import MAP, Layer
from LesionDetectionLib.app.session.session import RESULTS

from ..context import Context
from ..views.map_colors import legend
from .part import Part
from .tools import FULL, select, slider

_NO_MAP = ""


class MapPart(Part):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        state = context.state
        state.update({"maps": [], "map_chosen": _NO_MAP, "map_opacity": FULL // 2, "map_title": ""})
        state.update({"map_colors": "", "map_span": ["", ""]})
        state.change("map_chosen", "map_opacity")(self._on_map)

    def build(self) -> None:
        with html.Span(v_show="maps.length > 1", classes="tool tool-map"):
            select("map-select", "map_chosen", "maps", "Map over the image")
            with html.Label(classes="tool-slider", v_show="map_chosen", title="How much of the map is seen"):
                slider("map-opacity", "map_opacity", "Map over the image")

    def on_session(self, change: str) -> None:
        if change == RESULTS:
            self.refresh()

    def scene_closed(self) -> None:
        self.context.stage.foreground.want(MAP, None)
        self.context.state.map_chosen = _NO_MAP

    def refresh(self) -> None:
        """Offer the maps of the active result, and lay the chosen one over its image."""
        state, results, stage = self.context.state, self.context.session.results, self.context.stage
        maps: dict[str, Any] = {} if results is None else results.maps
        image = None if results is None else results.volume_node
        none = {"value": _NO_MAP, "title": "No map"}
        state.maps = [none, *({"value": title, "title": title} for title in maps)]
        if state.map_chosen not in maps:
            state.map_chosen = _NO_MAP
        node, layer = maps.get(state.map_chosen), None
        if node is not None and image is not None:
            layer = Layer(image, node, min(max(float(state.map_opacity or 0), 0.0), FULL) / FULL)
        state.map_title = state.map_chosen
        state.map_colors, state.map_span = legend(node if layer is not None else None)
        stage.foreground.want(MAP, layer)
        stage.keep_projections()

    def _on_map(self, **_state: Any) -> None:
        with self.context.told():
            self.refresh()
