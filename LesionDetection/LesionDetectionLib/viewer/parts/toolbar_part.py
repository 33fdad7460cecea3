"""The tools of the views, in the bar."""

from __future__ import annotations

from trame.widgets import vuetify3 as v3

from ..context import Context
from .click_part import ClickPart
from .diameters_part import DiametersPart
from .display_part import DisplayPart
from .map_part import MapPart
from .part import Part


class ToolbarPart(Part):
    """Attributes:
    click: what a click does.
    diameters: two that are drawn.
    display: what is shown, and how.
        map: what of the result lies over its image.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.click = ClickPart(context)
        self.diameters = DiametersPart(context, self.click.clicking, self.click.message, self.click.end)
        self.click.begins = self.diameters.end
        self.display = DisplayPart(context, self.click.clicking)
        self.map = MapPart(context)
        self._parts: tuple[Part, ...] = (self.click, self.diameters, self.display, self.map)

    def build(self) -> None:
        self.click.build()
        self.diameters.build()
        self.click.build_more()
        v3.VDivider(vertical=True, classes="tool-divider")
        self.display.build()
        self.map.build()

    def refresh(self) -> None:
        for part in self._parts:
            part.refresh()

    def on_session(self, change: str) -> None:
        for part in self._parts:
            part.on_session(change)

    def key(self, name: str) -> bool:
        return any(part.key(name) for part in self._parts)

    def scene_closed(self) -> None:
        for part in self._parts:
            part.scene_closed()

    def close(self) -> None:
        for part in self._parts:
            part.close()
