"""The loss of all trials in one picture, as Section 5.1.1 of the liver paper looks at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..evaluation.output.figures import COLORS, DASHES, INK, QUIET, Plot, as_png, line_style, new_figure
from ..evaluation.output.tables import Table
from .axes import by_factors, logarithmic, name_of
from .journal import Trial
from .measures import losses
from .search import Search
from .trial import DIVERGED

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
_SHADES = (0.0, 0.82)
"""Of the colour map, which gets too bright for paper after that."""


@dataclass(frozen=True, eq=False)
class _Curve:
    """The smoothed losses of a trial. P = points.

    Attributes:
        steps: [P] at which a part ends.
        losses: [P] mean of each part.
    """

    trial: Trial
    name: str
    steps: FloatArray
    losses: FloatArray


def curves_plot(search: Search) -> Plot:
    """Loss (y) over steps (x), a curve a trial, repeats left out: shades follow the first setting that is varied, the best is
    drawn bold, and one that did not converge ends in a cross."""
    figure, axes = new_figure("", "Step", "Loss (mean of neighbouring steps)")
    curves = [curve for curve in (_curve(search, trial) for trial in _in_order(search)) if len(curve.steps)]
    colors = _colors(search, [curve.trial for curve in curves])
    for n, curve in enumerate(curves):
        is_best = search.best is not None and curve.trial.number == search.best.number
        style: dict[str, Any] = {**line_style(n), "color": colors[n]}
        if len(curves) > len(COLORS):  # shades that are next to each other are much alike
            style["linestyle"] = DASHES[n % 2]
        style |= {"linewidth": 3.0, "linestyle": "-", "zorder": 4} if is_best else {"linewidth": 1.4}
        label = curve.name + (" (best)" if is_best else "")
        axes.plot(curve.steps, curve.losses, label=label if is_best or len(curves) <= _NAMED else None, **style)
    _limit(axes, [curve.losses for curve in curves])
    lost = [n for n, curve in enumerate(curves) if curve.trial.state == DIVERGED]
    for n in lost:
        _cross(axes, curves[n], colors[n])
    _legend_below(figure, axes)
    shades = "" if len(curves) <= _NAMED else f"Shades follow {search.space.varied[0].path}. "
    crosses = "A cross: after it the loss was no finite number." if lost else ""
    names = "; ".join(curve.name for curve in curves[:_NAMED])
    told = f"Loss over steps of {len(curves)} trials: {names}."
    return Plot(as_png(figure), _table(curves), told, f"Loss of training. {shades}{crosses}".strip())


def _in_order(search: Search) -> list[Trial]:
    """Candidates by the value of the first setting, where it has an order."""
    first = search.space.varied[0]
    ended = [trial for trial in search.candidates if trial.ended]
    if first.is_numeric:
        return sorted(ended, key=lambda trial: float(trial.values[first.path]))
    return ended


def _curve(search: Search, trial: Trial) -> _Curve:
    """Means of equal parts; the last part may be longer."""
    steps, values = (np.array(part, dtype=float) for part in losses(search.measure.history(trial.folder)))
    size = max(1, len(steps) // _POINTS)
    starts = list(range(0, len(steps) - size + 1, size))
    ends = [*starts[1:], len(steps)] if starts else []
    means = [float(values[start:end].mean()) for start, end in zip(starts, ends, strict=True)]
    return _Curve(trial, name_of(trial), np.array([steps[end - 1] for end in ends]), np.array(means))


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
    """A loss axis that shows where the losses began and how low they came."""
    finite = [curve[np.isfinite(curve)] for curve in curves]
    finite = [curve for curve in finite if len(curve)]
    if not finite:
        axes.text(0.5, 0.5, "Nothing to show", transform=axes.transAxes, ha="center", color=QUIET, fontsize=11)
        return
    highest = _HEADROOM * float(np.median([curve[: max(1, len(curve) // 10)].max() for curve in finite]))
    lowest = min(float(curve.min()) for curve in finite)
    if by_factors([lowest, highest]):
        axes.set_ylim(lowest / 1.2, highest)
        logarithmic(axes)
    else:
        highest = max(highest, lowest + abs(lowest) or 1.0)
        axes.set_ylim(lowest - 0.08 * (highest - lowest), highest)


def _cross(axes: Axes, curve: _Curve, color: Any) -> None:
    """Where a curve ends; at the upper edge where that is above it."""
    place = min(float(curve.losses[-1]), axes.get_ylim()[1])
    style: dict[str, Any] = {"markersize": 9, "markeredgewidth": 2.2, "zorder": 5, "clip_on": False}
    axes.plot([curve.steps[-1]], [place], "x", color=color, **style)


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


def _table(curves: Sequence[_Curve]) -> Table:
    rows = [
        (curve.trial.number + 1, curve.name, float(step), float(loss))
        for curve in curves
        for step, loss in zip(curve.steps, curve.losses, strict=True)
    ]
    return Table(("trial", "values", "step", "loss"), tuple(rows))
