"""What a user can do: detect, click to measure, review, undo, hand on. Slicer's panel and the browser viewer are skins on it.

A session belongs to one scene and one engine and is used from one thread. It never waits: what takes long is a job of the
engine, and observers are told when something changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, LesionDetectionError, UsageError
from LesionDetectionLib.core.finding import CLICKED, Finding, Findings, Status
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Code, Lesion, Point
from LesionDetectionLib.io.mrml_findings import FindingNodes, results_in

from ..export_requests import IMAGE, DicomRequest, ReportRequest, TrainingCaseRequest
from ..operating import OperatingCurve
from ..worker.engine import Engine, Job
from ..worker.requests import DetectRequest, MeasureRequest
from . import editing
from .clicks import Click, click_on
from .images import VolumeImages
from .result_set import ResultSet
from .thresholds import Thresholds

JOB, RESULTS, FINDINGS, CURRENT = "job", "results", "findings", "current"
"""What observers are told: the work has gone on; another result, or another set of them; other findings; another one is
looked at."""

Box = tuple[Point, Point]


@dataclass(frozen=True)
class DetectChoice:
    """What to detect.

    Attributes:
        volumes: the volume nodes by modality, as the method names them.
        method: id of the method.
        model: bundle; None for the demonstration model, or a method without model.
        device: ``auto``, ``cpu``, ``cuda:0``.
        region_ras_mm: opposite corners of a box, axis-aligned in RAS mm, in which a lesion's centre must lie; None for
            the whole scan.
        settings: of the method, where they shall differ from the model's.
    """

    volumes: Mapping[str, Any]
    method: str
    model: Path | None = None
    device: str = "auto"
    region_ras_mm: Box | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


class Session:
    """One user's work on one scene.

    Args:
        scene: in which results are added and found; nodes of others are never changed.
        engine: does what takes long.
    """

    def __init__(self, scene: Any, engine: Engine) -> None:
        self._scene, self._engine = scene, engine
        self._observers: list[Callable[[str], None]] = []
        self._images = VolumeImages()
        self._results: list[ResultSet] = []
        self._active: ResultSet | None = None
        self._thresholds: dict[str, Thresholds] = {}
        self.job: Job | None = None
        self.message = ""

    # Being told

    def observe(self, callback: Callable[[str], None]) -> None:
        """Call ``callback(change)`` after each change, with one of the words above."""
        self._observers.append(callback)

    def unobserve(self, callback: Callable[[str], None]) -> None:
        with contextlib.suppress(ValueError):
            self._observers.remove(callback)

    def _tell(self, *changes: str) -> None:
        for change in changes:
            for observer in list(self._observers):
                observer(change)

    # Work that takes long

    @property
    def busy(self) -> bool:
        return self.job is not None and not self.job.finished

    def detect(self, choice: DetectChoice) -> Job:
        """Start detecting; a result is added and made the active one when it is done.

        All that the model could report is found, and the model's default point decides what is shown, so that another
        threshold needs no new inference.

        Raises:
            UsageError: something is running already.
            InputError: a volume is missing or cannot be used.
            BundleError: the model cannot be used.
        """
        self._refuse_busy()
        thresholds = Thresholds.of(choice.method, choice.model)
        images = {modality: self._images.of(node, modality) for modality, node in choice.volumes.items()}
        if not images:
            raise InputError("No volume is chosen. Load or choose one.")
        main_node = next(iter(choice.volumes.values()))
        request = DetectRequest(
            method=choice.method,
            model="" if choice.model is None else str(choice.model),
            device=choice.device,
            operating_point=thresholds.lowest,
            region_ras_mm=choice.region_ras_mm,
            settings=dict(choice.settings),
        )

        def done(detections: Detections) -> None:
            shown = thresholds.shown(detections.operating_point.threshold)
            findings = Findings.of(detections, threshold=shown)
            name = f"{main_node.GetName()} {choice.method}"
            self._thresholds[detections.provenance.get("model", {}).get("sha256", "")] = thresholds
            self._add(main_node, findings, name)
            self.message = _found(findings)

        return self._start(request, images, done)

    def measure(self, volume_node: Any, point_ras_mm: Point, correct: bool = True) -> Job | None:
        """Measure the lesion at a point, or correct the one that is looked at.

        A click in another finding's outline selects that one; a click near the outline of the current one moves its border
        there (``correct``); any other click measures a new lesion.

        Args:
            point_ras_mm: RAS mm.

        Returns:
            The job; None where the click only selected a finding.

        Raises:
            UsageError: something is running already.
            InputError: the volume cannot be used.
        """
        self._refuse_busy()
        image = self._images.of(volume_node)
        target = self._set_for(volume_node, image)
        findings, current = (target.findings, target.current) if target else (None, "")
        click = click_on(findings, current if correct else "", point_ras_mm)
        if target is not None and click.selected:
            self._activate(target)
            self.select(click.selected)
            return None
        name = image.modality or "image"
        request = MeasureRequest(modality=name, seed_ras_mm=click.seed_ras_mm, border_ras_mm=click.border_ras_mm)

        def done(lesion: Lesion) -> None:
            self._measured(volume_node, image, target, click, lesion)

        return self._start(request, {name: image}, done)

    def cancel(self) -> None:
        """Stop what is running; nothing of it is kept."""
        if self.job is not None:
            self.job.cancel()

    def _refuse_busy(self) -> None:
        if self.busy:
            raise UsageError("Something is running already. Wait for it, or press Cancel first.")

    def _start(self, request: Any, images: Mapping[str, Image], done: Callable[[Any], None]) -> Job:
        def on_change(job: Job) -> None:
            self.job = job
            if job.state == "done":
                try:
                    done(job.result)
                except LesionDetectionError as error:  # such as a volume that was removed meanwhile
                    self.message = str(error)
            elif job.finished:
                self.message = str(job.error or "")
            self._tell(JOB)

        self.message = ""
        self.job = self._engine.submit(request, images, on_change)
        self._tell(JOB)
        return self.job

    def _measured(self, volume_node: Any, image: Image, target: ResultSet | None, click: Click, lesion: Lesion) -> None:
        """Put what was measured into the result that was clicked in, or into a new one."""
        clicked: dict[str, Any] = {"seed_ras_mm": click.seed_ras_mm, "border_ras_mm": click.border_ras_mm}
        if target is None or not target.in_scene:
            run = Detections((), image.geometry, "click", image.name, image.modality, image.unit, warnings=image.notes)
            # Empty at first, so that the first measurement can be undone like every other.
            target = self._add(volume_node, Findings(run), f"{volume_node.GetName()} clicks")
        if click.corrects and any(item.id == click.corrects for item in target.findings.items):
            new = click.corrects

            def corrected(item: Finding) -> Finding:
                kept = replace(lesion, score=item.lesion.score, meaning=item.lesion.meaning, model=item.lesion.model)
                kept = kept if item.by_person else replace(kept, method=item.lesion.method)
                return replace(item, lesion=kept, corrected=True, **clicked)

            target.change(f"correct {new}", target.findings.changing([new], corrected))
        else:
            findings, new = target.findings.adding(lesion, origin=CLICKED, **clicked)
            target.change(f"measure {new}", findings)
        self.message = lesion.note
        self._tell(FINDINGS)
        self.select(new)

    # Results

    @property
    def results(self) -> ResultSet | None:
        """The active result; None where there is none."""
        if self._active is not None and not self._active.in_scene:
            self._active = None
        return self._active

    def results_in_scene(self) -> tuple[ResultSet, ...]:
        """All results of the scene, those of a loaded scene too; damaged ones are passed over."""
        known = {result.nodes.text.GetID(): result for result in self._results if result.in_scene}
        found = []
        for text in results_in(self._scene):
            result = known.get(text.GetID())
            if result is None:
                try:
                    result = ResultSet(FindingNodes.read(text))
                except InputError as error:
                    self.message = str(error)
                    continue
            found.append(result)
        self._results = found
        return tuple(found)

    def activate(self, result: ResultSet | None) -> None:
        """Make another result the one that all below is about."""
        if result is not self._active:
            self._activate(result)

    def _activate(self, result: ResultSet | None) -> None:
        self._active = result
        self._tell(RESULTS, FINDINGS, CURRENT)

    def _add(self, volume_node: Any, findings: Findings, name: str) -> ResultSet:
        result = ResultSet(FindingNodes.create(self._scene, volume_node, findings, name))
        self._results.append(result)
        self._activate(result)
        return result

    def _set_for(self, volume_node: Any, image: Image) -> ResultSet | None:
        """The result that a click in this volume goes to: the active one, else the newest, of this volume and grid."""
        active = self.results
        every = [*([active] if active else []), *reversed(self.results_in_scene())]
        for result in every:
            if result.volume_node is volume_node and result.findings.run.geometry.same_grid(image.geometry):
                return result
        return None

    # Review of the active result

    @property
    def findings(self) -> Findings | None:
        return self.results.findings if self.results else None

    @property
    def listed(self) -> tuple[Finding, ...]:
        """What a list should show, in falling score."""
        return self.findings.listed if self.findings else ()

    @property
    def current(self) -> str:
        """Id of the finding that is looked at; empty for none."""
        return self.results.current if self.results else ""

    def select(self, finding_id: str) -> None:
        """Look at a finding; with an empty id, at none. Raises UsageError where there is no such finding."""
        result = self._required()
        if finding_id:
            result.findings.get(finding_id)
        if finding_id != result.current:
            result.current = finding_id
            self._tell(CURRENT)

    def next(self) -> str:
        """Select the next listed finding, the first after the last; its id, empty where nothing is listed."""
        return self._step(1)

    def previous(self) -> str:
        return self._step(-1)

    def _step(self, by: int) -> str:
        ids = [item.id for item in self.listed]
        if not ids:
            return ""
        at = ids.index(self.current) + by if self.current in ids else (0 if by > 0 else -1)
        self.select(ids[at % len(ids)])
        return self.current

    def accept(self, ids: Iterable[str]) -> None:
        self._set_status(ids, Status.ACCEPTED, "accept")

    def reject(self, ids: Iterable[str]) -> None:
        self._set_status(ids, Status.REJECTED, "reject")

    def undecide(self, ids: Iterable[str]) -> None:
        self._set_status(ids, Status.NEW, "undecide")

    def _set_status(self, ids: Iterable[str], status: Status, verb: str) -> None:
        ids = list(ids)
        self._change(f"{verb} {_names(ids)}", lambda findings: editing.with_status(findings, ids, status), ids)

    def relabel(self, ids: Iterable[str], meaning: Code) -> None:
        ids = list(ids)
        text = f"relabel {_names(ids)} as {meaning.meaning.lower()}"
        self._change(text, lambda findings: editing.relabelled(findings, ids, meaning), ids)

    def merge(self, ids: Iterable[str]) -> str:
        """Make one finding of several; its id. Raises UsageError: fewer than two, or one without an outline."""
        ids = list(ids)
        image, new = self._image(), ""

        def change(findings: Findings) -> Findings:
            nonlocal new
            after, new = editing.merged(findings, ids, image)
            return after

        self._change(f"merge {_names(ids)}", change, ids)
        self.select(new)
        return new

    def delete(self, ids: Iterable[str]) -> None:
        ids = list(ids)
        self._change(f"delete {_names(ids)}", lambda findings: findings.without(ids), ids)

    def set_threshold(self, score: float) -> None:
        """List detected findings from this score on; those that a person made or decided on stay."""
        result = self._required()
        if score != result.findings.threshold:
            result.set_threshold(replace(result.findings, threshold=float(score)))
            self._tell(FINDINGS)

    @property
    def curve(self) -> OperatingCurve | None:
        """What is known of the thresholds of the active result's model; None where nothing is, or the model is not here."""
        run = self.findings.run if self.findings else None
        if run is None or "model" not in run.provenance:
            return None
        thresholds = self._thresholds.get(run.provenance["model"].get("sha256", ""))
        return thresholds.curve if thresholds else None

    def know_model(self, method: str, model: Path | None) -> None:
        """Learn a model's thresholds, so that results of a loaded scene have their curve. An unusable one is passed over."""
        with contextlib.suppress(Exception):
            thresholds = Thresholds.of(method, model)
            self._thresholds[thresholds.digest] = thresholds

    @property
    def undo_text(self) -> str:
        """What :meth:`undo` takes back ("accept L3"); empty where there is nothing."""
        return self.results.undo.undo_text if self.results else ""

    @property
    def redo_text(self) -> str:
        return self.results.undo.redo_text if self.results else ""

    def undo(self) -> None:
        if self.results:
            self.sync_from_nodes()
            self.results.undo_last()
            self._tell(FINDINGS, CURRENT)

    def redo(self) -> None:
        if self.results:
            self.results.redo_last()
            self._tell(FINDINGS, CURRENT)

    def sync_from_nodes(self) -> bool:
        """Take over what the user did to the segmentation elsewhere, such as in the Segment Editor; whether there was any."""
        result = self.results
        if result is None or result.volume_node is None:
            return False
        touched = result.nodes.touched_masks()
        if not touched:
            return False
        after, added = editing.with_masks(result.findings, touched, self._image())
        result.nodes.seen()
        if after is result.findings:
            return False
        result.nodes.remove_segments(added)
        result.change("edit outlines", after)
        self._tell(FINDINGS)
        return True

    def detections(self) -> Detections:
        """What is reported, for tables, files and DICOM: the accepted findings, or all drawn ones where none was accepted,
        with their outlines as they are now.

        Raises:
            UsageError: there is no result.
        """
        self._required()
        self.sync_from_nodes()
        return self._required().findings.as_detections()

    def image(self) -> Image:
        """The image of the active result. Raises UsageError, InputError where there is none any more."""
        self._required()
        return self._image()

    # Handing on: requests for the worker, as their progress is shown in a place of its own

    def report_request(self, folder: Path, overwrite: bool = False) -> tuple[ReportRequest, dict[str, Image]]:
        """To write table, pictures and page of what is reported; with the images that it needs.

        Raises:
            UsageError: there is no result.
            InputError: its volume is gone.
        """
        return ReportRequest(str(folder), self.detections().to_json(), overwrite), {IMAGE: self._image()}

    def dicom_request(
        self, folder: Path, sources: Sequence[Path], overwrite: bool = False
    ) -> tuple[DicomRequest, dict[str, Image]]:
        """To write a DICOM segmentation and report.

        Args:
            sources: files of the series that the volume was loaded from.

        Raises:
            UsageError: there is no result.
        """
        self.detections()  # takes over what was edited
        findings = self._required().findings.to_json()
        return DicomRequest(str(folder), [str(path) for path in sources], findings, overwrite), {}

    def training_case_request(
        self, folder: Path, overwrite: bool = False
    ) -> tuple[TrainingCaseRequest, dict[str, Image]]:
        """To keep the reviewed scan as a training case.

        Raises:
            UsageError: there is no result, or nobody decided on any finding.
            InputError: its volume is gone.
        """
        self.detections()
        findings = self._required().findings
        if all(item.status is Status.NEW for item in findings.items):
            raise UsageError("Accept or reject findings first: what nobody decided on cannot be learned from.")
        return TrainingCaseRequest(str(folder), findings.to_json(), overwrite), {IMAGE: self._image()}

    def _change(self, text: str, change: Callable[[Findings], Findings], ids: list[str]) -> None:
        if not ids:
            raise UsageError("Choose a finding in the table first.")
        self.sync_from_nodes()
        result, current = self._required(), self.current
        result.change(text, change(result.findings))
        self._tell(FINDINGS)
        if self.current != current:
            self._tell(CURRENT)

    def _required(self) -> ResultSet:
        if self.results is None:
            raise UsageError("There is no result yet. Press Detect, or click on a lesion to measure it.")
        return self.results

    def _image(self) -> Image:
        node = self._required().volume_node
        if node is None:
            raise InputError("The volume of this result is no longer in the scene. Load it again and detect anew.")
        image = self._images.of(node)
        if not image.geometry.same_grid(self._required().findings.run.geometry):
            raise InputError(f"“{image.name}” was moved or resampled since this result was made. Detect in it anew.")
        return image

    # The end

    def scene_closed(self) -> None:
        """The scene is empty or another one: stop, and forget what was in it."""
        self.cancel()
        self._images.forget()
        self._results = []
        self._activate(None)

    def close(self) -> None:
        """Stop, and end the engine. The session cannot be used any more."""
        self._observers = []
        self.cancel()
        self._images.forget()
        self._engine.close()


def _names(ids: list[str]) -> str:
    return ", ".join(ids) if len(ids) <= 3 else f"{len(ids)} findings"


def _found(findings: Findings) -> str:
    count, more = len(findings.listed), len(findings.items) - len(findings.listed)
    text = "Nothing was found" if not count else f"{count} finding{'s' if count > 1 else ''}"
    return f"{text}; {more} more with lower scores." if more else f"{text}."
