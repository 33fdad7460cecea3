"""What is said of the results: the lead, warnings, a line for each fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...cohorts.cohort import LeftOut
from ..contract import Job
from ..spread import Spread
from ..wording import counted, unused
from .data import Told, data_name, is_drawn, measured_on
from .fold_work import FoldResult
from .measured import Outlined, spread_over_folds
from .outcomes_told import RowTold
from .paper import LABELS, PRINTED
from .rows import OUR_ROW, RPET_ROW
from .settings import preset_settings
from .tables import spread_text

_FEW = 20
"""Patients a label below which a fold tests on a handful."""


@dataclass(frozen=True, eq=False)
class TableResults:
    """One of the paper's tables.

    Attributes:
        number: of it.
        outcome: what became of its patients.
        outlined: row's name -> its outlines.
        told: row's name -> what it tells of the outcomes.
        patients: that were tested.
    """

    number: int
    outcome: Told
    outlined: Mapping[str, Outlined]
    told: Mapping[str, RowTold]
    patients: int

    @property
    def label(self) -> str:
        return LABELS[self.number]


@dataclass(frozen=True, eq=False)
class Results:
    """All that was done. Attributes: folds by number; every, how many there are; tables."""

    folds: Mapping[int, FoldResult]
    every: int
    tables: tuple[TableResults, ...]

    @property
    def some(self) -> tuple[int, ...]:
        """The folds, where these are not all."""
        return tuple(self.folds) if len(self.folds) < self.every else ()


def named_data(job: Job, results: Results, one: TableResults) -> str:
    """What a table was measured on."""
    return measured_on(job.cohort, one.patients, one.label, results.some)


def lead_of(job: Job, results: Results) -> str:
    return " ".join(_of_table(job, results, one) for one in results.tables)


def _of_table(job: Job, results: Results, one: TableResults) -> str:
    printed = PRINTED[one.number][OUR_ROW.name]
    assert printed.dice
    assert printed.auc
    text = f"{named_data(job, results, one)}: Dice {spread_text(one.outlined[OUR_ROW.name].dice)} (the paper on its own data: {printed.dice[0]:.2f})"
    study, other = one.told[OUR_ROW.name].study, one.told[RPET_ROW.name].study
    if study is None:
        return f"{text}."
    text += f", AUC {spread_text(spread_over_folds(study, 'auc'))} (the paper: {printed.auc[0]:.2f})"
    if other is None:
        return f"{text}."
    theirs = PRINTED[one.number][RPET_ROW.name].auc
    assert theirs
    return f"{text}, that of 3d-rpet-Net {spread_text(spread_over_folds(other, 'auc'))} (the paper: {theirs[0]:.2f})."


def warnings_of(job: Job, results: Results) -> tuple[str, ...]:
    """What makes the figures mean less than they seem."""
    told = list[str]()
    if job.cohort.on_phantoms:
        told.append(
            "Measured on computer-made phantoms, no patients: our figures say nothing about patients. Their outcomes are invented, from how the "
            "tumours were made and from chance: even who knew all of that would not tell everyone rightly. The paper’s figures are of its own data; the two cannot be compared, and neither can "
            "the steps from row to row."
        )
    if job.preset != "paper":
        told.append(
            f"Preset “{job.preset}”: narrower networks, fewer steps and fewer features than the paper’s. “--preset paper” has its sizes."
        )
    if job.settings != preset_settings(job.preset):
        told.append(f"Some settings are not those of the preset “{job.preset}”; tables.json has all.")
    if results.some:
        told.append(f"{counted(len(results.folds), 'fold')} of {results.every}: the others are not in these figures.")
    if not is_drawn(job.cohort):
        told.append(
            "No tumour is drawn here: there is no Dice, and no U-NET, which learns from drawn tumours, as 3d-rpet-Net does in its way."
        )
    for one in results.tables:
        if one.patients < _FEW:
            told.append(
                f"Only {counted(one.patients, 'patient')} with a tumour of the {one.label}: deviations and p are rough."
            )
        undrawn = sum(found.dice != found.dice for found in one.outlined[OUR_ROW.name].found)
        if undrawn and is_drawn(job.cohort):
            told.append(
                f"{counted(undrawn, 'patient')} with a tumour of the {one.label} {'has' if undrawn == 1 else 'have'} no Dice: a tumour is not drawn, or the "
                "annotated point lies in none that is."
            )
        if one.outcome.why_not:
            told.append(one.outcome.why_not)
        told += [
            f"{each.row.title}, {one.label}: {each.why_not}"
            for each in one.told.values()
            if each.why_not and not one.outcome.why_not
        ]
    return (*told, *_left_out(results), *unused(job.cohort.left_out), *job.cohort.notes)


def _left_out(results: Results) -> tuple[str, ...]:
    """Patients that could not be learned from or looked at, and outlines without features."""
    told = list[str]()
    rows = [row for fold in results.folds.values() for row in fold.rows.values()]
    not_seen = [left for row in rows for left in row.left_out]
    not_learned = [LeftOut(*pair) for row in rows for pair in row.record.get("left_out", [])]
    for some, what in ((not_seen, "looked at, and count in no figure"), (not_learned, "learned from")):
        if some:
            count = len({left.case for left in some})
            told.append(f"{counted(count, 'patient')} could not be {what}. The first, {some[0].case}: {some[0].reason}")
    for one in results.tables:
        for each in one.told.values():
            if each.study is not None and each.left_out:
                first = each.left_out[0]
                told.append(
                    f"{each.row.title}, {one.label}: of {counted(len(each.left_out), 'patient')} there are no features, and no outcome is told. "
                    f"The first, {first.case}: {first.reason}"
                )
    return tuple(told)


def begin_line(job: Job, folds: int, outcomes: Mapping[int, Told]) -> str:
    """What is to be done."""
    counts = ", ".join(
        f"{sum(getattr(case, 'label', '') == LABELS[table] for case in job.cohort.cases)} {LABELS[table]} "
        f"({len(told.values)} with an outcome)"
        for table, told in outcomes.items()
    )
    return f"{data_name(job.cohort)}: {counts}; {counted(folds, 'fold')}."


def fold_line(one: FoldResult, done: int, every: int) -> str:
    """``Fold 3 (1 of 5), 16 patients: Dice CAMs alone 0.41, CAMs & FCNs 0.52, Our 0.61, U-NET 0.58; fitted in 812 s.``"""
    dices = ", ".join(f"{row.row.title} {_mean([found.dice for found in row.found])}" for row in one.rows.values())
    seconds = sum(fit["seconds"] for name, row in one.rows.items() for fit in _own_fits(name, row.record).values())
    return f"Fold {one.fold.number} ({done} of {every}), {counted(len(one.fold.test), 'patient')}: Dice {dices}; fitted in {seconds:.0f} s."


def _own_fits(name: str, record: Mapping[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Of a network the fits that no other row has."""
    fits = record["fits"]
    return {fit: values for fit, values in fits.items() if len(fits) == 1 or fit != "classification"}


def table_line(one: TableResults) -> str:
    """``Table 1, oesophagus: Our, Dice 0.61 ± 0.12, AUC 0.63 ± 0.11.``"""
    study = one.told[OUR_ROW.name].study
    auc = spread_text(spread_over_folds(study, "auc")) if study else "not told"
    return f"Table {one.number}, {one.label}: {OUR_ROW.title}, Dice {spread_text(one.outlined[OUR_ROW.name].dice)}, AUC {auc}."


def _mean(values: list[float]) -> str:
    mean = Spread.of(values).mean
    return f"{mean:.2f}" if mean == mean else "–"
