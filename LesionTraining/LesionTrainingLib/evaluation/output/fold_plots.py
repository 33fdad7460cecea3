"""Precision over recall in each fold of a cross-validation, a thin line each, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .curve_plots import Mark
from .figures import COLORS, DASHES, INK, PAPER, QUIET, Plot, add_legend, as_png, new_figure, readable
from .tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = npt.NDArray[np.float64]
_MARK: dict[str, Any] = {"markeredgewidth": 1.6, "markersize": 9}


@dataclass(frozen=True, eq=False)
class FoldCurve:
    """One thin line. P = points.

    Attributes:
        fold: its number.
        recall: [P] in drawing order.
        precision: [P] NaN where it is not defined.
    """

    fold: int
    recall: FloatArray
    precision: FloatArray


@dataclass(frozen=True, eq=False)
class FoldCurves:
    """The folds' lines of one colour, and their mean.

    Attributes:
        name: for the legend.
        folds: the thin lines.
        recall: [M] rising, where the mean is drawn.
        precision: [M] the mean; NaN where it is not defined.
        marks: places to point out, hollow ones for values from elsewhere.
    """

    name: str
    folds: tuple[FoldCurve, ...]
    recall: FloatArray
    precision: FloatArray
    marks: tuple[Mark, ...] = ()


def fold_curves_plot(groups: Sequence[FoldCurves], *, title: str = "") -> Plot:
    """Precision (y) over recall (x), both from 0 to 1. Points are joined by straight lines, a single one is a dot."""
    figure, axes = new_figure(title, "Recall", "Precision", plain=True)
    for index, group in enumerate(groups):
        color, dash = COLORS[index % len(COLORS)], DASHES[index % len(DASHES)]
        for one in group.folds:
            dot: dict[str, Any] = {"marker": "o", "markersize": 3} if np.isfinite(one.precision).sum() == 1 else {}
            axes.plot(one.recall, one.precision, color=color, linewidth=0.8, alpha=0.4, **dot)
        axes.plot(group.recall, group.precision, color=color, linestyle=dash, linewidth=2.4, label=group.name, zorder=4)
        for mark in group.marks:
            face = "none" if mark.hollow else color
            edge = color if mark.hollow else PAPER
            axes.plot(
                [mark.x], [mark.y], "o", markerfacecolor=face, markeredgecolor=edge, clip_on=False, zorder=6, **_MARK
            )
    _explain_marks(axes, groups)
    for limits, ticks in ((axes.set_xlim, axes.set_xticks), (axes.set_ylim, axes.set_yticks)):
        limits(0, 1.02)  # a line along 1 is seen whole
        ticks(np.linspace(0, 1, 6).tolist())
    if any(np.isfinite(one.precision).any() for group in groups for one in group.folds):
        add_legend(axes, "lower left")
    else:
        text = axes.text(0.5, 0.5, "Nothing to show", transform=axes.transAxes, ha="center", color=INK, fontsize=11)
        readable(text)
    names = "; ".join(group.name for group in groups) or "no curve"
    return Plot(
        as_png(figure), _as_table(groups), f"Precision over recall, a line for each fold and their mean: {names}."
    )


def mean_precision(curves: Sequence[FloatArray]) -> FloatArray:
    """[M] mean of the folds' precisions, [M] each at the same recalls; NaN where one of them has none: a mean of fewer folds
    would jump there."""
    return np.mean(np.stack(curves), axis=0) if curves else np.zeros(0)


def _explain_marks(axes: Axes, groups: Sequence[FoldCurves]) -> None:
    """An entry in the legend for each name of a mark, in grey: their colours are the lines'."""
    for mark in {mark.name: mark for group in groups for mark in group.marks}.values():
        face = "none" if mark.hollow else QUIET
        axes.plot([], [], "o", markerfacecolor=face, markeredgecolor=QUIET, label=mark.name, **_MARK)


def _as_table(groups: Sequence[FoldCurves]) -> Table:
    """Points, means and marks below each other; the column ``part`` says which a row is."""
    rows = list[tuple[Cell, ...]]()
    for group in groups:
        for one in group.folds:
            points = zip(one.recall.tolist(), one.precision.tolist(), strict=True)
            rows += [(group.name, "fold", one.fold, recall, precision, "") for recall, precision in points]
        mean = zip(group.recall.tolist(), group.precision.tolist(), strict=True)
        rows += [(group.name, "mean", None, recall, precision, "") for recall, precision in mean]
        rows += [(group.name, "mark", None, mark.x, mark.y, mark.name) for mark in group.marks]
    return Table(("curve", "part", "fold", "recall", "precision", "mark"), tuple(rows))
