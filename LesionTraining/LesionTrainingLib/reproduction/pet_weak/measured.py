"""What is read of the outlines: Dice coefficients, foci, labels; and how two rows compare on the same patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from LesionDetectionLib.core.errors import InputError

from ...evaluation.metrics.wilcoxon import PairedComparison, wilcoxon
from ...radiomics.comparison import AucDifference, compared
from ...radiomics.study import Study
from ..spread import Spread
from .fold_work import FoldResult
from .found import Found
from .outcomes_told import RowTold
from .paper import LABELS
from .rows import NETWORK_ROWS, OUR_ROW, TableRow


@dataclass(frozen=True, eq=False)
class Outlined:
    """The outlines of one row, in all patients of one label that were tested.

    Attributes:
        row: which.
        folds: number -> what was found in the fold's own patients.
    """

    row: TableRow
    folds: Mapping[int, tuple[Found, ...]]

    @cached_property
    def found(self) -> tuple[Found, ...]:
        """Of all patients."""
        return tuple(one for some in self.folds.values() for one in some)

    @cached_property
    def dice(self) -> Spread:
        """Over the patients whose tumours are drawn, as the paper has it."""
        return Spread.of([one.dice for one in self.found])

    @cached_property
    def first_dice(self) -> Spread:
        """The same of the mark with the highest score alone."""
        return Spread.of([one.first_dice for one in self.found])

    @property
    def hits(self) -> tuple[int, int]:
        """Patients whose focus lies in a drawn tumour, of how many."""
        known = [one.hit for one in self.found if one.hit is not None]
        return sum(known), len(known)

    @property
    def rightly_said(self) -> tuple[int, int]:
        """Patients whose label is told rightly, of how many; none where the network tells no label."""
        said = [one for one in self.found if one.said]
        return sum(one.said == one.label for one in said), len(said)

    @property
    def without_marks(self) -> int:
        return sum(not one.marks for one in self.found)


def outlined(table: int, folds: Mapping[int, FoldResult]) -> dict[str, Outlined]:
    """Row's name -> its outlines in the patients of a table, of rows that have networks."""
    label = LABELS[table]
    return {
        row.name: Outlined(
            row,
            {
                number: tuple(one for one in result.rows[row.name].found if one.label == label)
                for number, result in folds.items()
            },
        )
        for row in NETWORK_ROWS
        if all(row.name in result.rows for result in folds.values())
    }


def dice_compared(rows: Mapping[str, Outlined]) -> tuple[PairedComparison, ...]:
    """Our row against each other one, Dice of the same patients."""
    ours = {one.case: one.dice for one in rows[OUR_ROW.name].found if isfinite(one.dice)}
    found = []
    for name, one in rows.items():
        theirs = {each.case: each.dice for each in one.found if isfinite(each.dice)}
        common = sorted(set(ours) & set(theirs))
        if name != OUR_ROW.name and common:
            pair = [ours[case] for case in common], [theirs[case] for case in common]
            found.append(wilcoxon(*pair, names=(OUR_ROW.title, one.row.title)))
    return tuple(found)


@dataclass(frozen=True)
class ToldCompared:
    """Our row against another one, outcomes of the same patients.

    Attributes:
        other: the row.
        right: ours and the other's, 1 where the outcome is told rightly and 0 where not: McNemar's exact test, which is what
            Wilcoxon's is of such values.
        auc: difference of the areas.
    """

    other: TableRow
    right: PairedComparison
    auc: AucDifference


def told_compared(rows: Mapping[str, RowTold], samples: int, seed: int) -> tuple[ToldCompared, ...]:
    """Our row against each other one, where both tell patients of both outcomes.

    Args:
        samples: of the bootstrap.
    """
    ours = rows[OUR_ROW.name].study
    found = []
    for name, one in rows.items():
        if name == OUR_ROW.name or ours is None or one.study is None or not samples:
            continue
        own, other = right_of(ours), right_of(one.study)
        common = sorted(set(own) & set(other))
        try:
            difference = compared(ours, one.study, samples, seed)
        except InputError:  # no patients of both outcomes in common
            continue
        pair = [own[patient] for patient in common], [other[patient] for patient in common]
        test = wilcoxon(*pair, names=(OUR_ROW.title, one.row.title))
        found.append(ToldCompared(one.row, test, difference))
    return tuple(found)


def right_of(study: Study) -> dict[str, float]:
    """Patient -> 1 where the outcome is told rightly in its fold, else 0."""
    return {
        patient: float((probability >= fold.threshold) == positive)
        for fold in study.folds
        for patient, probability, positive in zip(fold.patients, fold.probabilities, fold.positive, strict=True)
    }


def spread_over_folds(study: Study, score: str) -> Spread:
    """Of accuracy, sensitivity, specificity or auc."""
    return Spread.of([float(getattr(fold, score)) for fold in study.folds])


def typical(found: Sequence[Found], count: int) -> tuple[Found, ...]:
    """So many patients, from the lowest Dice to the highest, evenly over the ranks."""
    ranked = sorted((one for one in found if isfinite(one.dice)), key=lambda one: (one.dice, one.case))
    if not ranked or not count:
        return ()
    places = np.unique(np.round(np.linspace(0, len(ranked) - 1, min(count, len(ranked)))).astype(int))
    return tuple(ranked[place] for place in places)
