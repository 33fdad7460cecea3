"""How far a detector can be believed: sensitivity by size, calibration of its scores, agreement of its diameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..metrics.calibration import Reliability
from ..metrics.diameters import diameter_agreement
from ..metrics.proportions import wilson_interval
from .figures import COLORS, INK, PAPER, QUIET, RULE, Plot, add_legend, as_png, new_figure, readable, style_axes
from .tables import Table

_SHARE_TICKS = np.linspace(0, 1, 6)
_SHORT_NUMBER = 10_000
"""Counts below this fit the margins of a plain figure."""
_ABOVE_HISTOGRAM = 0.32
"""Where the axes begin that have a histogram below them, as a share of the figure's height."""


def size_plot(names: Sequence[str], found: Sequence[int], every: Sequence[int], *, title: str = "") -> Plot:
    """Lesions of each size band (bars: all, and found of them) with the sensitivity written above.

    Args:
        names: of the bands: ``"6 to 10 mm"``.
        found: lesions found of each band.
        every: all lesions of each band.
    """
    figure, axes = new_figure(title, "Diameter", "Lesions", plain=max([*every, 0]) < _SHORT_NUMBER)
    axes.grid(False, axis="x")
    places = np.arange(len(names))
    axes.bar(places, every, width=0.68, color=RULE, label="all")
    axes.bar(places, found, width=0.68, color=COLORS[0], label="found")
    rows = []
    for place, (name, hit, total) in enumerate(zip(names, found, every, strict=True)):
        low, high = map(float, wilson_interval(hit, total))
        share = hit / total if total else float("nan")
        rows.append((name, int(hit), int(total), share, low, high))
        text = f"{100 * share:.0f} %\n{hit} of {total}" if total else "none"
        axes.annotate(text, (place, total), (0, 4), textcoords="offset points", ha="center", color=INK, fontsize=9)
    axes.set_xticks(places, list(names))
    axes.set_ylim(0, 1.2 * max([*every, 1]))
    add_legend(axes, "upper right")
    data = Table(("diameter", "found", "all", "sensitivity", "lower_95", "upper_95"), tuple(rows))
    told = ", ".join(f"{hit} of {total} at {name}" for name, hit, total in zip(names, found, every, strict=True))
    return Plot(as_png(figure), data, f"Lesions found by size: {told}.")


def reliability_plot(reliability: Reliability, *, title: str = "") -> Plot:
    """Share that were lesions (y) of the marks with scores in each bin (x), and below it how many marks those are."""
    plain = int(reliability.counts.max(initial=0)) < _SHORT_NUMBER
    figure, axes = new_figure(title, "", "Share that are lesions", plain=plain)
    if plain:
        figure.subplots_adjust(bottom=_ABOVE_HISTOGRAM)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)), label="perfect")
    filled = reliability.counts > 0
    lower, upper = wilson_interval(reliability.positives[filled], reliability.counts[filled])
    x, y = reliability.mean_score[filled], reliability.observed[filled]
    axes.vlines(x, lower, upper, color=COLORS[0], linewidth=1.2, alpha=0.5)
    axes.plot(x, y, "o-", color=COLORS[0], markeredgecolor=PAPER, markersize=7, linewidth=1.6, label="observed")
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=_SHARE_TICKS)
    axes.tick_params(labelbottom=False)
    add_legend(axes, "upper left")
    below = axes.inset_axes((0, -0.3, 1, 0.24))
    style_axes(below, "Score", "Marks")
    edges = reliability.edges
    below.bar(edges[:-1], reliability.counts, np.diff(edges), align="edge", color=COLORS[0], edgecolor=PAPER)
    below.set_xlim(0, 1)
    below.locator_params(axis="y", nbins=3)
    return Plot(as_png(figure), _reliability_table(reliability), "Reliability: share of lesions among marks by score.")


def _reliability_table(reliability: Reliability) -> Table:
    low, high = wilson_interval(reliability.positives, reliability.counts)
    columns = (reliability.edges[:-1], reliability.edges[1:], reliability.mean_score, reliability.observed, low, high)
    rows = tuple(
        (*(float(cell) for cell in row), int(count)) for *row, count in zip(*columns, reliability.counts, strict=True)
    )
    return Table(("score_from", "score_to", "mean_score", "observed", "lower_95", "upper_95", "marks"), rows)


def bland_altman_plot(measured_mm: npt.ArrayLike, true_mm: npt.ArrayLike, *, title: str = "") -> Plot:
    """Measured minus true diameter (y) over the mean of both (x), with bias and limits of agreement.

    Raises:
        InputError: see :func:`~LesionTrainingLib.evaluation.metrics.diameters.diameter_agreement`.
    """
    agreement = diameter_agreement(measured_mm, true_mm)
    measured = np.asarray(measured_mm, dtype=np.float64)
    true = np.asarray(true_mm, dtype=np.float64)
    mean, difference = (measured + true) / 2, measured - true
    figure, axes = new_figure(title, "Mean of measured and true diameter (mm)", "Measured − true (mm)")
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.plot(mean, difference, "o", color=COLORS[0], markeredgecolor=PAPER, markersize=6, alpha=0.75)
    for value, name, dashes in (
        (agreement.bias_mm, "bias", "-"),
        (agreement.lower_limit_mm, "lower limit", (0, (6, 3))),
        (agreement.upper_limit_mm, "upper limit", (0, (6, 3))),
    ):
        if np.isnan(value):  # the limits of fewer than two
            continue
        axes.axhline(value, color=COLORS[1], linewidth=1.3, linestyle=dashes)
        words = axes.annotate(
            f"{name} {value:+.1f} mm".replace("-", "−"),
            (1, value),
            (-4, 4),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            color=INK,
            fontsize=8,
        )
        readable(words)
    rows = tuple(
        (float(a), float(b), float(m), float(d)) for a, b, m, d in zip(measured, true, mean, difference, strict=True)
    )
    data = Table(("measured_mm", "true_mm", "mean_mm", "difference_mm"), rows)
    return Plot(as_png(figure), data, f"Bland-Altman plot of diameters. {agreement.sentence()}")
