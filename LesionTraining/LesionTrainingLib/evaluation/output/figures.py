"""A plot and its data: how all plots look, and how they are written (PNG and CSV of one stem).

Figures are objects of their own on the Agg canvas: no window, no ``pyplot``, no setting shared with the caller.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from LesionDetectionLib.core.atomic import atomic_file

from .tables import Table, write_csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

Place = Literal["best", "upper left", "upper right", "lower left", "lower right"]
"""A corner of the axes."""

INK, QUIET, RULE, PAPER = "#1b1f24", "#5f6670", "#dcdcd5", "#fdfdfb"
"""The report's own colours."""
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Told apart with every common form of colour blindness (Okabe and Ito, "Color universal design", 2008), yellow left out:
it is not seen on paper."""
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)))
"""Curves also differ without colour, as in a printed page; after the colours are used up, by dashes alone."""
_SIZE_INCHES = (6.0, 4.5)
"""All alike, so that they stand in rows on a page."""
_MARGIN_INCHES = 0.11
_PLAIN_INCHES, _TITLE_INCHES = (0.64, 0.56, 0.17, 0.17), 0.28
"""Margins left, bottom, right and top where labels are short, and what a title takes of the top."""
_DOTS_PER_INCH = 170


@dataclass(frozen=True, eq=False)
class Plot:
    """A drawn figure.

    Attributes:
        png: the picture.
        data: what was drawn, all digits.
        alternative: one sentence that stands for the picture where it cannot be seen.
        caption: what to know when reading it; may be empty.
        wide: whether it has details that are lost where it stands beside others.
    """

    png: bytes
    data: Table
    alternative: str
    caption: str = ""
    wide: bool = False


def write_plot(stem: Path, plot: Plot) -> tuple[Path, Path]:
    """Write ``<stem>.png`` and ``<stem>.csv``, each whole or not at all; gives both paths.

    Raises:
        OutputError: they cannot be written.
    """
    picture, data = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.csv")
    with atomic_file(picture) as temporary:
        temporary.write_bytes(plot.png)
    write_csv(data, plot.data)
    return picture, data


def new_figure(title: str = "", x: str = "", y: str = "", *, plain: bool = False) -> tuple[Figure, Axes]:
    """An empty figure in the house style with one pair of axes.

    Args:
        plain: the labels of the y axis are short, such as 0.8: fixed margins do, and a figure is drawn once. Else margins
            are measured, which draws it twice.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, facecolor=PAPER)
    if plain:
        left, bottom, right, top = _PLAIN_INCHES
        top += _TITLE_INCHES if title else 0
        width, height = _SIZE_INCHES
        figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    else:
        figure.set_layout_engine("constrained", w_pad=_MARGIN_INCHES, h_pad=_MARGIN_INCHES)
    axes = figure.add_subplot()
    style_axes(axes, x, y)
    if title:
        axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold", pad=10)
    return figure, axes


def new_grid(rows: int, columns: int, title: str = "") -> tuple[Figure, list[Axes]]:
    """An empty figure in the house style with several pairs of axes, row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, facecolor=PAPER)
    figure.set_layout_engine("constrained", w_pad=_MARGIN_INCHES, h_pad=_MARGIN_INCHES)
    panels = figure.subplots(rows, columns, squeeze=False)
    if title:
        figure.suptitle(title, x=0.02, ha="left", color=INK, fontsize=11, fontweight="bold")
    for axes in panels.flat:
        style_axes(axes)
    return figure, list(panels.flat)


def style_axes(axes: Axes, x: str = "", y: str = "") -> None:
    """Two thin spines, a pale grid behind the data, quiet labels."""
    axes.set_facecolor(PAPER)
    axes.set_axisbelow(True)
    axes.grid(True, color=RULE, linewidth=0.7)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(QUIET)
        spine.set_linewidth(0.8)
    axes.tick_params(which="both", color=QUIET, labelcolor=QUIET, labelsize=9, length=3)
    axes.set_xlabel(x, color=INK, fontsize=10)
    axes.set_ylabel(y, color=INK, fontsize=10)


def add_legend(axes: Axes, place: Place = "best") -> None:
    """A legend without a frame line, if anything drawn has a name."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc=place, fontsize=9, labelcolor=INK, frameon=True, facecolor=PAPER, edgecolor="none", framealpha=0.85
        )


def readable(text: Text) -> None:
    """A halo of paper, so that words stand out from lines behind them."""
    from matplotlib.patheffects import withStroke

    text.set_path_effects([withStroke(linewidth=2.5, foreground=PAPER)])


def line_style(index: int) -> dict[str, Any]:
    """Colour, dashes and width of the curve of this index."""
    dash = DASHES[(index // len(COLORS) + index) % len(DASHES)]
    return {"color": COLORS[index % len(COLORS)], "linestyle": dash, "linewidth": 1.9, "solid_capstyle": "round"}


def as_png(figure: Figure) -> bytes:
    """The figure as a PNG; the same bytes for the same figure.

    Not by ``savefig``, which draws twice where margins are measured, and keeps a fourth channel that says nothing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())
    data = io.BytesIO()
    picture.save(data, "png", dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH), compress_type=zlib.Z_RLE)
    return data.getvalue()
