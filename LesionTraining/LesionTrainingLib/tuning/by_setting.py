"""The measure over the values of one setting that was varied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..evaluation.output.figures import COLORS, INK, PAPER, Plot, add_legend, as_png, new_figure
from ..evaluation.output.tables import Cell, Table
from .axes import by_factors, logarithmic
from .journal import Trial
from .search import Search
from .trial import DONE
from .varied import Varied, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TICKED = 10
"""So many values of a list have a tick each."""
_ABOVE_AXIS = 0.03
"""Of the height: where trials stand that have no measure."""
_RING: dict[str, Any] = {"markerfacecolor": "none", "markeredgewidth": 2.2, "markersize": 13, "zorder": 5}
_HOLLOW: dict[str, Any] = {"markerfacecolor": "none", "markersize": 6, "zorder": 4}


def setting_plot(search: Search, one: Varied) -> Plot:
    """The measure (y) over the values of one setting (x); trials that ended without one stand on the axis as crosses."""
    measure, alone = search.measure, len(search.space.varied) == 1
    figure, axes = new_figure("", one.path, measure.title[:1].upper() + measure.title[1:])
    x_of = _axis(axes, one)

    def points(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
        found = sorted((x_of(trial.values[one.path]), trial.outcome.value) for trial in trials)
        return [x for x, _ in found], [y for _, y in found]

    done = [trial for trial in search.candidates if trial.state == DONE]
    lost = [trial for trial in search.candidates if trial.ended and trial.state != DONE]
    again = [trial for trial in search.repeats if trial.state == DONE]
    line = "-" if alone and one.is_numeric else ""
    axes.plot(*points(done), marker="o", markeredgecolor=PAPER, markersize=7, color=COLORS[0], linestyle=line)
    if again:
        axes.plot(*points(again), "o", color=COLORS[0], label="the best with other seeds", **_HOLLOW)
    if search.best:
        axes.plot(*points([search.best]), "o", markeredgecolor=COLORS[1], label="the best", **_RING)
    if lost:
        _crosses(axes, points(lost)[0], " or ".join(dict.fromkeys(trial.state for trial in lost)))
    if by_factors([trial.outcome.value for trial in (*done, *again)]):
        logarithmic(axes)
    add_legend(axes)
    told = f"{measure.title} over {one.path}, {len(done)} trials."
    return Plot(
        as_png(figure), _table(search, one), told, "" if alone else "Trials also differ in what else was varied."
    )


def _axis(axes: Axes, one: Varied) -> Callable[[Any], float]:
    """Set the x axis up; gives the place of a value on it."""
    if not one.is_numeric:
        places = {label: float(n) for n, label in enumerate(one.labels)}
        axes.set_xticks(list(places.values()), list(places))
        axes.set_xlim(-0.5, len(places) - 0.5)
        return lambda value: places[shown(value)]
    if one.logarithmic:
        axes.set_xscale("log")
    if not one.is_range and len(one.choices) <= _TICKED:
        axes.minorticks_off()
        axes.set_xticks([float(choice) for choice in one.choices], list(one.labels))
    return float


def _crosses(axes: Axes, places: list[float], label: str) -> None:
    heights, place = [_ABOVE_AXIS] * len(places), axes.get_xaxis_transform()
    axes.plot(places, heights, "x", transform=place, color=INK, markersize=9, markeredgewidth=2, label=label)


def _table(search: Search, one: Varied) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (trial.number + 1, shown(trial.values[one.path]), trial.outcome.value, trial.state, trial.seed)
        for trial in search.trials
        if trial.ended
    ]
    return Table(("trial", one.path, search.measure.column, "state", "seed"), tuple(rows))
