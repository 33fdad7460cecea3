"""All that a report of one study is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from LesionDetectionLib.core.bundle import Manifest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import MethodInfo, methods
from LesionDetectionLib.core.finding import DETECTED, Finding, Findings, Status
from LesionDetectionLib.core.image import Image

Draw = Callable[[int], bytes]
"""JPEG or PNG of the reported lesion of a rank (from 1), or of the overview for rank 0."""


@dataclass(frozen=True)
class Study:
    """Attributes:
    image: that was searched.
    findings: all that there are; those of a plain run are as they came, with nobody's decision.
    detections: the lesions that are reported, in falling score.
    reviewed: whether the findings come from a review, in which somebody could decide on them.
    model: what the model says of itself; None where the run had none, or it is not at hand.
    patient: a line that names the patient, where the person wants it; empty otherwise.
    """

    image: Image
    findings: Findings
    detections: Detections
    reviewed: bool = False
    model: Manifest | None = None
    patient: str = ""

    @classmethod
    def of(
        cls,
        image: Image,
        result: Detections | Findings,
        *,
        origin: str = DETECTED,
        model: tuple[Manifest, str] | None = None,
        patient: str = "",
    ) -> Study:
        """A study of a run or of a review.

        Args:
            origin: of a plain run: who found its lesions, ``detected`` or ``clicked``.
            model: what a model says of itself, and its digest. Passed over where it is not the one that the run names.
        """
        if isinstance(result, Findings):
            findings, detections = result, result.as_detections()
        else:
            findings, detections = Findings.of(result, origin), result
        known = None if model is None or model[1] != model_digest(detections) else model[0]
        return cls(image, findings, detections, isinstance(result, Findings), known, patient)

    @cached_property
    def items(self) -> tuple[Finding, ...]:
        """The findings that are reported, as ``detections.lesions`` has them. Of a plain run: all of them."""
        return self.findings.reported if self.reviewed else self.findings.items

    @property
    def info(self) -> MethodInfo | None:
        """None for a method that this program does not have, as clicks are."""
        return methods().get(self.detections.method)

    @property
    def numbers(self) -> tuple[int, ...]:
        """That the reported lesions are called by."""
        return tuple(item.number for item in self.items)

    @property
    def all_by_person(self) -> bool:
        """Whether there are findings, and a person made every one: nothing was searched for then."""
        return bool(self.findings.items) and all(item.by_person for item in self.findings.items)

    def count(self, status: Status) -> int:
        return sum(item.status is status for item in self.findings.items)


def model_digest(detections: Detections) -> str:
    """SHA-256 of the model that a run names; empty where it names none."""
    model = detections.provenance.get("model")
    digest = model.get("sha256") if isinstance(model, dict) else None
    return digest if isinstance(digest, str) else ""
