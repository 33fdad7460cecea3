"""Curves over a threshold or over time: FROC, precision and recall, ROC, loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .figures import COLORS, INK, PAPER, QUIET, Place, Plot, add_legend, as_png, line_style, new_figure, readable
from .tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = npt.NDArray[np.float64]

FROC_TICKS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""LUNA16's false positives per scan; DeepLesion looks at 0.5 to 16 per image."""
_DRAWN_PER_OCTAVE = 60
_LEGEND_SHARE = 0.3
"""Of the height, that a legend may take."""
_RING: dict[str, Any] = {"color": "none", "marker": "o", "markeredgewidth": 1.6, "markersize": 8, "linestyle": ""}


@dataclass(frozen=True, eq=False)
class Band:
    """A confidence band, on places of its own. B = places.

    Attributes:
        x: [B] rising.
        lower: [B] the band's lower edge.
        upper: [B] its upper edge.
    """

    x: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True)
class Mark:
    """A place on a curve that is shown by a dot and its name, such as an operating point.

    Attributes:
        hollow: a ring whose name is in the legend, for a value from elsewhere; rings of one name share an entry.
        above: whether the name of a dot stands above it, and not below.
    """

    name: str
    x: float
    y: float
    hollow: bool = False
    above: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """One line of a plot. P = points.

    Attributes:
        name: for the legend; say a figure of merit in it: ``"both stages, CPM 0.767"``.
        x: [P] in drawing order.
        y: [P] NaN where it is not defined.
        band: of its confidence, or None.
        marks: places on it to point out.
    """

    name: str
    x: FloatArray
    y: FloatArray
    band: Band | None = None
    marks: tuple[Mark, ...] = ()


def froc_plot(
    curves: Sequence[Curve], *, per: str = "scan", ticks: Sequence[float] = FROC_TICKS, title: str = ""
) -> Plot:
    """Free-response ROC: sensitivity (y) over false positives per ``per`` (x, logarithmic to base 2, from the first to
    the last of ``ticks``), linear between the points; beyond the last point the sensitivity stays (a thin line)."""
    figure, axes = new_figure(title, f"False positives per {per}", "Sensitivity", plain=True)
    axes.set_xscale("log", base=2)
    axes.minorticks_off()
    axes.set_xticks(list(ticks), [str(Fraction(tick).limit_denominator(1024)) for tick in ticks])
    octaves = np.log2(ticks[-1] / ticks[0])
    grid = np.geomspace(ticks[0], ticks[-1], round(octaves * _DRAWN_PER_OCTAVE) + 1)
    lines = list[FloatArray]()
    for index, curve in enumerate(curves):
        rates, found = _rising(curve)
        reached = grid <= rates[-1] if rates.size else np.zeros(grid.shape, dtype=bool)
        if rates.size:
            values = np.interp(grid, rates, found)
            lines += [values] if np.isfinite(values).all() else []
            axes.plot(grid[reached], values[reached], label=curve.name, **line_style(index))
            axes.plot(grid[~reached], values[~reached], color=COLORS[index % len(COLORS)], linewidth=0.8)
        _add_band(axes, curve, index)
        _add_marks(axes, curve, index)
    axes.set_xlim(ticks[0], ticks[-1])
    _share_axis(axes)
    _finish(axes, curves, _place_below(lines, curves))
    data = _as_table(curves, f"false_positives_per_{per}", "sensitivity")
    return Plot(as_png(figure), data, f"FROC: sensitivity over false positives per {per}, {_names(curves)}.")


def precision_recall_plot(curves: Sequence[Curve], *, title: str = "") -> Plot:
    """Precision (y) over recall (x)."""
    figure, axes = new_figure(title, "Recall", "Precision", plain=True)
    for index, curve in enumerate(curves):
        axes.plot(curve.x, curve.y, label=curve.name, drawstyle="steps-pre", **line_style(index))
        _add_band(axes, curve, index)
        _add_marks(axes, curve, index)
    axes.set_xlim(0, 1)
    _share_axis(axes)
    _finish(axes, curves, "lower left")
    data = _as_table(curves, "recall", "precision")
    return Plot(as_png(figure), data, f"Precision over recall, {_names(curves)}.")


