"""The same marks under every policy: which lesions and marks they judge differently, and why, in a sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..matching.findings import ImageFindings
from ..matching.outcome import Fate
from ..matching.reasons import why_lesion, why_mark
from ..output.tables import Cell, Table
from .scored import Scored

FOUND, MISSED = "hit", "missed"
_VERDICTS = {
    Fate.HIT: "true",
    Fate.FALSE: "false",
    Fate.SECOND: "ignored",
    Fate.EXCLUDED: "ignored",
    Fate.BEYOND_LIMIT: "ignored",
    Fate.NOT_SHOWN: "not shown",
}


def compared(scored: Sequence[Scored]) -> Table:
    """One row a policy: what the same marks are worth."""
    rows = list[tuple[Cell, ...]]()
    for one in scored:
        values = one.summary
        lesions = values.get("lesions", values.get("nodules"))
        figure, name = _figure(values)
        rows.append(
            (
                one.policy.name,
                lesions,
                values["true_positives"],
                values["false_positives"],
                values["sensitivity"],
                name,
                figure,
            )
        )
    columns = ("protocol", "lesions", "found", "false positives", "sensitivity", "its own figure", "value")
    return Table(
        columns, tuple(rows), "All marks, whatever their score (autopet: those that its operating point shows)."
    )


def lesion_disagreements(scored: Sequence[Scored]) -> Table:
    """One row for each lesion that some policies call found and others missed."""
    policies = [one.policy for one in scored]
    rows = list[tuple[Cell, ...]]()
    for index, image in enumerate(scored[0].images):
        outcomes = [one.outcomes[index] for one in scored]
        for lesion in range(len(image.truth)):
            found = [bool(outcome.lesion_marks[lesion] >= 0) for outcome in outcomes]
            if len(set(found)) > 1:
                pairs = zip(policies, outcomes, strict=True)
                why = [why_lesion(policy, image, outcome, lesion) for policy, outcome in pairs]
                verdicts = [FOUND if hit else MISSED for hit in found]
                rows.append((image.image, lesion + 1, _diameter(image, lesion), *verdicts, _sentence(why)))
    return Table(
        ("image", "lesion", "diameter_mm", *(policy.name for policy in policies), "why"), tuple(rows), digits=1
    )


def mark_disagreements(scored: Sequence[Scored]) -> Table:
    """One row for each mark that some policies call a false positive and others not."""
    policies = [one.policy for one in scored]
    rows = list[tuple[Cell, ...]]()
    for index, image in enumerate(scored[0].images):
        outcomes = [one.outcomes[index] for one in scored]
        for mark in image.marks.order.tolist():
            fates = [Fate(outcome.fates[mark]) for outcome in outcomes]
            if 0 < fates.count(Fate.FALSE) < len(fates):
                pairs = zip(policies, outcomes, strict=True)
                why = [why_mark(policy, image, outcome, mark) for policy, outcome in pairs]
                verdicts = [_VERDICTS[fate] for fate in fates]
                rank, score = int(image.marks.ranks[mark]), float(image.marks.scores[mark])
                rows.append((image.image, rank, score, *verdicts, f"Mark {rank} (score {score:.3g}). {_sentence(why)}"))
    return Table(("image", "mark", "score", *(policy.name for policy in policies), "why"), tuple(rows))


def for_people(table: Table) -> Table:
    """A table of disagreements with the verdicts in one column, so that the sentence has room."""
    policies = range(3, len(table.columns) - 1)
    rows = []
    for row in table.rows:
        grouped = dict[Cell, list[str]]()
        for column in policies:
            grouped.setdefault(row[column], []).append(table.columns[column])
        verdicts = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in grouped.items())
        rows.append((*row[:3], verdicts, row[-1]))
    return replace(table, columns=(*table.columns[:3], "judged", "why"), rows=tuple(rows))


def _figure(values: object) -> tuple[Cell, str]:
    """The number that the protocol's users compare, and its name."""
    assert isinstance(values, dict)
    for name in ("picai_score", "mean_average_precision", "average_precision", "dice", "cpm"):
        value = values.get(name)
        if value is not None and value == value:
            return value, {"cpm": "CPM", "dice": "Dice"}.get(name, name.replace("_", " "))
    name = next((name for name in values if name.startswith("mean_sensitivity")), "sensitivity")
    return values[name], name.replace("_", " ")


def _diameter(image: ImageFindings, lesion: int) -> float:
    return float(image.truth.diameters_mm[lesion])


def _sentence(reasons: list[str]) -> str:
    """Reasons as one sentence; what several say in the same words before the colon is said once."""
    merged = dict[str, list[str]]()
    for reason in reasons:
        what, _, verdict = reason.rpartition(": ")
        merged.setdefault(what, []).append(verdict)
    text = "; ".join(f"{what}: {', '.join(verdicts)}" for what, verdicts in merged.items())
    return f"{text[:1].upper()}{text[1:]}."
