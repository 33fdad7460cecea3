"""Two scans of one patient compared: which lesion is which, how each changed, and the category by RECIST 1.1.

A state that is replaced, never changed, as :class:`.finding.Findings` is: what a person links, chooses or confirms gives
a new one, in which rows and category are worked out anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from .errors import UsageError
from .finding import Finding, Findings, Status
from .follow_up_rows import Row, row_of
from .pairing import Pairing
from .response import NOT_ASSESSED, Response, Target, respond
from .targets import NORMAL_NODE_BELOW_MM, check_targets, choose_targets, is_node, measured_mm, organ_of


@dataclass(frozen=True, eq=False)
class FollowUp:
    """A comparison of two times.

    Attributes:
        baseline, follow_up: all findings of each time.
        pairing: of those that are drawn in each; rejected ones take no part.
        organs: id of a baseline finding -> the organ it lies in, in words.
        chosen_targets: ids of the target lesions that a person chose; None for the program's choice.
        confirmed_gone: ids of baseline findings that, as a person says, have disappeared.
        earlier_sums_mm: sums of the targets' diameters at the times between the two.
        alignment: a sentence on how the scans were aligned.
    """

    baseline: Findings
    follow_up: Findings
    pairing: Pairing
    organs: Mapping[str, str] = field(default_factory=dict)
    chosen_targets: tuple[str, ...] | None = None
    confirmed_gone: frozenset[str] = frozenset()
    earlier_sums_mm: tuple[float, ...] = ()
    alignment: str = ""

    def __post_init__(self) -> None:
        for finding_id in (*self.organs, *self.confirmed_gone):
            self.baseline.get(finding_id)
        if self.chosen_targets is not None:
            present = {item.id for item in self.pairing.baseline}
            if absent := [finding_id for finding_id in self.chosen_targets if finding_id not in present]:
                raise UsageError(
                    f"{', '.join(absent)} cannot be a target: it was rejected or does not exist at baseline."
                )
            items = [self.baseline.get(finding_id) for finding_id in self.chosen_targets]
            check_targets(items, self.baseline.run.geometry, self.organs)

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Ids of the target lesions: the person's, or the largest measurable ones of those that the baseline reports."""
        if self.chosen_targets is not None:
            return self.chosen_targets
        return choose_targets(self.baseline.reported, self.baseline.run.geometry, self.organs)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Target lesions first, then other pairs, then what was not found again, then what is new."""
        grids = (self.baseline.run.geometry, self.follow_up.run.geometry)
        partners = {pair.baseline: pair for pair in self.pairing.pairs}
        before = sorted(self.pairing.baseline, key=lambda item: (item.id not in self.targets, item.id not in partners))
        rows = []
        for item in before:
            pair = partners.get(item.id)
            now = self.follow_up.get(pair.follow_up) if pair else None
            target, gone = item.id in self.targets, item.id in self.confirmed_gone
            rows.append(row_of(item, now, grids, pair, self.organs, target, gone))
        return (*rows, *(row_of(None, item, grids) for item in self.pairing.new))

    @cached_property
    def response(self) -> Response:
        now = {row.baseline_id: row for row in self.rows if row.target}
        targets = [self._target(now[finding_id]) for finding_id in self.targets if finding_id in now]
        return respond(targets, [item.id for item in self.new_lesions], self.earlier_sums_mm)

    @property
    def new_lesions(self) -> tuple[Finding, ...]:
        """Without a partner and accepted by a person; lymph nodes of a normal size are no lesions."""
        return tuple(item for item in self.pairing.new if item.status is Status.ACCEPTED and not _normal_node(item))

    @property
    def new_candidates(self) -> tuple[Finding, ...]:
        """Without a partner, and not decided on."""
        return tuple(item for item in self.pairing.new if item.status is Status.NEW and not _normal_node(item))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that must stand beside the category."""
        notes = [*dict.fromkeys((*self.baseline.run.warnings, *self.follow_up.run.warnings))]
        notes += [self.alignment] if self.alignment else []
        if self.new_candidates:
            ids = ", ".join(item.id for item in self.new_candidates)
            notes.append(
                f"In the follow-up {ids} have no partner and were not decided on: if one is accepted as a new lesion, the "
                "category is PD."
            )
        unknown = [
            finding_id for finding_id in self.targets if not organ_of(self.baseline.get(finding_id), self.organs)
        ]
        if unknown:
            notes.append(
                f"The organ of {', '.join(unknown)} is not known, so that the limit of two target lesions an organ was not "
                "applied to them."
            )
        unmeasured = [item.id for item in self.baseline.reported if measured_mm(item.lesion) is None]
        if unmeasured:
            notes.append(f"Without an outline and not measured at baseline: {', '.join(unmeasured)}.")
        return (*notes, NOT_ASSESSED)

    def updated(self, baseline: Findings | None = None, follow_up: Findings | None = None) -> FollowUp:
        """With findings as a person has changed them since. Pairs stay where both of their lesions are still drawn; what
        was added has no partner yet."""
        first, second = baseline or self.baseline, follow_up or self.follow_up
        drawn = ({item.id for item in first.drawn}, {item.id for item in second.drawn})
        pairs = tuple(pair for pair in self.pairing.pairs if pair.baseline in drawn[0] and pair.follow_up in drawn[1])
        return replace(
            self,
            baseline=first,
            follow_up=second,
            pairing=replace(self.pairing, baseline=first.drawn, follow_up=second.drawn, pairs=pairs),
            organs={key: organ for key, organ in self.organs.items() if key in drawn[0]},
            chosen_targets=None
            if self.chosen_targets is None
            else tuple(key for key in self.chosen_targets if key in drawn[0]),
            confirmed_gone=self.confirmed_gone & drawn[0],
        )

    def linking(self, baseline_id: str, follow_up_id: str) -> FollowUp:
        """With these two as one lesion. Raises UsageError where one takes no part."""
        paired = self.pairing.linking(baseline_id, follow_up_id)
        return replace(self, pairing=paired, confirmed_gone=self.confirmed_gone - {baseline_id})

    def unlinking(self, baseline_id: str) -> FollowUp:
        """With the pair of this baseline lesion undone. Raises UsageError where it is in none."""
        return replace(self, pairing=self.pairing.unlinking(baseline_id))

    def confirming_gone(self, ids: Iterable[str]) -> FollowUp:
        """With exactly these baseline lesions having disappeared, as a person says.

        Raises:
            UsageError: one has a partner, or does not exist.
        """
        ids = frozenset(ids)
        for pair in self.pairing.pairs:
            if pair.baseline in ids:
                raise UsageError(
                    f"The lesion {pair.baseline} is paired with {pair.follow_up} of the follow-up. Undo the pair first."
                )
        return replace(self, confirmed_gone=ids)

    def with_targets(self, ids: Sequence[str] | None) -> FollowUp:
        """With these target lesions; None for the program's choice. Raises UsageError where the guideline forbids them."""
        return replace(self, chosen_targets=None if ids is None else tuple(dict.fromkeys(ids)))

    def with_organs(self, organs: Mapping[str, str]) -> FollowUp:
        """With these organs, by id of the baseline. Raises UsageError where chosen targets are then too many in one."""
        return replace(self, organs=dict(organs))

    def _target(self, row: Row) -> Target:
        return Target(row.baseline_id, row.node, row.baseline_mm or 0.0, row.follow_up_mm)


def _normal_node(item: Finding) -> bool:
    size = measured_mm(item.lesion)
    return is_node(item.lesion) and size is not None and size < NORMAL_NODE_BELOW_MM
