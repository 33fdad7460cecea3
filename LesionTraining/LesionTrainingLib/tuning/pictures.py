"""The pictures of a search: the loss of all trials, and the measure over each setting that was varied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..evaluation.output.figures import (
    COLORS,
    DASHES,
    INK,
    PAPER,
    QUIET,
    Plot,
    add_legend,
    as_png,
    line_style,
    new_figure,
)
from ..evaluation.output.tables import Cell, Table
from .journal import Trial
from .measures import losses
from .search import Search
from .trial import DIVERGED, DONE
from .varied import Varied, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = npt.NDArray[np.float64]

_POINTS = 25
"""A curve is drawn as the means of about so many equal parts: single steps jump with their batches."""
_COLUMNS = 3
"""Of the legend below the curves."""
_NAMED = 10
"""So many curves have a legend; of more the best alone is named."""
_HEADROOM = 1.6
"""The loss axis ends at this times the highest loss of the first tenth of all trials: one that runs away would flatten the rest."""
_FACTORS = 10
"""An axis is logarithmic where what it shows differs by so much."""
_SHADES = (0.0, 0.82)
"""Of the colour map, which gets too bright for paper after that."""
_BEST = COLORS[1]


def curves_plot(search: Search) -> Plot:
    """Loss over steps of each trial, as Section 5.1.1 of the liver paper looks at them: shades follow the first setting that is
    varied, the best is drawn bold, and one that did not converge ends in a cross."""
    figure, axes = new_figure("", "Step", "Loss (mean of neighbouring steps)")
    drawn = [(trial, *_curve(search, trial)) for trial in _in_order(search)]
    drawn = [(trial, steps, values) for trial, steps, values in drawn if len(steps)]
    colors = _colors(search, [trial for trial, _, _ in drawn])
    for n, (trial, steps, values) in enumerate(drawn):
        is_best = search.best is not None and trial.number == search.best.number
        style: dict[str, Any] = {**line_style(n), "color": colors[n]}
        if len(drawn) > len(COLORS):  # shades that are next to each other are much alike
            style["linestyle"] = DASHES[n % 2]
        style |= {"linewidth": 3.0, "zorder": 4} if is_best else {"linewidth": 1.4}
        label = _name(search, trial) + (" (best)" if is_best else "")
        axes.plot(steps, values, label=label if is_best or len(drawn) <= _NAMED else None, **style)
        if trial.state == DIVERGED:
            axes.plot(steps[-1:], values[-1:], "x", color=colors[n], markersize=9, markeredgewidth=2.2, zorder=5)
    _limit(axes, [values for _, _, values in drawn])
    _legend_below(figure, axes)
    rows = [
        (trial.number + 1, _name(search, trial), float(step), float(value))
        for trial, steps, values in drawn
        for step, value in zip(steps, values, strict=True)
    ]
    crossed = any(trial.state == DIVERGED for trial, _, _ in drawn)
    caption = "Loss of training. " + ("A cross: the loss was no finite number after this step. " if crossed else "")
    caption += "" if len(drawn) <= _NAMED else f"Shades follow {search.space.varied[0].path}. "
    names = "; ".join(_name(search, trial) for trial, _, _ in drawn[:_NAMED])
    return Plot(
        as_png(figure),
        Table(("trial", "values", "step", "loss"), tuple(rows)),
        f"Loss over steps of {len(drawn)} trials: {names}.",
        caption.strip(),
    )


def setting_plot(search: Search, one: Varied) -> Plot:
    """The measure (y) over the values of one setting (x); trials that ended without stand on the axis as crosses."""
    measure = search.measure
    figure, axes = new_figure("", one.path, measure.title[:1].upper() + measure.title[1:])
    done = [trial for trial in search.candidates if trial.state == DONE]
    lost = [trial for trial in search.candidates if trial.ended and trial.state != DONE]
    x_of = _axis(axes, one)
    points = sorted((x_of(trial.values[one.path]), trial.outcome.value) for trial in done)
    alone = len(search.space.varied) == 1
    line: dict[str, Any] = {"linestyle": "-" if alone and one.is_numeric else "", "linewidth": 1.4}
    axes.plot(*_columns(points), marker="o", markersize=7, markeredgecolor=PAPER, color=COLORS[0], **line)
    repeats = [(x_of(trial.values[one.path]), trial.outcome.value) for trial in search.repeats if trial.state == DONE]
    if repeats:
        axes.plot(
            *_columns(repeats),
            "o",
            markersize=6,
            markerfacecolor="none",
            color=COLORS[0],
            label="other seeds",
            zorder=4,
        )
    if search.best:
        place = ([x_of(search.best.values[one.path])], [search.best.outcome.value])
        ring: dict[str, Any] = {
            "markerfacecolor": "none",
            "markeredgecolor": _BEST,
            "markeredgewidth": 2.2,
            "markersize": 13,
        }
        axes.plot(*place, "o", **ring, label="best", zorder=5)
    if lost:
        places = [x_of(trial.values[one.path]) for trial in lost]
        axes.plot(
            places,
            [0.03] * len(places),
            "x",
            transform=axes.get_xaxis_transform(),
            color=INK,
            markersize=9,
            markeredgewidth=2,
            label=" or ".join(dict.fromkeys(trial.state for trial in lost)),
            clip_on=False,
        )
    _measure_axis(axes, [value for _, value in (*points, *repeats)])
    add_legend(axes)
    rows: list[tuple[Cell, ...]] = [
        (trial.number + 1, shown(trial.values[one.path]), trial.outcome.value, trial.state, trial.seed)
        for trial in search.trials
        if trial.ended
    ]
    return Plot(
        as_png(figure),
        Table(("trial", one.path, measure.column, "state", "seed"), tuple(rows)),
        f"{measure.title} over {one.path}, {len(done)} trials.",
        "" if alone else "Trials also differ in what else was varied.",
    )


def _in_order(search: Search) -> list[Trial]:
    """Candidates by the value of the first setting, where it has an order."""
    first = search.space.varied[0]
    ended = [trial for trial in search.candidates if trial.ended]
    if first.is_numeric:
        return sorted(ended, key=lambda trial: float(trial.values[first.path]))
    return ended


def _name(search: Search, trial: Trial) -> str:
    """Its values; of one setting alone just these, as the legend's other words say enough."""
    if len(search.space.varied) == 1:
        return f"{search.space.varied[0].path.rpartition('.')[2]} {shown(*trial.values.values())}"
    return ", ".join(f"{path.rpartition('.')[2]} {shown(value)}" for path, value in trial.values.items())


