"""The results of a scene and what a person does with them: look, decide, correct, undo, hand on. No engine is needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.detections import Control, Detections
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.finding import Finding, Findings, Status
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Code
from LesionDetectionLib.io.mrml_findings import FindingNodes, results_in

from ..export_requests import IMAGE, DicomRequest, ReportRequest, TrainingCaseRequest
from ..features_request import FeaturesRequest
from ..operating import OperatingCurve
from . import editing
from .images import VolumeImages
from .result_set import ResultSet
from .thresholds import Thresholds

JOB, RESULTS, FINDINGS, CURRENT = "job", "results", "findings", "current"
"""What observers are told: the work has gone on; another result, or another set of them; other findings; another one is
looked at."""


class Review:
    """Results in one scene, one of them the active one, which most of this is about.

    Args:
        scene: in which results are added and found; nodes of others are never changed.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._observers: list[Callable[[str], None]] = []
        self._images = VolumeImages()
        self._results: list[ResultSet] = []
        self._active: ResultSet | None = None
        self._thresholds: dict[str, Thresholds] = {}
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

    def _add(
        self, volume_node: Any, findings: Findings, name: str, maps: Mapping[str, Image] | None = None
    ) -> ResultSet:
        result = ResultSet(FindingNodes.create(self._scene, volume_node, findings, name, maps))
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
    def controls(self) -> tuple[Control, ...]:
        """Thresholds of the active result that can be moved, as they are now; none where its scores alone decide."""
        return self.findings.run.controls if self.findings else ()

    def set_control_values(self, values: Sequence[float]) -> None:
        """Move the active result's controls, all of them in their order: detected findings are listed where they pass, and
        those that a person made or decided on stay. Nothing is inferred anew, and there is no step to undo.

        Raises:
            UsageError: there is no result, or it has another number of controls.
        """
        result = self._required()
        if len(values) != len(self.controls):
            raise UsageError(
                f"This result has {len(self.controls)} thresholds to move, and {len(values)} values were given."
            )
        after = result.findings.with_control_values(values)
        if after is not result.findings:
            result.set_threshold(after)
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

    def report_request(
        self, folder: Path, overwrite: bool = False, *, model: Path | None = None, named_by: Sequence[Path] = ()
    ) -> tuple[ReportRequest, dict[str, Image]]:
        """To write table, pictures, page and PDF of what is reported; with the images that it needs.

        Args:
            model: the bundle of the result's model, where it is at hand: the report says what it learned from.
            named_by: files of the series, whose patient the report's head names; none, and it names nobody.

        Raises:
            UsageError: there is no result.
            InputError: its volume is gone.
        """
        self.detections()  # takes over what was edited
        findings, path = self._required().findings.to_json(), "" if model is None else str(model)
        files = [str(file) for file in named_by]
        return ReportRequest(str(folder), findings, overwrite, path, files), {IMAGE: self._image()}

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

    def features_request(self) -> tuple[FeaturesRequest, dict[str, Image]]:
        """To measure the radiomics features of what is reported.

        Raises:
            UsageError: there is no result, or nothing in it.
            InputError: its volume is gone.
        """
        self.detections()
        findings = self._required().findings
        if not findings.reported:
            raise UsageError("There is no finding to measure.")
        return FeaturesRequest(findings.to_json()), {IMAGE: self._image()}

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


def _names(ids: list[str]) -> str:
    return ", ".join(ids) if len(ids) <= 3 else f"{len(ids)} findings"
