"""Figure 2 of the paper: FROC curves of the rows (left), and their sensitivities by size (right)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...evaluation.froc import froc
from ...evaluation.froc_bootstrap import bootstrap_froc
from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.outcome import Outcome
from ...evaluation.output.figures import COLORS, INK, PAPER, QUIET, Plot, as_png, new_figure
from ...evaluation.output.plots import Band, Curve, Mark, froc_plot
from ...evaluation.output.tables import Cell, Table
from ...evaluation.scoring.free_response import corners
from ..key_slices.measured import BANDS
from ..wording import counted
from .measured import RATES, SIZE_RATE, Measured
from .paper import SIZES, TABLE_1
from .rows import UniversalRow

_BAND_PLACES = 61
"""Along the drawn part of the curve."""
_STEP = 0.13
"""Between two rows in a group of sizes, whose middles are 1 apart."""
_BELOW, _LINE_BELOW = 0.23, 0.038
"""Share of the figure below the axes of sizes, and that of each line of the legend there."""
_RING: dict[str, Any] = {"markeredgewidth": 1.6, "markersize": 8}


def froc_figure(
    rows: Sequence[tuple[UniversalRow, Sequence[Outcome], Measured]], data: str, samples: int, seed: int
) -> Plot:
    """All rows, the last one first and so in front; rings where the paper's row of this colour is.

    Args:
        data: what they were measured on.
        samples: of the bootstrap of the shaded band of the last row; 0 for none.
    """
    curves = []
    for index, (row, outcomes, one) in enumerate(reversed(rows)):
        curve = froc(outcomes)
        turns = corners(curve)
        band = _band(outcomes, samples, seed) if not index else None
        text = f"{row.title}, {100 * one.sensitivities[RATES.index(SIZE_RATE)]:.1f} % at {SIZE_RATE:g}"
        printed = TABLE_1.get(row.name)
        values = () if printed is None else zip(RATES, printed.sensitivity, strict=True)
        marks = tuple(Mark("the paper’s rows, DeepLesion", rate, value / 100, hollow=True) for rate, value in values)
        curves.append(Curve(text, curve.false_positives_per_scan[turns], curve.sensitivity[turns], band, marks))
    plot = froc_plot(curves, per=DeepLesion.image_is, ticks=RATES, title=f"Ours on {data.partition(':')[0]}")
    caption = (
        f"As Fig. 2 (left) of the paper, on {data}. Rings: the row of this colour in the paper’s Table 1, on its data. Shaded: 95 % of "
        "the last row, patients drawn anew."
    )
    return replace(plot, caption=caption)


def _band(outcomes: Sequence[Outcome], samples: int, seed: int) -> Band | None:
    if not samples:
        return None
    at = np.geomspace(RATES[0], RATES[-1], _BAND_PLACES)
    boot = bootstrap_froc(outcomes, at.tolist(), len(at), upright=DeepLesion.upright, samples=samples, seed=seed)
    return Band(at, boot.sensitivity.lower, boot.sensitivity.upper) if boot.samples else None


def sizes_figure(rows: Sequence[tuple[UniversalRow, Measured]], data: str) -> Plot:
    """Sensitivity at :data:`SIZE_RATE` false positives per image in each group of sizes: ours as dots with their 95 %, the
    paper's as rings."""
    figure, axes = new_figure(
        f"Ours on {data.partition(':')[0]}",
        "Longer diameter",
        f"Sensitivity at {SIZE_RATE:g} false positives",
        plain=True,
    )
    axes.grid(False, axis="x")
    cells: list[tuple[Cell, ...]] = []
    places = len(rows) + len(SIZES)
    for index, (row, one) in enumerate(rows):
        # Colours as in the curves, where the last row comes first.
        color = COLORS[(len(rows) - 1 - index) % len(COLORS)]
        x = np.arange(len(BANDS)) + (index - (places - 1) / 2) * _STEP
        shares = [band.share for band in one.bands]
        low, high = zip(*(band.bounds for band in one.bands), strict=True)
        axes.vlines(x, low, high, color=color, linewidth=1.4, alpha=0.55)
        axes.plot(x, shares, "o", color=color, markeredgecolor=PAPER, markersize=7, label=row.title)
        for name, band in zip(BANDS, one.bands, strict=True):
            cells.append((row.title, "ours", name, band.found, band.all, band.share, *band.bounds))
    for index, (key, values) in enumerate(SIZES.items(), len(rows)):
        title = f"{key}, DeepLesion" if key not in TABLE_1 else "the paper’s last row, DeepLesion"
        color = QUIET if key not in TABLE_1 else INK
        x = np.arange(len(BANDS)) + (index - (places - 1) / 2) * _STEP
        axes.plot(x, [value / 100 for value in values], "o", color="none", markeredgecolor=color, label=title, **_RING)
        cells += [
            (title, "paper", name, None, None, value / 100, None, None)
            for name, value in zip(BANDS, values, strict=True)
        ]
    first = rows[0][1].bands if rows else ()
    names = [f"{name}\n{counted(band.all, 'lesion')}" for name, band in zip(BANDS, first, strict=bool(rows))]
    axes.set_xticks(np.arange(len(names)), names)
    axes.set_xlim(-0.55, len(BANDS) - 0.45)
    axes.set_ylim(0, 1.02)
    axes.set_yticks(np.linspace(0, 1, 6))
    # Dots are everywhere in the axes: the legend stands below them.
    figure.subplots_adjust(bottom=_BELOW + _LINE_BELOW * (-(-places // 2)))
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.22),
        ncols=2,
        fontsize=8,
        labelcolor=INK,
        frameon=False,
        columnspacing=1.2,
    )
    columns = ("network", "whose", "diameter", "found", "all", "sensitivity", "lower_95", "upper_95")
    told = "; ".join(
        f"{row.title}: {', '.join(f'{band.found} of {band.all} at {name}' for name, band in zip(BANDS, one.bands, strict=True))}"
        for row, one in rows
    )
    caption = f"As Fig. 2 (right) of the paper, on {data}. Lines: 95 % (Wilson). Rings: as printed, on DeepLesion."
    return Plot(as_png(figure), Table(columns, tuple(cells)), f"Lesions found by size. {told}.", caption)
