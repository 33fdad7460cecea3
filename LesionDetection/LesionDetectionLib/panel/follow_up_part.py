"""Section Follow-up: two results of one patient, their lesions paired, and the change by RECIST 1.1."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from LesionDetectionLib.app.follow_up import COMPARISON
from LesionDetectionLib.app.follow_up_texts import category_title, needs_two
from LesionDetectionLib.app.scene_views.going import show_at
from LesionDetectionLib.app.session.comparing import Comparing, may_be_gone, may_be_targets, may_link, may_unlink
from LesionDetectionLib.app.session.result_set import ResultSet
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.follow_up_rows import Row
from LesionDetectionLib.core.response import Response
from LesionDetectionLib.imaging.alignment import Alignment

from . import ask, dependencies
from .choices import chosen_in, fill
from .context import Context, told
from .follow_up_table import FollowUpTable
from .message_line import MessageLine

_FOUND, _NONE, _GIVEN = "found", "none", "given"
"""How the scans are aligned: by the program, not at all, by a transform of the person's."""


class FollowUpPart:
    def __init__(self, context: Context) -> None:
        self._context = context
        ui = context.ui
        self.comparing = Comparing(context.session, context.engine, self._on_changed, self._guarded)
        self._results: dict[str, ResultSet] = {}
        self._told: Job | None = None
        self.message = MessageLine(ui.followUpMessageRow, ui.followUpMessageIcon, ui.followUpMessage)
        self.table = FollowUpTable(ui.followUpTable, self._enable, self._go_to)
        ui.followUpHint.setText(needs_two())
        ways = [(_FOUND, _("Automatically")), (_NONE, _("Not: positions are the same")), (_GIVEN, _("By a transform"))]
        fill(ui.alignComboBox, ways, _FOUND)
        self._connections: list[tuple[Any, str, Callable[..., None]]] = [
            (ui.alignComboBox, "activated(int)", self._on_way),
            (ui.compareButton, "clicked()", self.message.guarded(self._compare)),
            (ui.followUpCancelButton, "clicked()", self.comparing.cancel),
            (ui.linkButton, "clicked()", self.message.guarded(lambda: self.comparing.link(self.table.chosen))),
            (ui.unlinkButton, "clicked()", self.message.guarded(lambda: self.comparing.unlink(self.table.chosen))),
            (
                ui.targetButton,
                "clicked()",
                self.message.guarded(lambda: self.comparing.toggle_targets(self.table.chosen)),
            ),
            (ui.goneButton, "clicked()", self.message.guarded(lambda: self.comparing.toggle_gone(self.table.chosen))),
            (ui.saveFollowUpButton, "clicked()", self.message.guarded(self._save)),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)
        self._show()

    @property
    def comparison(self) -> FollowUp | None:
        """None before the first."""
        return self.comparing.comparison

    def close(self) -> None:
        self.message.close()
        self.table.close()
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    def draw_again(self) -> None:
        self.message.draw_again()
        self.table.show(self.comparison)

    def scene_closed(self) -> None:
        self.comparing.forget()
        self._results = {}
        self.message.clear()
        self._show()

    # What is shown

    def refresh(self) -> None:
        """The results that there are, and the comparison with findings as they are now."""
        ui = self._context.ui
        self._results = self.comparing.results()
        names = [(key, result.title) for key, result in self._results.items()]
        keys = list(self._results)
        earlier, later = chosen_in(ui.earlierComboBox), chosen_in(ui.laterComboBox)
        fill(ui.earlierComboBox, names, earlier if earlier in keys else (keys[0] if keys else ""))
        fill(ui.laterComboBox, names, later if later in keys and later != earlier else (keys[-1] if keys else ""))
        ui.followUpHint.setVisible(len(names) < 2)
        ui.followUpBox.setVisible(len(names) >= 2)
        self.show_findings()

    def show_findings(self) -> None:
        """Bring the comparison up to date with what the person decided since."""
        self.comparing.follow()

    def _show(self) -> None:
        ui, comparison, job = self._context.ui, self.comparison, self.comparing.job
        busy = self.comparing.busy
        ui.followUpProgressRow.setVisible(busy)
        if job is not None and busy:
            ui.followUpProgressBar.setValue(round(1000 * job.fraction))
            ui.followUpProgressBar.setFormat(job.text or _("Waiting for the worker"))
        ui.compareButton.setEnabled(not busy)
        ui.transformSelector.setVisible(chosen_in(ui.alignComboBox) == _GIVEN)
        ui.comparisonBox.setVisible(comparison is not None)
        self.table.show(comparison)
        if comparison is not None:
            ui.categoryText.setText(_category(comparison.response))
            ui.reasonText.setText(comparison.response.reason)
            ui.notesText.setText(" ".join(comparison.notes))
        self._enable()

    def _enable(self) -> None:
        ui, rows = self._context.ui, self.table.chosen
        ui.linkButton.setEnabled(may_link(rows))
        ui.unlinkButton.setEnabled(may_unlink(rows))
        ui.targetButton.setEnabled(may_be_targets(rows))
        ui.goneButton.setEnabled(may_be_gone(rows))

    # What is done

    def _compare(self) -> None:
        ui = self._context.ui
        earlier = self._results.get(chosen_in(ui.earlierComboBox))
        later = self._results.get(chosen_in(ui.laterComboBox))
        way = chosen_in(ui.alignComboBox)
        if way == _NONE:
            self.comparing.compare(earlier, later, Alignment.none())
        elif way == _GIVEN:
            self.comparing.compare(earlier, later, _given(ui.transformSelector.currentNode()))
        elif dependencies.ensure("follow-up"):
            self._told = None
            self.comparing.compare(earlier, later)

    def _guarded(self, action: Callable[[], None]) -> None:
        with told(self.message.warn):
            action()

    def _on_changed(self) -> None:
        job = self.comparing.job
        if job is not None and job.finished and job is not self._told:
            self._told = job
            if job.state == "failed":
                self.message.warn(str(job.error), job.details)
            elif job.state == "cancelled":
                self.message.note(_("Cancelled."))
        self._show()

    def _save(self) -> None:
        folder = ask.choose_folder(_("Folder for the comparison"))
        if folder is None:
            return
        overwrite = (folder / COMPARISON).exists()
        if overwrite and not ask.confirm(_("{folder} holds an earlier comparison. Replace it?").format(folder=folder)):
            return
        self.comparing.write(folder, overwrite)
        self.message.note(_("The comparison is in {folder}.").format(folder=folder))

    def _go_to(self, row: Row) -> None:
        there = self.comparing.place_of(row)
        if there is not None:
            point, result = there
            with told():
                show_at(self._context.views, point, result.volume_node)

    def _on_way(self, _index: int) -> None:
        self._show()


def _category(response: Response) -> str:
    return f"<big><b>{response.category}</b> — {html.escape(category_title(response))}</big>"


def _given(transform: Any) -> Alignment:
    """The alignment of a transform node. Raises UsageError where there is none, or where it is not rigid."""
    if transform is None:
        raise UsageError(_("Choose the transform that brings the earlier scan onto the later one."))
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return Alignment.given(slicer.util.arrayFromVTKMatrix(matrix))
