"""Section Export: files for people and programs, DICOM, and a case for training."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LesionDetectionLib.app import packages
from LesionDetectionLib.app.export import PDF, REPORT
from LesionDetectionLib.app.export_requests import TrainingCaseRequest
from LesionDetectionLib.app.features_request import FindingFeatures
from LesionDetectionLib.app.presenting import about_export, about_features
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.core.errors import LesionDetectionError, OutputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.io.lesion_table import write_columns, write_csv

from . import ask, dependencies, dicom_database
from .context import Context, told
from .feature_table import show_features
from .message_line import MessageLine

_TRAINING = "LesionTrainingLib"


class ExportPart:
    def __init__(self, context: Context) -> None:
        self._context = context
        ui = context.ui
        self.message = MessageLine(ui.exportMessageRow, ui.exportMessageIcon, ui.exportMessage)
        self.job: Job | None = None
        self._page_alone = False
        self._connections: list[tuple[Any, str, Callable[..., None]]] = [
            (ui.reportButton, "clicked()", self.message.guarded(self._report)),
            (ui.csvButton, "clicked()", self.message.guarded(self._csv)),
            (ui.sceneButton, "clicked()", self.message.guarded(self._scene)),
            (ui.dicomFolderButton, "clicked()", self.message.guarded(self._dicom_folder)),
            (ui.dicomDatabaseButton, "clicked()", self.message.guarded(self._dicom_database)),
            (ui.featuresButton, "clicked()", self.message.guarded(self._features)),
            (ui.trainingCaseButton, "clicked()", self.message.guarded(self._training_case)),
            (ui.exportCancelButton, "clicked()", self._on_cancel),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)
        for button in (ui.featuresButton, ui.trainingCaseButton):
            button.setVisible(importlib.util.find_spec(_TRAINING) is not None)
        self._show_job()

    def close(self) -> None:
        self.message.close()
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    def draw_again(self) -> None:
        self.message.draw_again()

    def scene_closed(self) -> None:
        if self.job is not None:
            self.job.cancel()
        self._context.ui.namePatientCheckBox.setChecked(False)  # that was about the patient of then
        self.message.clear()

    def refresh(self) -> None:
        """What will be exported, and what cannot be."""
        ui, findings = self._context.ui, self._context.session.findings
        ui.exportText.setText(about_export(findings))
        volume = None if findings is None else self._context.session.results.volume_node  # type: ignore[union-attr]
        from_dicom = volume is not None and bool(volume.GetAttribute("DICOM.instanceUIDs"))
        busy = self.job is not None and not self.job.finished
        for button in (ui.reportButton, ui.csvButton, ui.featuresButton, ui.trainingCaseButton):
            button.setEnabled(volume is not None and not busy)
        ui.sceneButton.setEnabled(not busy)
        # DICOM results belong to an examination; where there is none there is nothing to offer.
        for widget in (ui.dicomFolderButton, ui.dicomDatabaseButton, ui.namePatientCheckBox):
            widget.setVisible(from_dicom)
            widget.setEnabled(not busy)

    # What is done

    def _report(self) -> None:
        session = self._context.session
        session.image()  # says where there is nothing to report on, before a folder is asked for
        box = self._context.ui.namePatientCheckBox
        named_by = self._sources() if box.isChecked() and not box.isHidden() else []
        folder = ask.choose_folder(_("Folder for the report"))
        if folder is None or not self._can_report() or (named_by and not dependencies.ensure("dicom")):
            return
        overwrite = self._may_replace(folder, [REPORT, PDF])
        if overwrite is None:
            return

        def done(written: dict[str, str]) -> None:
            text = _("Everything is in {folder}.").format(folder=folder)
            no_pdf = _("There is no PDF: the library {name} is not installed.").format(name="reportlab")
            self.message.note(text if PDF in written else f"{text} {no_pdf}")
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(written[REPORT]))

        entry = self._context.model_of(session.findings)  # type: ignore[arg-type]
        model = None if entry is None else entry.path
        self._start(*session.report_request(folder, overwrite, model=model, named_by=named_by), done)

    def _can_report(self) -> bool:
        """Whether the libraries are there, asking for those that are not. Who does not want the optional one gets the page
        alone, and is not asked for it again."""
        if self._page_alone and packages.can_do("report"):
            return True
        if dependencies.ensure("report"):
            return True
        self._page_alone = packages.can_do("report")
        return self._page_alone

    def _csv(self) -> None:
        detections = self._context.session.detections()
        path = ask.choose_new_file(_("Table of findings"), _("Table (*.csv)"), "lesions.csv")
        if path is not None:
            write_csv(detections, path)
            count = len(detections.lesions)
            text = _("1 finding is in {path}.") if count == 1 else _("{count} findings are in {path}.")
            self.message.note(text.format(count=count, path=path))

    def _scene(self) -> None:
        path = ask.choose_new_file(_("Scene with all that is loaded"), _("Scene (*.mrb)"), "lesions.mrb")
        if path is None:
            return
        self._context.session.sync_from_nodes()
        if not slicer.util.saveScene(str(path)):
            raise OutputError(
                _("{path} was not written. Is the disk full, or the folder write-protected?").format(path=path)
            )
        self.message.note(_("The scene is in {path}; load it to go on.").format(path=path))

    def _dicom_folder(self) -> None:
        session, sources = self._context.session, self._sources()
        folder = ask.choose_folder(_("Folder for DICOM segmentation and report"))
        if folder is None or not dependencies.ensure("dicom"):
            return
        overwrite = self._may_replace(folder, ["lesions.seg.dcm", "lesions.sr.dcm"])
        if overwrite is not None:
            self._start(
                *session.dicom_request(folder, sources, overwrite),
                lambda _written: self.message.note(_("DICOM files are in {folder}.").format(folder=folder)),
            )

    def _dicom_database(self) -> None:
        session, sources = self._context.session, self._sources()
        if not dependencies.ensure("dicom"):
            return
        folder = Path(tempfile.mkdtemp(prefix="lesion-dicom-"))

        def done(_written: list[str]) -> None:
            dicom_database.put_into_database(folder)
            self.message.note(_("Segmentation and report are in the DICOM database, beside the scan."))

        request, images = session.dicom_request(folder, sources, overwrite=True)
        self._start(request, images, done, lambda: shutil.rmtree(folder, ignore_errors=True))

    def _sources(self) -> list[Path]:
        """Files of the series that the result is of; says where there is no result, or no series."""
        session = self._context.session
        session.image()
        return dicom_database.source_files(session.results.volume_node)  # type: ignore[union-attr]

    def _features(self) -> None:
        session = self._context.session
        session.features_request()  # says where there is nothing to measure, before a file is asked for
        path = ask.choose_new_file(_("Table of features"), _("Table (*.csv)"), "features.csv")
        if path is None or not dependencies.ensure("radiomics"):
            return
        result = session.results

        def done(found: FindingFeatures) -> None:
            write_columns(found.columns, path)
            if result is not None and result.in_scene:
                show_features(result, found.columns)
            self.message.note(about_features(found, path))

        self._start(*session.features_request(), done)

    def _training_case(self) -> None:
        session = self._context.session
        session.training_case_request(Path())  # says where nothing was decided, before a folder is asked for
        folder = ask.choose_folder(_("Folder of training cases"))
        if folder is not None:
            self._write_case(*session.training_case_request(folder))

    def _write_case(self, request: TrainingCaseRequest, images: dict[str, Image]) -> None:
        def done(written: str) -> None:
            self.message.note(_("The case is in {path}; Lesion Training reads the folder.").format(path=written))

        def failed(job: Job) -> None:
            # The command line's option is in the sentence where the case is there already.
            if not (isinstance(job.error, OutputError) and "--overwrite" in str(job.error)):
                self.message.warn(str(job.error), job.details)
                return
            text = _("This scan is a case of {folder} already. Replace it?")
            if ask.confirm(text.format(folder=request.folder)):
                self._write_case(replace(request, overwrite=True), images)

        self._start(request, images, done, failed=failed)

    def _may_replace(self, folder: Path, names: list[str]) -> bool | None:
        """Whether earlier files are replaced: False where there are none, None where the person does not want it."""
        if not any((folder / name).exists() for name in names):
            return False
        text = _("{folder} holds earlier results. Replace them?").format(folder=folder)
        return True if ask.confirm(text) else None

    # Work that takes long

    def _start(
        self,
        request: Any,
        images: dict[str, Image],
        done: Callable[[Any], None],
        always: Callable[[], None] = lambda: None,
        failed: Callable[[Job], None] | None = None,
    ) -> None:
        def on_change(job: Job) -> None:
            self.job = job
            if job.state == "done":
                with told(self.message.warn):
                    done(job.result)
            elif job.state == "failed" and failed is not None:
                failed(job)
            elif job.state == "failed":
                self.message.warn(str(job.error or LesionDetectionError()), job.details)
            elif job.state == "cancelled":
                self.message.note(_("Cancelled. Nothing was written."))
            if job.finished:
                always()
            self._show_job()

        self.job = self._context.engine.submit(request, images, on_change)
        self._show_job()

    def _show_job(self) -> None:
        ui, job = self._context.ui, self.job
        busy = job is not None and not job.finished
        ui.exportProgressRow.setVisible(busy)
        if job is not None and busy:
            ui.exportProgressBar.setValue(round(1000 * job.fraction))
            ui.exportProgressBar.setFormat(job.text or _("Waiting for the worker"))
        self.refresh()

    def _on_cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()
