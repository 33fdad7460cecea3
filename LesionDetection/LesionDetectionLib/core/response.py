"""The category of a response by RECIST 1.1, from the diameters of target lesions and from new lesions, with its reason.

Eisenhauer et al. 2009 (see :mod:`.targets`), section 4.3.1. Only this part of the guideline: see :data:`NOT_ASSESSED`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .errors import UsageError
from .targets import NORMAL_NODE_BELOW_MM

COMPLETE, PARTIAL, STABLE, PROGRESSION, NOT_EVALUABLE = "CR", "PR", "SD", "PD", "NE"
TITLES = {
    COMPLETE: "complete response",
    PARTIAL: "partial response",
    STABLE: "stable disease",
    PROGRESSION: "progressive disease",
    NOT_EVALUABLE: "not evaluable",
}
NOT_ASSESSED = (
    "Only target lesions and accepted new lesions were assessed, by diameters. Not assessed: non-target lesions, lesions that "
    "split or grew together, effusions, PET, markers, symptoms, a confirming scan, and a physician's judgement, all of which "
    "the response of a patient needs."
)

_PARTIAL_SHARE, _PROGRESSION_SHARE, _PROGRESSION_MM = 0.30, 0.20, 5.0
_ROUNDING = 1e-9
"""70 of 100 mm is a fall by 30 %, whatever the last digit of a division says."""


@dataclass(frozen=True)
class Target:
    """A target lesion at two times.

    Attributes:
        id: of the baseline's finding.
        node: a lymph node, measured by its short axis.
        baseline_mm: diameter then.
        now_mm: diameter now; 0 where it has disappeared; None where that is not known.
    """

    id: str
    node: bool
    baseline_mm: float
    now_mm: float | None


@dataclass(frozen=True)
class Response:
    """What came of it.

    Attributes:
        category: ``CR``, ``PR``, ``SD``, ``PD`` or ``NE``.
        reason: in one or two sentences.
        baseline_mm: sum of diameters of the target lesions at baseline.
        now_mm: the sum now; None where a diameter is not known.
        nadir_mm: the smallest sum before now, the baseline's included.
    """

    category: str
    reason: str
    baseline_mm: float
    now_mm: float | None
    nadir_mm: float

    @property
    def change_mm(self) -> float | None:
        """Since baseline."""
        return None if self.now_mm is None else self.now_mm - self.baseline_mm

    @property
    def change_percent(self) -> float | None:
        """Since baseline."""
        return None if self.change_mm is None or not self.baseline_mm else 100 * self.change_mm / self.baseline_mm

    @property
    def from_nadir_mm(self) -> float | None:
        """Since the smallest sum."""
        return None if self.now_mm is None else self.now_mm - self.nadir_mm

    @property
    def from_nadir_percent(self) -> float | None:
        """Since the smallest sum; None where that was 0."""
        return None if self.from_nadir_mm is None or not self.nadir_mm else 100 * self.from_nadir_mm / self.nadir_mm


def respond(targets: Sequence[Target], new_lesions: Sequence[str], earlier_sums_mm: Sequence[float] = ()) -> Response:
    """The category of target lesions and new lesions.

    Args:
        new_lesions: ids of those that a person accepted as new.
        earlier_sums_mm: sums of the same targets at the times between baseline and now; the smallest of all is what
            progression is measured from.

    Raises:
        UsageError: an earlier sum is negative.
    """
    if any(not value >= 0 for value in earlier_sums_mm):
        raise UsageError("A sum of diameters is 0 mm or more.")
    baseline = float(sum(target.baseline_mm for target in targets))
    nadir = min([baseline, *map(float, earlier_sums_mm)])
    known = float(sum(target.now_mm or 0.0 for target in targets))
    unknown = [target.id for target in targets if target.now_mm is None]
    if new_lesions:
        category, reason = PROGRESSION, _new_lesions(new_lesions)
    elif not targets:
        category, reason = (
            NOT_EVALUABLE,
            "There is no target lesion at baseline, so that nothing can be measured against it.",
        )
    elif _has_grown(known, nadir):
        # Without what is not known: that can only add to the sum.
        least = "at least " if unknown else ""
        category, reason = (
            PROGRESSION,
            (
                f"The sum of diameters is {least}{known:.1f} mm, {_compared(known, nadir)} the smallest before ({nadir:.1f} mm): "
                "at least 20 % and 5 mm more than the smallest is progression."
            ),
        )
    elif unknown:
        category, reason = NOT_EVALUABLE, _not_known(targets, unknown, earlier_sums_mm)
    else:
        category, reason = _without_progression(targets, baseline, known, nadir)
    return Response(category, reason, baseline, None if unknown else known, nadir)


def _has_grown(now_mm: float, nadir_mm: float) -> bool:
    rise = now_mm - nadir_mm
    return rise >= _PROGRESSION_MM - _ROUNDING and rise >= _PROGRESSION_SHARE * nadir_mm - _ROUNDING


def _without_progression(targets: Sequence[Target], baseline: float, now: float, nadir: float) -> tuple[str, str]:
    """Category and reason where all is known."""
    nodes, others = ([t for t in targets if t.node is node] for node in (True, False))
    if all(t.now_mm == 0 for t in others) and all((t.now_mm or 0) < NORMAL_NODE_BELOW_MM for t in nodes):
        parts = ["all target lesions have disappeared"] if others else []
        parts += [f"all target lymph nodes are below {NORMAL_NODE_BELOW_MM:g} mm short axis"] if nodes else []
        return COMPLETE, " and ".join(parts).capitalize() + "."
    if baseline - now >= _PARTIAL_SHARE * baseline - _ROUNDING:
        return PARTIAL, (
            f"The sum of diameters is {now:.1f} mm, {_compared(now, baseline)} at baseline ({baseline:.1f} mm): at least 30 % less "
            "than at baseline is a partial response."
        )
    smallest = f" and {_compared(now, nadir)} the smallest before ({nadir:.1f} mm)" if nadir < baseline else ""
    return STABLE, (
        f"The sum of diameters is {now:.1f} mm, {_compared(now, baseline)} at baseline ({baseline:.1f} mm){smallest}: neither 30 % "
        "less than at baseline nor 20 % and 5 mm more than the smallest."
    )


def _compared(now: float, before: float) -> str:
    """ "10.0 mm (20 %) more than"."""
    if abs(now - before) < 0.05:
        return "as much as"
    share = f" ({100 * abs(now - before) / before:.0f} %)" if before else ""
    return f"{abs(now - before):.1f} mm{share} {'more' if now > before else 'less'} than"


def _new_lesions(ids: Sequence[str]) -> str:
    were = "A new lesion was" if len(ids) == 1 else "New lesions were"
    return f"{were} accepted ({', '.join(ids)}): that is progression, whatever the target lesions do."


def _not_known(targets: Sequence[Target], unknown: Sequence[str], earlier_sums_mm: Sequence[float]) -> str:
    vanished = [replace(target, now_mm=0.0) if target.now_mm is None else target for target in targets]
    if_gone = respond(vanished, (), earlier_sums_mm).category
    one = len(unknown) == 1
    return (
        f"What became of the target {'lesion' if one else 'lesions'} {', '.join(unknown)} is not known: not found, or found "
        f"without an outline. Link or measure {'it' if one else 'them'}, or confirm that {'it has' if one else 'they have'} "
        f"disappeared; then it would be {if_gone}."
    )
