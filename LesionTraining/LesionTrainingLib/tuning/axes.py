"""What the pictures of a search share: axes for losses and measures, and how a trial is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .journal import Trial
from .varied import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FACTORS = 10
"""An axis is logarithmic where what it shows differs by so much."""


def name_of(trial: Trial) -> str:
    """A trial's values, without the groups that the settings stand in, unless two have one name."""
    names = {path: path.rpartition(".")[2] for path in trial.values}
    if len(set(names.values())) < len(names):
        names = {path: path for path in names}
    return ", ".join(f"{names[path]} {shown(value)}" for path, value in trial.values.items())


def by_factors(values: Sequence[float]) -> bool:
    """Whether these are to be shown by their logarithm."""
    return bool(values) and min(values) > 0 and max(values) >= FACTORS * min(values)


def logarithmic(axes: Axes) -> None:
    """A logarithmic y axis, its ticks 0.2, 0.5, 1 in place of powers of ten, of which a short axis shows one or none."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    few = high / low < 1000
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
