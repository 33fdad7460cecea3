"""Curves as lines to draw: what a chart shows of a run and of its models, whoever draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .curves import Curve
from .results import TrainingResult

FloatArray = npt.NDArray[np.float64]
MOST_POINTS = 2000
RATES = (0.125, 8.0)
"""LUNA16's lowest and highest false positives per scan."""


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a chart. N = points.

    Attributes:
        name: in the legend.
        x, y: [N].
        color: index of a colour; lines of one thing share it.
        width: in pixels.
        opacity: 0 to 1.
        dashed: for bounds.
    """

    name: str
    x: FloatArray
    y: FloatArray
    color: int = 0
    width: float = 2.0
    opacity: float = 1.0
    dashed: bool = False


def loss_lines(curves: Sequence[Curve], smooth: str, most: int = MOST_POINTS) -> list[Line]:
    """Of each stage the loss of single steps, faint, and their mean over the last few.

    Args:
        smooth: name of the second, with ``{stage}`` in it.
        most: points of a line.
    """
    lines = []
    for n, curve in enumerate(curves):
        thin = curve.thinned(most)
        mean = Curve(curve.name, curve.steps, curve.smooth).thinned(most)
        lines.append(Line(curve.name, thin.steps, thin.values, n, 1.0, 0.35))
        lines.append(Line(smooth.format(stage=curve.name), mean.steps, mean.values, n))
    return lines


def validation_lines(curves: Sequence[Curve]) -> list[Line]:
    """One for each metric."""
    return [Line(curve.name, curve.steps, curve.values, n) for n, curve in enumerate(curves)]


def froc_lines(results: Sequence[TrainingResult], bounds: str) -> list[Line]:
    """The curves of models, and the bounds of the last one where they are known.

    Args:
        bounds: name of the bounds, for the legend.
    """
    lines = []
    for n, result in enumerate(results):
        if not result.froc:
            continue
        last = result is results[-1]
        x = np.geomspace(*RATES, 61)
        table = np.array([(0.0, 0.0), *result.froc])
        # Linear between points, level beyond the last one: as sensitivities are read.
        y = np.interp(x, table[:, 0], table[:, 1])
        lines.append(Line(result.name, x, y, n, 3.0 if last else 1.5))
        if last and result.band:
            band = np.array(result.band)
            lines.append(Line(bounds, band[:, 0], band[:, 1], n, 1.0, 0.8, dashed=True))
            lines.append(Line(f"{bounds} ", band[:, 0], band[:, 2], n, 1.0, 0.8, dashed=True))
    return lines
