"""Figures 5 and 6 of the paper: precision and recall as T_R, or T_S, rises, in each fold and on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...evaluation.blob_detection import FULL, RESPONSE, SIZE, VerificationCurve, verification_curve
from ...evaluation.output.fold_plots import FoldCurve, FoldCurves, fold_curves_plot, mean_precision
from ...evaluation.output.plots import Mark, Plot
from ..spread import Spread
from .measured import FoldSlices, Measured
from .paper import TABLE_1, TEST, TRAINING

_FIGURE = {RESPONSE: 5, SIZE: 6}
_SYMBOL = {RESPONSE: "T_R", SIZE: "T_S"}
_RECALLS = np.linspace(0, 1, 101)


def figures(
    folds: Sequence[FoldSlices], rows: Sequence[Measured], name: str, training: str, test: str
) -> dict[str, Plot]:
    """Stem -> plot: for each threshold one of the training slices and one of the test slices.

    Args:
        rows: of Table 1, whose means are the dots.
        name: what was measured on, in a few words, for the titles.
        training, test: the same with counts, for the captions.
    """
    found = {}
    for swept in (RESPONSE, SIZE):
        stem = f"fig{_FIGURE[swept]}"
        found[f"{stem}_training"] = _of_training(folds, rows, swept, name, training)
        found[f"{stem}_test"] = _of_test(folds, rows, swept, name, test)
    return found


def _of_training(folds: Sequence[FoldSlices], rows: Sequence[Measured], swept: str, name: str, data: str) -> Plot:
    curves = {one.number: verification_curve(one.training, swept) for one in folds}
    only = _group(f"{_SYMBOL[swept]} alone", curves, _marks(rows, TRAINING, swept))
    plot = fold_curves_plot([only], title=f"{_SYMBOL[swept]}, training slices: {name}")
    return replace(plot, caption=_caption(swept, data, "dot: the mean of Table 1, ring: the paper’s."))


def _of_test(folds: Sequence[FoldSlices], rows: Sequence[Measured], swept: str, name: str, data: str) -> Plot:
    other = SIZE if swept == RESPONSE else RESPONSE
    alone = {one.number: verification_curve(one.test, swept) for one in folds}
    both = {
        one.number: verification_curve(one.test, swept, one.least_area if swept == RESPONSE else one.least_response)
        for one in folds
    }
    groups = [
        _group(f"{_SYMBOL[swept]} alone", alone, _marks(rows, TEST, swept)),
        _group(f"{_SYMBOL[swept]} with {_SYMBOL[other]} fixed", both, _marks(rows, TEST, FULL)),
    ]
    plot = fold_curves_plot(groups, title=f"{_SYMBOL[swept]}, test slices: {name}")
    text = f"{_SYMBOL[other]} fixed where the fold’s training slices put it. Dots: the means of Table 1, rings: the paper’s."
    return replace(plot, caption=_caption(swept, data, text))


def _caption(swept: str, data: str, text: str) -> str:
    return (
        f"As Fig. {_FIGURE[swept]} of the paper, on {data}; the paper’s own curves are on its data, and not drawn here. Thin: each "
        f"fold; thick: the mean of the best precision at each recall or a higher one, as far as all folds reach; {text}"
    )


def _group(name: str, curves: dict[int, VerificationCurve], marks: tuple[Mark, ...]) -> FoldCurves:
    thin = tuple(
        FoldCurve(number, curve.recall[::-1], curve.precision[::-1])  # rising to the right
        for number, curve in curves.items()
    )
    mean = mean_precision([curve.precision_at(_RECALLS) for curve in curves.values()])
    return FoldCurves(name, thin, _RECALLS if len(mean) else np.zeros(0), mean, marks)


def _marks(rows: Sequence[Measured], data: str, variant: str) -> tuple[Mark, ...]:
    """Where a variant of Table 1 lies, ours and the paper's."""
    printed = TABLE_1[data, variant]
    marks = [Mark("Table 1 of the paper, its own data", printed.recall[0], printed.precision[0], hollow=True)]
    for row in rows:
        recall, precision = Spread.of(row.recall).mean, Spread.of(row.precision).mean
        if (row.data, row.variant) == (data, variant) and recall == recall and precision == precision:
            marks.append(Mark("Table 1, ours", recall, precision))
    return tuple(marks)
