"""ROC curves of all rows that tell outcomes, with the paper's means as rings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...evaluation.metrics.roc import roc
from ...evaluation.output.plots import Curve, Mark, Plot, roc_plot
from .outcomes_told import RowTold
from .paper import PRINTED

_RING = "the paper’s means, its own data"


def roc_figure(table: int, told: Mapping[str, RowTold], title: str, data: str) -> Plot | None:
    """One curve a row, of all its patients together; None where no row tells outcomes.

    Args:
        title: of the outcome and what it was measured on.
        data: the same with counts, for the caption.
    """
    curves = list[Curve]()
    for one in told.values():
        study = one.study
        if study is None:
            continue
        curve = roc(study.probabilities, study.positive)
        printed = PRINTED[table].get(one.row.name)
        marks = list[Mark]()
        if printed is not None and printed.sensitivity and printed.specificity:
            marks.append(Mark(_RING, 1 - printed.specificity[0], printed.sensitivity[0], hollow=True))
        name = f"{one.row.title.partition(' (')[0]}, AUC {curve.auc:.2f}"
        curves.append(Curve(name, curve.false_positive_rate, curve.sensitivity, marks=tuple(marks)))
    if not curves:
        return None
    plot = roc_plot(curves, title=title)
    caption = (
        f"On {data}. Each patient as told by what learned from the other folds, all folds together: their probabilities are not of one "
        "scale, so that the pooled area may differ from the mean over the folds. Rings, in the colour of the row: mean sensitivity and "
        "specificity that the paper prints of its own data."
    )
    return replace(plot, caption=caption)