def _curve(search: Search, trial: Trial) -> tuple[FloatArray, FloatArray]:
    """Means of equal parts, the last of which may be longer, and the step at which each ends."""
    steps, values = (np.array(part, dtype=float) for part in losses(search.measure.history(trial.folder)))
    size = max(1, len(steps) // _POINTS)
    starts = list(range(0, len(steps) - size + 1, size))
    ends = [*starts[1:], len(steps)] if starts else []
    means = [float(values[start:end].mean()) for start, end in zip(starts, ends, strict=True)]
    return np.array([steps[end - 1] for end in ends]), np.array(means)


def _legend_below(figure: Figure, axes: Axes) -> None:
    """It would hide curves anywhere within the axes."""
    handles, names = axes.get_legend_handles_labels()
    if handles:
        style: dict[str, Any] = {
            "fontsize": 9,
            "labelcolor": INK,
            "frameon": False,
            "ncols": min(_COLUMNS, len(handles)),
        }
        figure.legend(handles, names, loc="outside lower center", **style)


def _colors(search: Search, trials: Sequence[Trial]) -> list[Any]:
    """The house's colours for a few; shades by the first setting's value, or its place in the list, for more."""
    if len(trials) <= len(COLORS):
        return list(COLORS[: len(trials)])
    from matplotlib import colormaps

    first = search.space.varied[0]
    if first.is_numeric:
        places = [float(trial.values[first.path]) for trial in trials]
        places = [math.log(place) for place in places] if first.logarithmic else places
    else:
        places = [float(first.choices.index(trial.values[first.path])) for trial in trials]
    low, span = min(places), (max(places) - min(places)) or 1.0
    return [colormaps["viridis"](_SHADES[0] + (_SHADES[1] - _SHADES[0]) * (place - low) / span) for place in places]


def _limit(axes: Axes, curves: Sequence[FloatArray]) -> None:
    """A logarithmic loss axis that shows where the losses began and how low they came."""
    finite = [curve[np.isfinite(curve)] for curve in curves]
    finite = [curve for curve in finite if len(curve)]
    if not finite:
        axes.text(0.5, 0.5, "Nothing to show", transform=axes.transAxes, ha="center", color=QUIET, fontsize=11)
        return
    highest = _HEADROOM * float(np.median([curve[: max(1, len(curve) // 10)].max() for curve in finite]))
    lowest = min(float(curve.min()) for curve in finite)
    if lowest > 0 and highest >= _FACTORS * lowest:
        axes.set_yscale("log")
        axes.set_ylim(lowest / 1.2, highest)
        _plain_ticks(axes)
    else:
        highest = max(highest, lowest + abs(lowest) or 1.0)
        axes.set_ylim(lowest - 0.08 * (highest - lowest), highest)


def _measure_axis(axes: Axes, values: Sequence[float]) -> None:
    """Logarithmic where the values differ by factors."""
    if values and min(values) > 0 and max(values) >= _FACTORS * min(values):
        axes.set_yscale("log")
        _plain_ticks(axes)


def _plain_ticks(axes: Axes) -> None:
    """0.2, 0.5, 1 in place of powers of ten, of which a short axis shows one or none."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    few = high / low < 1000
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _axis(axes: Axes, one: Varied) -> Any:
    """Set the x axis up; gives the place of a value on it."""
    if not one.is_numeric:
        places = {label: n for n, label in enumerate(one.labels)}
        axes.set_xticks(range(len(places)), list(places))
        axes.set_xlim(-0.5, len(places) - 0.5)
        return lambda value: places[shown(value)]
    if one.logarithmic:
        axes.set_xscale("log")
    if not one.is_range and len(one.choices) <= _NAMED:
        axes.minorticks_off()
        axes.set_xticks([float(choice) for choice in one.choices], list(one.labels))
    return float


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
