"""One lesion at two times, as a row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .finding import Finding, Status
from .image import Geometry
from .lesion import Point
from .pairing import Pair
from .targets import NORMAL_NODE_BELOW_MM, is_node, measured_mm, organ_of

PAIRED, NOT_FOUND, GONE, NEW, CANDIDATE = "paired", "not found", "disappeared", "new lesion", "new candidate"
"""What a row is about: both times; baseline only (as a person confirmed, or not); follow-up only (accepted, or not)."""


@dataclass(frozen=True)
class Row:
    """A lesion at two times. What is not known or not there is None, an id then empty.

    Attributes:
        kind: ``paired``, ``not found``, ``disappeared``, ``new lesion`` or ``new candidate``.
        baseline_id, follow_up_id: of the findings.
        target: a target lesion.
        node: a lymph node, whose short axis counts; of other lesions the long axis does.
        organ: in words; empty where nobody said it.
        meaning: of the lesion's code.
        baseline_mm, follow_up_mm: the diameter that counts; 0 where it has disappeared.
        baseline_volume_mm3, follow_up_volume_mm3: of the masks.
        distance_mm: of a pair, after the alignment.
        by_person: the pair was linked by a person.
        baseline_ras_mm, follow_up_ras_mm: centres, each in its own scan.
        remark: what a person should know, a sentence or empty.
    """

    kind: str
    baseline_id: str
    follow_up_id: str
    target: bool
    node: bool
    organ: str
    meaning: str
    baseline_mm: float | None
    follow_up_mm: float | None
    baseline_volume_mm3: float | None
    follow_up_volume_mm3: float | None
    distance_mm: float | None
    by_person: bool
    baseline_ras_mm: Point | None
    follow_up_ras_mm: Point | None
    remark: str

    @property
    def change_mm(self) -> float | None:
        if self.baseline_mm is None or self.follow_up_mm is None:
            return None
        return self.follow_up_mm - self.baseline_mm

    @property
    def change_percent(self) -> float | None:
        return None if self.change_mm is None or not self.baseline_mm else 100 * self.change_mm / self.baseline_mm

    @property
    def volume_change_percent(self) -> float | None:
        if not self.baseline_volume_mm3 or self.follow_up_volume_mm3 is None:
            return None
        return 100 * (self.follow_up_volume_mm3 / self.baseline_volume_mm3 - 1)


def row_of(
    before: Finding | None,
    now: Finding | None,
    grids: tuple[Geometry, Geometry],
    pair: Pair | None = None,
    organs: Mapping[str, str] | None = None,
    target: bool = False,
    gone: bool = False,
) -> Row:
    """The row of a pair, or of a finding alone; ``grids`` are those of the two scans.

    Raises:
        ValueError: neither is given.
    """
    known = before or now
    if known is None:
        raise ValueError("A row needs a finding.")
    node = is_node(known.lesion)
    if before is not None and now is not None:
        kind = PAIRED
    elif before is not None:
        kind = GONE if gone else NOT_FOUND
    else:
        kind = NEW if known.status is Status.ACCEPTED else CANDIDATE
    now_mm = measured_mm(now.lesion, node) if now is not None else (0.0 if kind == GONE else None)
    now_volume = _volume(now, grids[1]) if now is not None else (0.0 if kind == GONE else None)
    return Row(
        kind=kind,
        baseline_id=before.id if before else "",
        follow_up_id=now.id if now else "",
        target=target,
        node=node,
        organ=organ_of(known, (organs or {}) if before else {}),
        meaning=known.lesion.meaning.meaning,
        baseline_mm=measured_mm(before.lesion) if before else None,
        follow_up_mm=now_mm,
        baseline_volume_mm3=_volume(before, grids[0]),
        follow_up_volume_mm3=now_volume,
        distance_mm=pair.distance_mm if pair else None,
        by_person=bool(pair and pair.by_person),
        baseline_ras_mm=before.lesion.center_ras_mm if before else None,
        follow_up_ras_mm=now.lesion.center_ras_mm if now else None,
        remark=_remark(kind, node, now_mm, now),
    )


def _volume(item: Finding | None, grid: Geometry) -> float | None:
    """As measured; counted from the mask where the method gave none."""
    if item is None:
        return None
    counted = None if item.lesion.mask is None else item.lesion.mask.count * grid.voxel_volume_mm3
    return item.lesion.measurements.get("volume_mm3", counted)


def _remark(kind: str, node: bool, now_mm: float | None, now: Finding | None) -> str:
    if kind == NOT_FOUND:
        return "Disappeared, or not found: look at the follow-up and confirm or link."
    if kind == GONE or now is None:
        return ""
    remarks = []
    if now_mm is None:
        remarks.append("No outline in the follow-up: click to measure it.")
    elif node and now_mm < NORMAL_NODE_BELOW_MM:
        remarks.append(f"A lymph node below {NORMAL_NODE_BELOW_MM:g} mm short axis is normal.")
    if kind == CANDIDATE:
        remarks.append("New, or not found at baseline: look at the baseline and accept or reject.")
    return " ".join(remarks)