def roc_plot(curves: Sequence[Curve], *, title: str = "") -> Plot:
    """Sensitivity (y) over one minus specificity (x), and the line of guessing."""
    figure, axes = new_figure(title, "1 − specificity", "Sensitivity", plain=True)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)))
    for index, curve in enumerate(curves):
        axes.plot(curve.x, curve.y, label=curve.name, **line_style(index))
        _add_band(axes, curve, index)
        _add_marks(axes, curve, index)
    axes.set_xlim(0, 1)
    _share_axis(axes)
    _finish(axes, curves, "lower right")
    data = _as_table(curves, "one_minus_specificity", "sensitivity")
    return Plot(as_png(figure), data, f"ROC: sensitivity over one minus specificity, {_names(curves)}.")


def loss_plot(curves: Sequence[Curve], *, x: str = "Iteration", logarithmic: bool = False, title: str = "") -> Plot:
    """Losses (y) over iterations or epochs (x); values that are not finite leave a gap."""
    figure, axes = new_figure(title, x, "Loss")
    for index, curve in enumerate(curves):
        axes.plot(curve.x, np.where(np.isfinite(curve.y), curve.y, np.nan), label=curve.name, **line_style(index))
        _add_band(axes, curve, index)
        _add_marks(axes, curve, index)
    if logarithmic:
        axes.set_yscale("log")
    _finish(axes, curves, "upper right")
    data = _as_table(curves, x.lower().replace(" ", "_"), "loss")
    return Plot(as_png(figure), data, f"Loss over {x.lower()}, {_names(curves)}.")


def _rising(curve: Curve) -> tuple[FloatArray, FloatArray]:
    """The points from left to right, upright parts from below: of several at one place numpy reads the last, the highest,
    and left of them the curve stays low, as the sensitivities in tables are read."""
    order = np.lexsort((curve.y, curve.x))
    return curve.x[order], curve.y[order]


def _place_below(lines: Sequence[FloatArray], curves: Sequence[Curve]) -> Place:
    """Of a legend: below curves that rise to the right; where they stay low there, wherever is room, which is searched; above
    them where points without a curve lie below."""
    if any(mark.y < _LEGEND_SHARE for curve in curves for mark in curve.marks if not len(curve.x)):
        return "upper left"
    low = any(line[-len(line) // 3 :].min() < _LEGEND_SHARE for line in lines)
    return "best" if low else "lower right"


def _add_band(axes: Axes, curve: Curve, index: int) -> None:
    if curve.band is not None:
        color = COLORS[index % len(COLORS)]
        axes.fill_between(curve.band.x, curve.band.lower, curve.band.upper, color=color, alpha=0.15, linewidth=0)


def _add_marks(axes: Axes, curve: Curve, index: int) -> None:
    color = COLORS[index % len(COLORS)]
    for mark in curve.marks:
        if mark.hollow:
            axes.plot([mark.x], [mark.y], markeredgecolor=color, **_RING)
            continue
        axes.plot([mark.x], [mark.y], "o", color=color, markeredgecolor=PAPER, markersize=7, zorder=5)
        text = axes.annotate(
            mark.name,
            (mark.x, mark.y),
            (7, 5 if mark.above else -11),
            textcoords="offset points",
            color=INK,
            fontsize=8,
            zorder=6,
        )
        readable(text)


def _share_axis(axes: Axes) -> None:
    """A y axis from none to all."""
    axes.set_ylim(0, 1)
    axes.set_yticks(np.linspace(0, 1, 6))


def _finish(axes: Axes, curves: Sequence[Curve], legend: Place) -> None:
    for name in dict.fromkeys(mark.name for curve in curves for mark in curve.marks if mark.hollow):
        axes.plot([], [], markeredgecolor=QUIET, label=name, **_RING)
    if any(np.isfinite(curve.y).any() for curve in curves):
        add_legend(axes, legend)
    else:
        axes.text(0.5, 0.5, "Nothing to show", transform=axes.transAxes, ha="center", color=QUIET, fontsize=11)


def _as_table(curves: Sequence[Curve], x: str, y: str) -> Table:
    """Points, bands and marks below each other; the column ``part`` says which a row is."""
    rows = list[tuple[Cell, ...]]()
    for curve in curves:
        rows += [
            (curve.name, "curve", float(a), float(b), None, None, "") for a, b in zip(curve.x, curve.y, strict=True)
        ]
        if curve.band is not None:
            band = zip(curve.band.x, curve.band.lower, curve.band.upper, strict=True)
            rows += [(curve.name, "band", float(a), None, float(low), float(high), "") for a, low, high in band]
        rows += [(curve.name, "mark", mark.x, mark.y, None, None, mark.name) for mark in curve.marks]
    return Table(("curve", "part", x, y, "lower", "upper", "mark"), tuple(rows))


def _names(curves: Sequence[Curve]) -> str:
    return "; ".join(curve.name for curve in curves) or "no curve"
