"""Section Download: the result as files for people and programs.

Elements: ``download-scene``, ``download-seg``, ``download-csv``, ``download-report``, ``download-pdf``, ``download-dicom``
(where the volume was read from DICOM here), ``export-text``, ``export-progress``, ``export-cancel``.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.export import PDF, REPORT, pdf_missing
from LesionDetectionLib.app.export_requests import IMAGE
from LesionDetectionLib.app.presenting import about_export
from LesionDetectionLib.app.segmentation_request import SegmentationRequest
from LesionDetectionLib.app.session.session import FINDINGS, JOB, RESULTS
from LesionDetectionLib.app.worker.engine import Job
from LesionDetectionLib.app.worker.requests import Request
from LesionDetectionLib.core.errors import Cancelled, DependencyError, InputError, UsageError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.lesion_table import finding_columns, write_columns
from LesionDetectionLib.io.mrml_scene import bundle_scene, save_scene

from ..context import Context
from ..files.exchange import Exchange
from ..later import in_thread
from ..marked import marked
from .opener import Opener
from .part import Part

_BREATH_S = 0.1
"""For the page to show what is done next, while it cannot be answered."""
_KINDS = (
    ("report", "Report", "mdi-file-document-outline", "One page with each lesion in pictures, for any browser."),
    ("pdf", "PDF", "mdi-file-pdf-box", "The same report as PDF."),
    ("csv", "Table", "mdi-table", "One row for each finding, for a spreadsheet (CSV)."),
    ("seg", "Outlines", "mdi-vector-polygon", "A segmentation, for Slicer and other programs (.seg.nrrd)."),
    ("scene", "Scene", "mdi-package-variant", "Everything that is open, to go on later here or in Slicer (.mrb)."),
    (
        "dicom",
        "DICOM",
        "mdi-folder-zip-outline",
        "Segmentation and structured report, for an archive (SEG and SR, in a zip).",
    ),
)


class ExportPart(Part):
    """Args:
    opener: knows the files that a volume was read from.

    Attributes:
        job: that writes, or wrote.
        fetch: lets the browser fetch what is at an address of ours.
    """

    def __init__(self, context: Context, exchange: Exchange, opener: Opener) -> None:
        super().__init__(context)
        self._exchange, self._opener = exchange, opener
        self.job: Job | None = None
        self._progress, self._step = Progress(), (0.0, "")
        self._task: asyncio.Task[None] | None = None
        self.fetch: Callable[[str], None] = lambda _address: None
        context.state.update(
            {"export_text": "", "exporting": False, "export_step": "", "export_fraction": 0.0, "exportable": []}
        )

    def build(self) -> None:
        self.fetch = client.JSEval(exec="window.lesionFiles.fetch($event)").exec
        html.P("{{ export_text }}", classes="section-text", id="export-text")
        with html.Template(v_if=("has_images",)):
            with html.Div(classes="downloads"):
                for kind, title, icon, tip in _KINDS:
                    v3.VBtn(
                        title,
                        id=f"download-{kind}",
                        prepend_icon=icon,
                        size="small",
                        variant="tonal",
                        v_if=(f"exportable.includes('{kind}')",),
                        disabled=("exporting",),
                        click=getattr(self, f"on_{kind}"),
                        title=tip,
                    )
            with html.Div(
                v_if=("exporting",), id="export-progress", classes="open-progress", raw_attrs=marked("status")
            ):
                with html.Div(classes="open-line"):
                    html.Span("{{ export_step }}", classes="one-line")
                    v3.VBtn(
                        "Cancel", id="export-cancel", click=self.cancel, size="small", variant="text", density="compact"
                    )
                v3.VProgressLinear(model_value=("100 * export_fraction",), height=4, rounded=True, color="primary")

    def refresh(self) -> None:
        state, session = self.context.state, self.context.session
        volume = None if session.results is None else session.results.volume_node
        kinds = ["scene"]
        if volume is not None:
            kinds += ["report", "pdf", "csv", "seg"]
        if self._opener.volumes.from_dicom(volume):
            kinds.append("dicom")
        state.exportable = kinds
        state.export_text = about_export(session.findings)
        self._show_job()

    def on_session(self, change: str) -> None:
        if change in (RESULTS, FINDINGS, JOB):
            self.refresh()

    # What is downloaded

    def on_report(self) -> None:
        """A page."""
        self._report(REPORT, "report.html")

    def on_pdf(self) -> None:
        """The same as PDF."""
        with self.context.told():
            lacking = pdf_missing()
            if lacking:
                raise DependencyError(lacking)
            self._report(PDF, "report.pdf")

    def on_csv(self) -> None:
        """A table."""
        with self.context.told(), self._new_file("lesions.csv") as path:
            findings = self._findings()
            write_columns(finding_columns(replace(findings, items=findings.reported)), path)
            self._hand_out(path)

    def on_seg(self) -> None:
        """A segmentation."""
        with self.context.told(), self._new_file("lesions.seg.nrrd") as path:
            request = SegmentationRequest(str(path), self._findings().to_json())
            self._start(request, {IMAGE: self.context.session.image()}, path.parent, lambda _written: path)

    def on_scene(self) -> None:
        """Everything, as Slicer keeps it."""
        with self.context.told():
            self._refuse_busy()
            self._progress, self._step = Progress(self._on_progress), (0.0, "Writing the scene")
            self._task = asyncio.get_running_loop().create_task(self._write_scene())
            self._show_job()

    def on_dicom(self) -> None:
        """Segmentation and report, zipped."""
        with self.context.told(), self._new_file("DICOM.zip") as path:
            session = self.context.session
            sources = self._opener.volumes.sources(session.results.volume_node if session.results else None)
            if not sources:
                raise InputError("The DICOM files of this volume are not here any more. Open them again.")
            request, images = session.dicom_request(path.parent / "dicom", sources)
            self._start(request, images, path.parent, lambda written: _zipped(path, [Path(one) for one in written]))

    def _report(self, name: str, called: str) -> None:
        with self.context.told(), self._new_file(called) as path:
            session = self.context.session
            entry = None if session.findings is None else self.context.model_of(session.findings)
            folder = path.parent / "report"
            request, images = session.report_request(folder, model=None if entry is None else entry.path)

            def made(written: Mapping[str, str]) -> Path:
                Path(written[name]).replace(path)
                return path

            self._start(request, images, path.parent, made)

    async def _write_scene(self) -> None:
        """Slicer's nodes belong to this thread, and what they hold is written in it. Compressing takes ten times as long, and is
        done in another one."""
        context = self.context
        await asyncio.sleep(_BREATH_S)
        with context.told():
            try:
                with self._new_place("scene.mrb") as path:
                    context.session.sync_from_nodes()
                    folder = path.with_suffix("")
                    with context.stage.marks.as_for_slicer():
                        save_scene(context.scene, folder, compressed=False)
                    await in_thread(partial(_bundled, folder, path), self._progress, self._show_job)
                    self._hand_out(path)
            except Cancelled as cancelled:
                context.tell(str(cancelled))
        self._task = None
        with context.state:
            self._show_job()

    def _on_progress(self, fraction: float, text: str) -> None:
        self._step = fraction, text

    async def finished(self) -> None:
        """Wait until no scene is being written."""
        if self._task is not None:
            await asyncio.wait({self._task})

    # Work that takes long

    def _start(self, request: Request, images: Mapping[str, Image], place: Path, made: Callable[[Any], Path]) -> None:
        """Have the worker write; ``made`` says which file it is in the end. ``place`` goes where nothing comes of it."""

        def on_change(job: Job) -> None:
            self.job = job
            with self.context.state, self.context.told():
                try:
                    if job.state == "done":
                        self._hand_out(made(job.result))
                    elif job.state == "failed" and job.error is not None:
                        raise job.error
                    elif job.state == "cancelled":
                        self.context.tell("Cancelled. Nothing was written.")
                finally:
                    if job.finished and job.state != "done":
                        shutil.rmtree(place, ignore_errors=True)
                    self._show_job()

        self.job = self.context.engine.submit(request, images, on_change)
        self._show_job()

    def cancel(self) -> None:
        """Stop writing."""
        self._progress.cancel()
        if self.job is not None:
            self.job.cancel()

    def _refuse_busy(self) -> None:
        if self._busy:
            raise UsageError("A file is being written already. Wait for it, or cancel it.")

    @property
    def _busy(self) -> bool:
        return self._task is not None or (self.job is not None and not self.job.finished)

    def _show_job(self) -> None:
        job = self.job if self.job is not None and not self.job.finished else None
        fraction, text = self._step if self._task is not None else (job.fraction, job.text) if job else (0.0, "")
        with self.context.state as state:
            state.exporting, state.export_fraction = self._busy, fraction
            state.export_step = (text or "Waiting for the worker") if self._busy else ""

    def _findings(self) -> Findings:
        """Those of the active result, with outlines as they are now. Raises UsageError where there is none."""
        session = self.context.session
        session.detections()  # takes over what was edited
        assert session.findings is not None
        return session.findings

    @contextlib.contextmanager
    def _new_file(self, kind: str) -> Iterator[Path]:
        """As :meth:`_new_place`. Raises UsageError where a file is being written."""
        self._refuse_busy()
        with self._new_place(kind) as path:
            yield path

    @contextlib.contextmanager
    def _new_place(self, kind: str) -> Iterator[Path]:
        """A place for a file, named after the scan and what it is of it; gone where the block raises."""
        session = self.context.session
        volume = None if session.results is None else session.results.volume_node
        node = volume or next(iter(self.context.choices.volumes.values()), None)
        scan = "-".join((node.GetName() if node is not None else "scan").split())
        path = self._exchange.downloads.new_file(f"{scan}-{kind}")
        try:
            yield path
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise

    def _hand_out(self, path: Path) -> None:
        """Let the browser fetch it."""
        self.fetch(self._exchange.downloads.offer_file(path))

    def scene_closed(self) -> None:
        self.cancel()


def _bundled(folder: Path, path: Path, progress: Progress) -> None:
    bundle_scene(folder, path, progress=progress)
    shutil.rmtree(folder)


def _zipped(path: Path, files: list[Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path
