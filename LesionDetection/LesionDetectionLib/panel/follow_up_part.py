"""Section Follow-up: two results of one patient, their lesions paired, and the change by RECIST 1.1."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from LesionDetectionLib.app.alignment_request import BASELINE, FOLLOW_UP, AlignRequest
from LesionDetectionLib.app.follow_up import COMPARISON, compare, write_follow_up
from LesionDetectionLib.app.scene_views.going import show_at
from LesionDetectionLib.app.session.result_set import ResultSet
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.follow_up_rows import Row
from LesionDetectionLib.core.image import Image, understood_as
from LesionDetectionLib.core.response import TITLES, Response
from LesionDetectionLib.imaging.alignment import Alignment
from LesionDetectionLib.io.mrml import image_from_node
from LesionDetectionLib.io.mrml_follow_up import add_follow_up, show_follow_up

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
        self.job: Job | None = None
        self.comparison: FollowUp | None = None
        self._alignment = Alignment.none()
        self._compared: tuple[ResultSet, ResultSet] | None = None
        self._node: Any = None
        self._results: dict[str, ResultSet] = {}
        self.message = MessageLine(ui.followUpMessageRow, ui.followUpMessageIcon, ui.followUpMessage)
        self.table = FollowUpTable(ui.followUpTable, self._enable, self._go_to)
        ui.followUpHint.setText(
            _("Needs two results of one patient: load both examinations, and detect or measure in each.")
        )
        ways = [(_FOUND, _("Automatically")), (_NONE, _("Not: positions are the same")), (_GIVEN, _("By a transform"))]
        fill(ui.alignComboBox, ways, _FOUND)
        self._connections: list[tuple[Any, str, Callable[..., None]]] = [
            (ui.alignComboBox, "activated(int)", self._on_way),
            (ui.compareButton, "clicked()", self.message.guarded(self._compare)),
            (ui.followUpCancelButton, "clicked()", self._on_cancel),
            (ui.linkButton, "clicked()", self.message.guarded(self._link)),
            (ui.unlinkButton, "clicked()", self.message.guarded(self._unlink)),
            (ui.targetButton, "clicked()", self.message.guarded(self._targets)),
            (ui.goneButton, "clicked()", self.message.guarded(self._gone)),
            (ui.saveFollowUpButton, "clicked()", self.message.guarded(self._save)),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)
        self._show()

    def close(self) -> None:
        self.message.close()
        self.table.close()
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    def draw_again(self) -> None:
        self.message.draw_again()
        self.table.show(self.comparison)

    def scene_closed(self) -> None:
        if self.job is not None:
            self.job.cancel()
        self.comparison = self._compared = self._node = None
        self._results = {}
        self.message.clear()
        self._show()

    # What is shown

    def refresh(self) -> None:
        """The results that there are, and the comparison with findings as they are now."""
        ui = self._context.ui
        results = self._context.session.results_in_scene()
        self._results = {result.nodes.text.GetID(): result for result in results}
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
        if self._compared is None or self.comparison is None:
            return
        if not all(result.in_scene for result in self._compared):
            self.comparison = self._compared = None
            self._show()
            return
        before, now = (result.findings for result in self._compared)
        if before is not self.comparison.baseline or now is not self.comparison.follow_up:
            self._change(self.comparison.updated(before, now))

    def _show(self) -> None:
        ui, comparison = self._context.ui, self.comparison
        busy = self.job is not None and not self.job.finished
        ui.followUpProgressRow.setVisible(busy)
        if self.job is not None and busy:
            ui.followUpProgressBar.setValue(round(1000 * self.job.fraction))
            ui.followUpProgressBar.setFormat(self.job.text or _("Waiting for the worker"))
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
        ui.linkButton.setEnabled(len(rows) == 2 and _only_earlier(rows) and _only_later(rows))
        ui.unlinkButton.setEnabled(any(row.baseline_id and row.follow_up_id for row in rows))
        ui.targetButton.setEnabled(any(row.baseline_id for row in rows))
        ui.goneButton.setEnabled(any(row.baseline_id and not row.follow_up_id for row in rows))

    # What is done

    def _compare(self) -> None:
        ui = self._context.ui
        earlier = self._results.get(chosen_in(ui.earlierComboBox))
        later = self._results.get(chosen_in(ui.laterComboBox))
        if earlier is None or later is None or earlier is later:
            raise UsageError(_("Choose two results: one of the earlier and one of the later examination."))
        way = chosen_in(ui.alignComboBox)
        if way == _NONE:
            self._compared_with(earlier, later, Alignment.none())
        elif way == _GIVEN:
            self._compared_with(earlier, later, _given(ui.transformSelector.currentNode()))
        elif dependencies.ensure("follow-up"):
            self._align(earlier, later)

    def _align(self, earlier: ResultSet, later: ResultSet) -> None:
        images = {BASELINE: _image(earlier), FOLLOW_UP: _image(later)}

        def on_change(job: Job) -> None:
            self.job = job
            if job.state == "failed":
                self.message.warn(str(job.error), job.details)
            elif job.state == "cancelled":
                self.message.note(_("Cancelled."))
            elif job.state == "done" and earlier.in_scene and later.in_scene:
                with told(self.message.warn):
                    self._compared_with(earlier, later, job.result)
            self._show()

        self.job = self._context.engine.submit(AlignRequest(), images, on_change)
        self._show()

    def _compared_with(self, earlier: ResultSet, later: ResultSet, alignment: Alignment) -> None:
        comparison = compare(earlier.findings, later.findings, alignment)
        self._compared, self._alignment = (earlier, later), alignment
        name = _("Follow-up {title}").format(title=later.title)
        self._node = add_follow_up(self._context.scene, comparison, name, later.volume_node)
        self.comparison = comparison
        self._show()

    def _change(self, comparison: FollowUp) -> None:
        self.comparison = comparison
        if self._node is not None and self._node.GetScene() is not None:
            show_follow_up(self._node, comparison)
        self._show()

    def _required(self) -> FollowUp:
        if self.comparison is None:
            raise UsageError(_("There is no comparison yet. Press Compare."))
        return self.comparison

    def _link(self) -> None:
        rows = self.table.chosen
        earlier = next(row.baseline_id for row in rows if row.baseline_id)
        later = next(row.follow_up_id for row in rows if row.follow_up_id)
        self._change(self._required().linking(earlier, later))

    def _unlink(self) -> None:
        comparison = self._required()
        for row in self.table.chosen:
            if row.baseline_id and row.follow_up_id:
                comparison = comparison.unlinking(row.baseline_id)
        self._change(comparison)

    def _targets(self) -> None:
        comparison = self._required()
        toggled = {row.baseline_id for row in self.table.chosen if row.baseline_id}
        self._change(comparison.with_targets(sorted(set(comparison.targets) ^ toggled, key=lambda name: int(name[1:]))))

    def _gone(self) -> None:
        comparison = self._required()
        toggled = {row.baseline_id for row in self.table.chosen if row.baseline_id and not row.follow_up_id}
        self._change(comparison.confirming_gone(comparison.confirmed_gone ^ toggled))

    def _save(self) -> None:
        folder = ask.choose_folder(_("Folder for the comparison"))
        if folder is None:
            return
        overwrite = (folder / COMPARISON).exists()
        if overwrite and not ask.confirm(_("{folder} holds an earlier comparison. Replace it?").format(folder=folder)):
            return
        write_follow_up(folder, self._required(), self._alignment, overwrite)
        self.message.note(_("The comparison is in {folder}.").format(folder=folder))

    def _go_to(self, row: Row) -> None:
        if self._compared is None:
            return
        later = row.follow_up_ras_mm is not None
        place = row.follow_up_ras_mm if later else row.baseline_ras_mm
        if place is not None:
            with told():
                show_at(self._context.views, place, self._compared[later].volume_node)

    def _on_way(self, _index: int) -> None:
        self._show()

    def _on_cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()


def _category(response: Response) -> str:
    title = TITLES[response.category]
    return f"<big><b>{response.category}</b> — {html.escape(_(title))}</big>"


def _only_earlier(rows: tuple[Row, ...]) -> bool:
    return any(row.baseline_id and not row.follow_up_id for row in rows)


def _only_later(rows: tuple[Row, ...]) -> bool:
    return any(row.follow_up_id and not row.baseline_id for row in rows)


def _image(result: ResultSet) -> Image:
    if result.volume_node is None:
        raise InputError(
            _("The volume of “{title}” is no longer in the scene. Load it again.").format(title=result.title)
        )
    return understood_as(image_from_node(result.volume_node))


def _given(transform: Any) -> Alignment:
    """The alignment of a transform node. Raises UsageError where there is none, or where it is not rigid."""
    if transform is None:
        raise UsageError(_("Choose the transform that brings the earlier scan onto the later one."))
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return Alignment.given(slicer.util.arrayFromVTKMatrix(matrix))
