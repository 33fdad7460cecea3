"""What a user can do: detect, click to measure, review, undo, hand on. Slicer's panel and the browser viewer are skins on it.

A session belongs to one scene and one engine and is used from one thread. It never waits: what takes long is a job of the
engine, and observers are told when something changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import MethodInfo, method
from LesionDetectionLib.core.errors import InputError, LesionDetectionError, UsageError
from LesionDetectionLib.core.finding import CLICKED, DRAWN, Finding, Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.io.display import modality_name

from ..recist_request import RecistRequest
from ..worker.engine import Engine, Job
from ..worker.requests import DetectRequest, MeasureRequest
from .clicks import click_on
from .diameters import ends_of, made_of, remember
from .result_set import ResultSet
from .review import CURRENT, FINDINGS, JOB, RESULTS, Review
from .thresholds import Thresholds

__all__ = ["CURRENT", "FINDINGS", "JOB", "RESULTS", "DetectChoice", "Session"]

Box = tuple[Point, Point]


@dataclass(frozen=True)
class DetectChoice:
    """What to detect.

    Attributes:
        volumes: the volume nodes by modality, as the method names them; those that it can do without may be missing or None.
        method: id of the method.
        model: bundle; None for the demonstration model, or a method without model.
        device: ``auto``, ``cpu``, ``cuda:0``.
        region_ras_mm: opposite corners of a box, axis-aligned in RAS mm, in which a lesion's centre must lie; None for
            the whole scan.
        settings: of the method, where they shall differ from the model's; those of :attr:`.MethodInfo.review_settings` are
            not theirs to change, as the result is one whose controls are moved.
    """

    volumes: Mapping[str, Any]
    method: str
    model: Path | None = None
    device: str = "auto"
    region_ras_mm: Box | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


class Session(Review):
    """One user's work on one scene.

    Args:
        scene: in which results are added and found; nodes of others are never changed.
        engine: does what takes long.
    """

    def __init__(self, scene: Any, engine: Engine) -> None:
        super().__init__(scene)
        self._engine = engine
        self.job: Job | None = None

    # Work that takes long

    @property
    def busy(self) -> bool:
        return self.job is not None and not self.job.finished

    def detect(self, choice: DetectChoice) -> Job:
        """Start detecting; a result is added and made the active one when it is done.

        All that the model could report is found, and the model's default point decides what is shown, so that another
        threshold, or another place of the controls, needs no new inference.

        Raises:
            UsageError: something is running already.
            InputError: a volume is missing or cannot be used.
            BundleError: the model cannot be used.
        """
        self._refuse_busy()
        thresholds = Thresholds.of(choice.method, choice.model)
        info = method(choice.method)
        images = self._images_for(info, choice.volumes)
        main_node = choice.volumes[info.modalities[0]]
        request = DetectRequest(
            method=choice.method,
            model="" if choice.model is None else str(choice.model),
            device=choice.device,
            # The controls begin where the model's maker has them.
            operating_point="" if info.review_settings else thresholds.lowest,
            region_ras_mm=choice.region_ras_mm,
            settings={**choice.settings, **info.review_settings},
        )

        def done(detections: Detections) -> None:
            shown = None if detections.controls else thresholds.shown(detections.operating_point.threshold)
            findings = Findings.of(detections, threshold=shown)
            name = f"{main_node.GetName()} {choice.method}"
            self._thresholds[detections.provenance.get("model", {}).get("sha256", "")] = thresholds
            self._add(main_node, findings, name, detections.maps)
            self.message = _found(findings)

        return self._start(request, images, done)

    def _images_for(self, info: MethodInfo, volumes: Mapping[str, Any]) -> dict[str, Image]:
        """The images that the method works on, the main one first; without those that are not chosen and not needed.

        Raises:
            InputError: one that it needs is not chosen.
        """
        images = {}
        for modality in info.modalities:
            if volumes.get(modality) is not None:
                images[modality] = self._images.of(volumes[modality], modality)
            elif modality in info.required:
                name = modality_name(modality)
                raise InputError(f"No volume is chosen for the {name}, which “{info.title}” needs. Load or choose one.")
        return images

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
            points = {"seed_ras_mm": click.seed_ras_mm, "border_ras_mm": click.border_ras_mm}
            self._measured(volume_node, image, target, lesion, click.corrects, CLICKED, **points)

        return self._start(request, {name: image}, done)

    def outline(self, volume_node: Any, lines: Sequence[Any], way: str = "best", carry: bool = True) -> Job:
        """Outline and measure the lesion whose two diameters these line markups are, in any order.

        The same two lines again, moved meanwhile or not, correct the finding that was made of them.

        Args:
            way: how the mask is made, see :data:`LesionDetectionLib.imaging.recist_mask.WAYS`.
            carry: on to the neighbouring slices.

        Raises:
            UsageError: something is running already, or these are no two whole lines.
            InputError: there is no volume, or it cannot be used.
        """
        self._refuse_busy()
        if volume_node is None:
            raise InputError("No volume is chosen to outline the lesion in. Load or choose a CT or PET.")
        ends = ends_of(lines)
        image = self._images.of(volume_node)
        target = self._set_for(volume_node, image)
        corrects = made_of(lines, target.findings) if target is not None else ""
        name = image.modality or "image"

        def done(lesion: Lesion) -> None:
            points: dict[str, Any] = {"seed_ras_mm": None, "border_ras_mm": ()}
            new = self._measured(volume_node, image, target, lesion, corrects, DRAWN, **points)
            remember(lines, new.tracking_uid)

        return self._start(RecistRequest(name, ends, way, carry), {name: image}, done)

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

    def _measured(
        self,
        volume_node: Any,
        image: Image,
        target: ResultSet | None,
        lesion: Lesion,
        corrects: str,
        origin: str,
        **facts: Any,
    ) -> Finding:
        """Put what a person measured into the result that it belongs to, or into a new one; the finding.

        Args:
            corrects: id of the finding to replace; empty for a new one.
            facts: further ones of the finding.
        """
        if target is None or not target.in_scene:
            run = Detections((), image.geometry, "click", image.name, image.modality, image.unit, warnings=image.notes)
            # Empty at first, so that the first measurement can be undone like every other.
            target = self._add(volume_node, Findings(run), f"{volume_node.GetName()} clicks")
        if corrects and any(item.id == corrects for item in target.findings.items):
            new = corrects

            def corrected(item: Finding) -> Finding:
                was = item.lesion
                kept = replace(lesion, score=was.score, evidence=was.evidence, meaning=was.meaning, model=was.model)
                kept = kept if item.by_person else replace(kept, method=was.method)
                return replace(item, lesion=kept, corrected=True, **facts)

            target.change(f"correct {new}", target.findings.changing([new], corrected))
        else:
            findings, new = target.findings.adding(lesion, origin=origin, **facts)
            target.change(f"measure {new}", findings)
        self.message = lesion.note
        self.activate(target)
        self._tell(FINDINGS)
        self.select(new)
        return target.findings.get(new)

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


def _found(findings: Findings) -> str:
    count, more = len(findings.listed), len(findings.items) - len(findings.listed)
    text = "Nothing was found" if not count else f"{count} finding{'s' if count > 1 else ''}"
    why = "below the thresholds" if findings.run.controls else "with lower scores"
    return f"{text}; {more} more {why}." if more else f"{text}."
