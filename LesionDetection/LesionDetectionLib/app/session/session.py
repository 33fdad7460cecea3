"""What a user can do: detect, click to measure, review, undo, hand on. Slicer's panel and the browser viewer are skins on it.

A session belongs to one scene and one engine and is used from one thread. It never waits: what takes long is a job of the
engine, and observers are told when something changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import MethodInfo, method
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.io.display import modality_name

from ..worker.engine import Job
from ..worker.requests import DetectRequest
from .measuring import Measuring
from .review import CURRENT, FINDINGS, JOB, RESULTS
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


class Session(Measuring):
    """One user's work on one scene.

    Args:
        scene: in which results are added and found; nodes of others are never changed.
        engine: does what takes long.
    """

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


def _found(findings: Findings) -> str:
    count, more = len(findings.listed), len(findings.items) - len(findings.listed)
    text = "Nothing was found" if not count else f"{count} finding{'s' if count > 1 else ''}"
    why = "below the thresholds" if findings.run.controls else "with lower scores"
    return f"{text}; {more} more {why}." if more else f"{text}."
