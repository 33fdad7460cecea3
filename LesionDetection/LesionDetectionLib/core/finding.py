"""A lesion and what a person says of it; and all findings of one result, as a state that is replaced, never changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any

from .detections import Detections, OperatingPoint, require_evidence_for
from .errors import InputError, UsageError
from .lesion import Lesion, Point

SCHEMA_VERSION = 1

CHOSEN = "chosen in review"
"""Name of the operating point of a result whose thresholds a person moved."""

DETECTED, CLICKED, MERGED, DRAWN = "detected", "clicked", "merged", "drawn"
"""Where a finding comes from: a method, a person's click, several findings that a person joined, or a person's drawing."""


class Status(Enum):
    """What a person decided."""

    NEW = "new"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


def new_tracking_uid() -> str:
    """A new DICOM UID (2.25 and a random UUID, PS3.5 B.2): it stays with a lesion through every export and follow-up."""
    return f"2.25.{uuid.uuid4().int}"


@dataclass(frozen=True, eq=False)
class Finding:
    """One lesion in review.

    Attributes:
        id: within its :class:`Findings`, ``L1``, ``L2``; never used again, not even after a deletion. Segments have it too.
        lesion: as it is now, with the person's corrections.
        status: what the person decided.
        origin: ``detected``, ``clicked``, ``merged`` or ``drawn``.
        corrected: whether a person changed its outline or meaning.
        tracking_uid: DICOM UID of the lesion.
        seed_ras_mm: of a click: the point in the lesion; None otherwise.
        border_ras_mm: further clicks that its outline goes through.
    """

    id: str
    lesion: Lesion
    status: Status = Status.NEW
    origin: str = DETECTED
    corrected: bool = False
    tracking_uid: str = field(default_factory=new_tracking_uid)
    seed_ras_mm: Point | None = None
    border_ras_mm: tuple[Point, ...] = ()

    @property
    def number(self) -> int:
        """That of its id; its colour and label value."""
        return int(self.id[1:])

    @property
    def by_person(self) -> bool:
        """Whether a person made it: then no threshold hides it."""
        return self.origin != DETECTED

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": self.status.value,
            "origin": self.origin,
            "corrected": self.corrected,
            "tracking_uid": self.tracking_uid,
            "seed_ras_mm": None if self.seed_ras_mm is None else list(self.seed_ras_mm),
            "border_ras_mm": [list(point) for point in self.border_ras_mm],
            "lesion": self.lesion.to_json(),
        }

    @classmethod
    def from_json(cls, value: Any) -> Finding:
        seed, finding_id = value["seed_ras_mm"], str(value["id"])
        if not (finding_id[:1] == "L" and finding_id[1:].isascii() and finding_id[1:].isdigit()):
            raise ValueError(f"{finding_id!r} is no id")
        return cls(
            id=finding_id,
            lesion=Lesion.from_json(value["lesion"]),
            status=Status(value["status"]),
            origin=str(value["origin"]),
            corrected=bool(value["corrected"]),
            tracking_uid=str(value["tracking_uid"]),
            seed_ras_mm=None if seed is None else _point(seed),
            border_ras_mm=tuple(_point(point) for point in value["border_ras_mm"]),
        )


@dataclass(frozen=True, eq=False)
class Findings:
    """All findings of one result.

    Attributes:
        run: what the method gave: image, grid, model, provenance, warnings. Its ``lesions`` are not looked at; ``items`` are.
        items: in falling score, ties in the order in which they came.
        threshold: detected findings below it that nobody decided on are not listed. Where the run has controls, their values
            decide instead.
        next_number: of the next id.
    """

    run: Detections
    items: tuple[Finding, ...] = ()
    threshold: float = 0.0
    next_number: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(sorted(self.items, key=lambda item: -item.lesion.score)))

    @classmethod
    def of(cls, detections: Detections, origin: str = DETECTED, threshold: float | None = None) -> Findings:
        """Each lesion as a new finding. The threshold is that of the run's operating point where none is given."""
        items = tuple(Finding(f"L{n}", lesion, origin=origin) for n, lesion in enumerate(detections.lesions, 1))
        chosen = detections.operating_point.threshold if threshold is None else threshold
        return cls(replace(detections, lesions=(), maps={}), items, chosen, len(items) + 1)

    def passes(self, lesion: Lesion) -> bool:
        """Whether the threshold, or the run's controls where it has some, let a lesion pass."""
        return self.run.passing(lesion) if self.run.controls else lesion.score >= self.threshold

    def with_control_values(self, values: Sequence[float]) -> Findings:
        """With the run's controls moved; no operating point of the model holds then, and no least score: the controls do.

        Raises ValueError where there is another number of them.
        """
        run = self.run.with_control_values(values)
        if run.controls == self.run.controls:
            return self
        return replace(self, run=replace(run, operating_point=OperatingPoint(CHOSEN, 0.0)))

    def shown_as(self, other: Findings) -> Findings:
        """These items with the threshold and the controls of another state of the same result."""
        run = replace(self.run, controls=other.run.controls, operating_point=other.run.operating_point)
        return replace(self, run=run, threshold=other.threshold)

    @cached_property
    def listed(self) -> tuple[Finding, ...]:
        """Those that a person should see in a list: above the threshold, decided on, or made by a person."""
        return tuple(
            item for item in self.items if item.by_person or item.status is not Status.NEW or self.passes(item.lesion)
        )

    @cached_property
    def drawn(self) -> tuple[Finding, ...]:
        """Those that are drawn in the views: listed and not rejected."""
        return tuple(item for item in self.listed if item.status is not Status.REJECTED)

    @property
    def reported(self) -> tuple[Finding, ...]:
        """Those that count: the accepted ones; where nothing was accepted yet, all that are drawn."""
        accepted = tuple(item for item in self.items if item.status is Status.ACCEPTED)
        return accepted or self.drawn

    def get(self, finding_id: str) -> Finding:
        """Raises UsageError where there is no such finding."""
        for item in self.items:
            if item.id == finding_id:
                return item
        raise UsageError(f"There is no finding {finding_id}. It may have been deleted.")

    def adding(self, lesion: Lesion, **facts: Any) -> tuple[Findings, str]:
        """With one more finding; also gives its id."""
        new = Finding(f"L{self.next_number}", lesion, **facts)
        return replace(self, items=(*self.items, new), next_number=self.next_number + 1), new.id

    def changing(self, ids: Iterable[str], change: Callable[[Finding], Finding]) -> Findings:
        """With ``change`` made to these. Raises UsageError where one does not exist."""
        wanted = {self.get(finding_id).id for finding_id in ids}
        return replace(self, items=tuple(change(item) if item.id in wanted else item for item in self.items))

    def without(self, ids: Iterable[str]) -> Findings:
        """Without these. Raises UsageError where one does not exist."""
        gone = {self.get(finding_id).id for finding_id in ids}
        return replace(self, items=tuple(item for item in self.items if item.id not in gone))

    def as_detections(self, items: Iterable[Finding] | None = None) -> Detections:
        """The run with these findings' lesions (:attr:`reported` where None), for tables, files and reports."""
        chosen = self.reported if items is None else items
        point = self.run.operating_point
        if not self.run.controls and point.threshold != self.threshold:
            point = OperatingPoint(CHOSEN, self.threshold)
        return replace(self.run, lesions=tuple(item.lesion for item in chosen), operating_point=point)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": "lesion-findings",
            "schema_version": SCHEMA_VERSION,
            "threshold": self.threshold,
            "next_number": self.next_number,
            "run": self.run.to_json(),
            "findings": [item.to_json() for item in self.items],
        }

    @classmethod
    def from_json(cls, value: Any) -> Findings:
        """Raises InputError where the value is no such state, or of another version."""
        if not isinstance(value, dict) or value.get("schema") != "lesion-findings":
            raise InputError("This does not hold the findings of a review.")
        if value.get("schema_version") != SCHEMA_VERSION:
            raise InputError(
                f"These findings have version {value.get('schema_version')} of their format; this program reads version "
                f"{SCHEMA_VERSION}. Update the program."
            )
        try:
            run = Detections.from_json(value["run"])
            items = tuple(Finding.from_json(item) for item in value["findings"])
            require_evidence_for(run.controls, (item.lesion for item in items))
            return cls(
                run=run,
                items=items,
                threshold=float(value["threshold"]),
                next_number=int(value["next_number"]),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise InputError(f"These findings are damaged ({error!r}).") from error


def _point(value: Any) -> Point:
    a, b, c = (float(n) for n in value)
    return a, b, c
