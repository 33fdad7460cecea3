"""Anchors and boxes in one picture: which shapes there are, which the anchors reach, and how well they fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..evaluation.output.figures import (
    COLORS,
    INK,
    PAPER,
    QUIET,
    Plot,
    add_legend,
    as_png,
    line_style,
    new_figure,
    style_axes,
)
from ..evaluation.output.tables import Table
from .boxes import Boxes
from .comparison import REACHED, Fit
from .overlap import best_overlap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_INCHES = (11.0, 5.0)
_MOST_DOTS = 4000
_GRID = 241
_TICKS = (4, 8, 16, 32, 64, 128, 256, 512)
_CURVE = 201


def anchor_plot(boxes: Boxes, fits: Sequence[Fit]) -> Plot:
    """Left: widths and heights of the boxes, the found anchors, and what those and the second contender's reach (IoU 0.5,
    same centre). Right: the share of boxes (y) whose best anchor overlaps at least so much (x).

    Args:
        fits: the found anchors first, RetinaNet's second; all are drawn on the right.
    """
    figure, _ = new_figure()
    figure.clear()
    figure.set_size_inches(_SIZE_INCHES)
    left, right = figure.subplots(1, 2)
    _draw_shapes(left, boxes, fits)
    _draw_shares(right, fits)
    found, default = fits[0], fits[1]
    more = " Computer-made lesions." if boxes.on_phantoms else ""
    return Plot(
        as_png(figure),
        _shares(fits),
        f"Widths and heights of {len(boxes.sides)} boxes with anchors, and how well anchors fit: mean IoU {found.mean:.3f} "
        f"found, {default.mean:.3f} {default.contender.name}.{more}",
        wide=True,
    )


def _draw_shapes(axes: Axes, boxes: Boxes, fits: Sequence[Fit]) -> None:
    from matplotlib.lines import Line2D

    phantoms = " of computer-made lesions" if boxes.on_phantoms else ""
    style_axes(axes, "Width (pixels of the input)", "Height (pixels of the input)")
    low = max(1.0, min(8.0, float(np.quantile(boxes.sides, 0.001)) / 1.5))
    high = max(700.0, float(boxes.sides.max()) * 1.2)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [str(tick) for tick in ticks])
        axis.set_ticks([], minor=True)
    shown = boxes.sides
    if len(shown) > _MOST_DOTS:
        shown = shown[np.random.default_rng(0).permutation(len(shown))[:_MOST_DOTS]]
    handles = [
        axes.scatter(shown[:, 0], shown[:, 1], s=5, color=QUIET, alpha=0.35, linewidths=0, label=f"boxes{phantoms}")
    ]
    for index, marker in ((1, "D"), (0, "o")):
        fit, color = fits[index], COLORS[index]
        _draw_reach(axes, fit, (low, high), color)
        widths, heights = _anchor_sides(fit)
        name = f"anchors, {fit.contender.name}"
        handles.append(
            axes.scatter(
                widths,
                heights,
                s=24,
                marker=marker,
                color=color,
                edgecolors=PAPER,
                linewidths=0.7,
                zorder=4,
                label=name,
            )
        )
    reach = Line2D([], [], color=INK, linewidth=1.3, label=f"IoU {REACHED:g} is reached inside")
    axes.legend(
        handles=[handles[0], handles[2], handles[1], reach],
        loc="upper left",
        fontsize=8,
        labelcolor=INK,
        facecolor=PAPER,
        edgecolor="none",
        framealpha=0.85,
    )


def _draw_reach(axes: Axes, fit: Fit, limits: tuple[float, float], color: str) -> None:
    grid = np.geomspace(*limits, _GRID)
    width, height = np.meshgrid(grid, grid)
    overlap = best_overlap(np.stack([width.ravel(), height.ravel()], axis=1), fit.contender.anchors)
    axes.contour(width, height, overlap.reshape(width.shape), [REACHED], colors=[color], linewidths=1.3, zorder=3)


def _anchor_sides(fit: Fit) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    anchors = fit.contender.anchors
    side = np.multiply.outer(anchors.sizes, anchors.scales).ravel()[:, None]
    root = np.sqrt(anchors.ratios)
    return (side / root).ravel(), (side * root).ravel()


def _draw_shares(axes: Axes, fits: Sequence[Fit]) -> None:
    style_axes(axes, "IoU of the best anchor, same centre", "Share of boxes that have at least this IoU")
    grid = np.linspace(0, 1, _CURVE)
    for index, fit in enumerate(fits):
        name = f"{fit.contender.name}, mean {fit.mean:.3f}"
        axes.plot(grid, _share_above(fit, grid), label=name, **line_style(index))
    axes.axvline(REACHED, color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)))
    axes.set(xlim=(0.2, 1), ylim=(0, 1.01))
    add_legend(axes, "lower left")


def _share_above(fit: Fit, grid: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    ordered = np.sort(fit.overlaps)
    return np.asarray(1 - np.searchsorted(ordered, grid, side="left") / ordered.size)


def _shares(fits: Sequence[Fit]) -> Table:
    grid = np.linspace(0, 1, _CURVE)
    columns = [_share_above(fit, grid) for fit in fits]
    rows = tuple((float(at), *(float(share) for share in row)) for at, *row in zip(grid, *columns, strict=True))
    return Table(("iou_at_least", *(fit.contender.name for fit in fits)), rows)
