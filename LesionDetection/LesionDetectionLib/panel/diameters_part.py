"""In the section Click to measure: a lesion outlined from its two diameters, drawn as line markups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from LesionDetectionLib.app.recist_request import RecistRequest
from LesionDetectionLib.app.session.diameters import drawn_lines
from LesionDetectionLib.app.worker.engine import Job

from . import dependencies
from .choices import chosen_in, fill
from .context import Context, quietly, told
from .line_mode import LineMode
from .message_line import MessageLine


class DiametersPart:
    """Args:
    volume: gives the volume in which clicks measure; None where none is chosen.
    """

    def __init__(self, context: Context, volume: Callable[[], Any | None]) -> None:
        self._context, self._volume = context, volume
        self._known: tuple[str, ...] = ()
        self._mode = LineMode(context.scene, self._on_mode_ended, self._hint)
        ui, scene = context.ui, context.scene
        self.message = MessageLine(ui.diametersTextRow, ui.diametersTextIcon, ui.diametersText)
        self._connections: list[tuple[Any, str, Callable[..., None]]] = [
            (ui.drawDiametersButton, "toggled(bool)", self._on_draw),
            (ui.outlineButton, "clicked()", self._on_outline),
            (ui.wayComboBox, "activated(int)", self._on_way),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)
        self._settle = qt.QTimer()  # a result brings many nodes at once
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)
        self._settle.connect("timeout()", self._show_lines)
        self._observed = [
            scene.AddObserver(event, self._on_nodes) for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent)
        ]
        self._show_lines()
        self._show_job()

    def close(self) -> None:
        for tag in self._observed:
            self._context.scene.RemoveObserver(tag)
        self._mode.close()
        self.message.close()
        self._settle.stop()
        self._settle.disconnect("timeout()", self._show_lines)
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    def draw_again(self) -> None:
        self.message.draw_again()

    def leave(self) -> None:
        """The person goes elsewhere: clicks are theirs again."""
        self._mode.end()

    def scene_closed(self) -> None:
        self.leave()
        self.message.clear()
        self._known = ()

    def refresh(self) -> None:
        fill(self._context.ui.wayComboBox, _ways(), self._context.parameters.outlineWay)
        self._show_lines()
        self._show_job()
        if self._volume() is None:
            self._mode.end()

    @property
    def lines(self) -> tuple[Any, ...]:
        """The chosen lines: two, or what there is."""
        ui, scene = self._context.ui, self._context.scene
        chosen = [chosen_in(box) for box in (ui.firstLineComboBox, ui.secondLineComboBox)]
        nodes = (scene.GetNodeByID(one) for one in chosen if one)
        return tuple(node for node in nodes if node is not None)

    @property
    def _outlining(self) -> Job | None:
        """The work under way, where it is of this part."""
        job = self._context.session.job
        return job if job is not None and not job.finished and isinstance(job.request, RecistRequest) else None

    def show_job(self) -> None:
        self._show_job()
        session = self._context.session
        job = session.job
        if job is None or not isinstance(job.request, RecistRequest):
            return
        if not job.finished:
            self.message.plain(job.text or _("Outlining"))
        elif job.state == "failed":
            self.message.warn(session.message, job.details)
        elif job.state == "cancelled":
            self.message.note(_("Cancelled. Nothing was added to the scene."))
        else:
            self.message.note(session.message)

    # What is shown

    def _show_lines(self) -> None:
        """Offer the lines of the scene; when there are new ones, the last two are chosen."""
        ui = self._context.ui
        boxes = (ui.firstLineComboBox, ui.secondLineComboBox)
        lines = drawn_lines(self._context.scene)
        items = [(str(line.GetID()), str(line.GetName())) for line in lines]
        ids = tuple(item[0] for item in items)
        new = bool(set(ids) - set(self._known))
        self._known = ids
        chosen = [one for one in map(chosen_in, boxes) if one in ids]
        if new or len(chosen) < min(len(ids), 2):
            chosen = list(ids[-2:])
        for box, one in zip(boxes, [*chosen, "", ""], strict=False):
            fill(box, items if len(items) > 1 or box is boxes[0] else [], one)
        ui.diametersLinesRow.setVisible(bool(items))

    def _show_job(self) -> None:
        ui, outlining = self._context.ui, self._outlining
        volume = self._context.parameters is not None and self._volume() is not None
        ui.outlineButton.text = _("Cancel") if outlining else _("Mask from diameters")
        ui.outlineButton.setEnabled(outlining.state != "cancelling" if outlining else volume)
        ui.drawDiametersButton.setEnabled(volume and not outlining)
        draw = outline = _("Choose a CT or PET first.")
        if volume:
            draw = _(
                "Then click the four ends in one axial slice: of the longest diameter, then of the one across it. Escape ends it."
            )
            outline = _("Outline the lesion that has the two chosen lines for diameters, and measure it.")
        ui.drawDiametersButton.toolTip = draw
        ui.outlineButton.toolTip = _("Stop; nothing is added.") if outlining else outline

    def _hint(self) -> None:
        if not self._mode.active:
            return
        if self._mode.drawn == 0:
            self.message.plain(_("Click both ends of the longest diameter, in an axial slice."))
        else:
            self.message.plain(_("Now both ends of the longest diameter across it, in the same slice."))

    # What is done

    def _on_nodes(self, _scene: Any, _event: str) -> None:
        self._settle.start()

    def _on_draw(self, on: bool) -> None:
        with told(self.message.warn):
            if on:
                self._mode.start()
                self._hint()
            else:
                self._mode.end()

    def _on_mode_ended(self) -> None:
        with quietly(self._context.ui.drawDiametersButton):
            self._context.ui.drawDiametersButton.setChecked(False)
        if self._mode.drawn == 2:
            self.message.plain(_("Drag their ends where they are not right, then press Mask from diameters."))
        else:
            self.message.clear()

    def _on_outline(self) -> None:
        session = self._context.session
        if self._outlining is not None:
            session.cancel()
            return
        self._mode.end()
        self.message.clear()
        with told(self.message.warn):
            if dependencies.ensure("measure"):
                chosen = self._context.parameters
                session.outline(self._volume(), self.lines, chosen.outlineWay, chosen.outlineCarried)

    def _on_way(self, _index: int) -> None:
        self._context.parameters.outlineWay = chosen_in(self._context.ui.wayComboBox)


def _ways() -> Sequence[tuple[str, str]]:
    """The ways of :mod:`LesionDetectionLib.imaging.recist_mask`, which brings OpenCV, with their titles."""
    return (
        ("best", _("Best for this lesion")),
        ("grabcut", _("GrabCut, along the image's edges")),
        ("ellipse", _("Ellipse, of the diameters alone")),
    )
