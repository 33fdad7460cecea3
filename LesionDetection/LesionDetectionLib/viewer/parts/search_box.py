"""The box that is searched: a region of interest of the scene, drawn in the slices while it is chosen to search in."""

from __future__ import annotations

from typing import Any

import numpy as np
from trame.widgets import html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.region import INSIDE, Box, box_of_roi, new_roi, put_box
from LesionDetectionLib.core.errors import UsageError

from ..context import Context


class SearchBox:
    def __init__(self, context: Context) -> None:
        self._context = context
        context.state.box_text = ""
        context.stage.box_moved = self._on_moved

    def build(self) -> None:
        """Make the widgets."""
        with html.Div(classes="field-text", id="box-row", v_if=(f"region === '{INSIDE}'",)):
            html.Span("{{ box_text }}", id="box-text", classes="box-text")
            for name, title, tip, click in (
                ("box-here", "To the crosshair", "Put the middle of the box where the crosshair is", self.here),
                (
                    "box-reset",
                    "Reset",
                    "Put the box in the middle of the scan, half as long along each side",
                    self.reset,
                ),
            ):
                v3.VBtn(
                    title, id=name, click=click, title=tip, disabled=("!has_images",), size="x-small", variant="tonal"
                )

    @property
    def roi(self) -> Any | None:
        """The region of interest; None where there is none, yet."""
        roi = self._context.choices.roi
        return roi if roi is not None and roi.GetScene() is not None else None

    def refresh(self) -> None:
        """Show the box where it is searched in one; made where there is none."""
        context, roi = self._context, self.roi
        volume = next(iter(context.choices.volumes.values()), None)
        if context.choices.region != INSIDE or volume is None:
            self._show(None)
            return
        if roi is None:
            roi = context.scene.GetFirstNodeByClass("vtkMRMLMarkupsROINode") or new_roi(context.scene, volume)
            context.choices.roi = roi
        try:
            self._show(box_of_roi(roi))
        except UsageError:  # an empty one of somebody's scene
            self.reset()

    def here(self) -> None:
        """Put it where the crosshair is."""
        box, place = self._context.stage.box_ras_mm, self._context.stage.place_ras_mm
        if box is not None and place is not None:
            half = (np.array(box[1]) - box[0]) / 2
            (a, b, c), (d, e, f) = (np.array(place) - half).tolist(), (np.array(place) + half).tolist()
            self._on_moved(((a, b, c), (d, e, f)))

    def reset(self) -> None:
        """Put it in the middle."""
        context, roi = self._context, self.roi
        made = new_roi(context.scene, next(iter(context.choices.volumes.values()), None))
        if roi is None:
            context.choices.roi = made
        else:
            put_box(roi, box_of_roi(made))
            context.scene.RemoveNode(made)
        self.refresh()

    def _on_moved(self, box: Box) -> None:
        if self.roi is not None:
            put_box(self.roi, box)
            self._show(box)

    def _show(self, box: Box | None) -> None:
        self._context.stage.show_box(box)
        if box is not None:
            size = " × ".join(f"{high - low:.0f}" for low, high in zip(*box, strict=True))
            self._context.state.box_text = f"{size} mm. Drag its edges in the slices."
