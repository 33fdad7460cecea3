"""How many there are of each size and of each score: histograms, and the sensitivity by size with its intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..metrics.proportions import wilson_interval
from .figures import COLORS, INK, PAPER, QUIET, Plot, add_legend, as_png, new_figure
from .tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = npt.NDArray[np.float64]

FOUND, MISSED = COLORS[0], COLORS[1]
"""Of bars and of the outlines in pictures: what was found, and what went wrong."""
_WIDTHS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_MOST_BINS = 24
_LEAST_COUNT = 4
"""A histogram of counts goes at least so far, or its bars would be as wide as the page."""
_SHORT_NUMBER = 10_000
"""Counts below this fit the margins of a plain figure."""


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars of one colour, stacked on those before them.

    Attributes:
        name: for the legend and the data: ``found``.
        values: [n] one each; NaN where unknown.
        color: of the bars.
    """

    name: str
    values: FloatArray
    color: str


def histogram(
    parts: Sequence[Bars], edges: FloatArray, *, what: str, x: str, column: str = "mm", missing: str = "of unknown size"
) -> Plot:
    """Stacked bars: how many values of each part lie in each bin. What lies beyond the last edge is in the last bin, and
    below the first in the first, so that the bars and the unknown ones make up the whole.

    Args:
        edges: [B + 1] rising, of the bins: the lower end is included, the upper not, but for the last.
        what: the values are of: ``nodules``.
        x: label of the axis.
        column: what the data calls the edges: ``mm`` gives ``from_mm`` and ``to_mm``.
        missing: what the caption calls values that are NaN.
    """
    counted = [_counts(part.values, edges) for part in parts]
    total = sum(counted, np.zeros(len(edges) - 1, dtype=np.intp))
    figure, axes = new_figure("", x, what[:1].upper() + what[1:], plain=total.max(initial=0) < _SHORT_NUMBER)
    axes.grid(False, axis="x")
    below = np.zeros(len(total), dtype=np.intp)
    for part, counts in zip(parts, counted, strict=True):
        axes.bar(
            edges[:-1], counts, np.diff(edges), bottom=below, align="edge", color=part.color, edgecolor=PAPER,
            linewidth=0.8, label=f"{part.name}: {len(part.values)}"
        )  # fmt: skip
        below = below + counts
    _finish(axes, edges, int(total.max(initial=0)), len(parts) > 1)
    unknown = [int(np.isnan(part.values).sum()) for part in parts]
    rows: list[tuple[Cell, ...]] = [
        (float(low), float(high), *(int(counts[index]) for counts in counted))
        for index, (low, high) in enumerate(pairwise(edges))
    ]
    if any(unknown):
        rows.append((None, None, *unknown))
    data = Table((f"from_{column}", f"to_{column}", *(part.name.replace(" ", "_") for part in parts)), tuple(rows))
    told = ", ".join(f"{len(part.values)} {part.name}" for part in parts)
    caption = f"{sum(unknown)} {missing} {'is' if sum(unknown) == 1 else 'are'} not drawn." if any(unknown) else ""
    return Plot(as_png(figure), data, f"Histogram of {what} by {x.lower()}: {told}.", caption)


def size_edges(*diameters_mm: FloatArray) -> FloatArray:
    """[B + 1] edges in mm from 0, of a round width, so that all known diameters have at most 24 bins."""
    known = np.concatenate([*diameters_mm, np.zeros(0)])
    known = known[np.isfinite(known)]
    return _edges(0.0, float(known.max()) if known.size else 10.0, least=1.0)


def score_edges(scores: FloatArray) -> FloatArray:
    """[B + 1] edges of scores: twenty from 0 to 1 where all lie there, else of a round width."""
    known = scores[np.isfinite(scores)]
    if not known.size or (known.min() >= 0 and known.max() <= 1):
        return np.linspace(0, 1, 21)
    return _edges(min(0.0, float(known.min())), float(known.max()))


def count_edges(counts: FloatArray) -> FloatArray:
    """[B + 1] edges half way between whole numbers, or between multiples of a round number where there are many."""
    most = float(counts.max(initial=_LEAST_COUNT))
    width = max(1.0, _width(most + 1))
    return np.arange(0.0, most + width + 1, width)[: int(most // width) + 2] - 0.5


def sensitivity_plot(names: Sequence[str], found: Sequence[int], every: Sequence[int]) -> Plot:
    """Sensitivity (dots) of each size band with its 95 % interval by Wilson (lines), and how many lesions that is.

    Args:
        names: of the bands: ``6 to 10 mm``.
        found, every: lesions of each band.
    """
    figure, axes = new_figure("", "Diameter", "Sensitivity", plain=True)
    axes.grid(False, axis="x")
    lower, upper = wilson_interval(found, every)
    rows: list[tuple[Cell, ...]] = []
    for place, (name, hit, total, low, high) in enumerate(zip(names, found, every, lower, upper, strict=True)):
        share = hit / total if total else math.nan
        rows.append((name, int(hit), int(total), share, float(low), float(high)))
        if not total:
            axes.annotate("none", (place, 0), (0, 4), textcoords="offset points", ha="center", color=QUIET, fontsize=9)
            continue
        axes.vlines(place, low, high, color=FOUND, linewidth=1.6, alpha=0.55)
        axes.plot([place], [share], "o", color=FOUND, markeredgecolor=PAPER, markersize=8)
        axes.annotate(
            f"{hit} of {total}", (place, share), (9, 0), textcoords="offset points", va="center", color=INK, fontsize=9
        )
    axes.set_xticks(range(len(names)), list(names))
    axes.set_xlim(-0.5, len(names) - 0.5 + 0.2)
    axes.set_ylim(0, 1.04)
    axes.set_yticks(np.linspace(0, 1, 6))
    data = Table(("diameter", "found", "all", "sensitivity", "lower_95", "upper_95"), tuple(rows))
    told = ", ".join(f"{hit} of {total} at {name}" for name, hit, total in zip(names, found, every, strict=True))
    return Plot(as_png(figure), data, f"Sensitivity by size: {told}.")


def _finish(axes: Axes, edges: FloatArray, most: int, several: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(float(edges[0]), float(edges[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=edges[-1] - edges[0] > 1))
    axes.set_ylim(0, max(1.0, (1.18 if several else 1.05) * most))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if most and several:
        add_legend(axes, "upper right")
    elif not most:
        axes.text(0.5, 0.5, "Nothing to show", transform=axes.transAxes, ha="center", color=QUIET, fontsize=11)


def _counts(values: FloatArray, edges: FloatArray) -> npt.NDArray[np.intp]:
    known = np.clip(values[~np.isnan(values)], edges[0], edges[-1])
    return np.histogram(known, edges)[0].astype(np.intp)


def _edges(low: float, high: float, least: float = 0.0) -> FloatArray:
    width = max(least, _width(high - low))
    first = math.floor(low / width)
    steps = np.arange(first, max(math.floor(high / width), first) + 2, dtype=np.float64)
    return steps * width


def _width(span: float) -> float:
    """The smallest round width of which at most 24 cover so much."""
    return next((width for width in _WIDTHS if span / width < _MOST_BINS), max(span, 1.0) / _MOST_BINS)
