"""The row that shows a map of the result, such as a lesion similarity, in colour over its image."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.app.presenting import about_map
from LesionDetectionLib.app.scene_views.foreground import MAP, Layer

from .choices import chosen_in, fill
from .context import Context, told


class MapView:
    def __init__(self, context: Context) -> None:
        self._context = context
        context.ui.mapComboBox.connect("activated(int)", self._on_map)

    def close(self) -> None:
        self._context.ui.mapComboBox.disconnect("activated(int)", self._on_map)
        self._context.foreground.want(MAP, None)

    def show(self) -> None:
        """Offer the maps of the active result, and show one over its image where the person wants it."""
        ui, results, chosen = self._context.ui, self._context.session.results, self._context.parameters
        maps: dict[str, Any] = {} if results is None else results.maps
        image = None if results is None else results.volume_node
        ui.mapRow.setVisible(bool(maps))
        title = fill(ui.mapComboBox, [(title, title) for title in maps], chosen_in(ui.mapComboBox))
        several = len(maps) > 1
        ui.mapComboBox.setVisible(several)
        ui.mapCheckBox.text = about_map(title, several)
        layer = None
        if chosen is not None and chosen.mapShown and title and image is not None:
            layer = Layer(image, maps[title], chosen.mapOpacity, legend=True)
        self._context.foreground.want(MAP, layer)

    def _on_map(self, _index: int) -> None:
        with told():
            self.show()
