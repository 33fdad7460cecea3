"""Curves as MRML nodes that Slicer's plot view shows: a table, series and a chart each, found again and changed in place.

What is written into a table is drawn at once where its chart is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .curves import Curve
from .results import TrainingResult

FloatArray = npt.NDArray[np.float64]
LOSS, VALIDATION, FROC = "loss", "validation", "froc"
"""The charts."""

_MARK = "LesionTraining.Plot"
"""Node attribute: which chart, or which line of which chart."""
_MOST_POINTS = 2000
_COLORS = ((0.12, 0.47, 0.71), (0.85, 0.37, 0.01), (0.17, 0.55, 0.24), (0.58, 0.40, 0.74), (0.55, 0.34, 0.29))
"""Of lines; told apart on the plot view's white by those who see colours differently, too."""
_RATES = (0.125, 8.0)
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


def loss_lines(curves: Sequence[Curve], smooth: str) -> list[Line]:
    """Of each stage the loss of single steps, faint, and their mean over the last few.

    Args:
        smooth: name of the second, with ``{stage}`` in it.
    """
    lines = []
    for n, curve in enumerate(curves):
        thin = curve.thinned(_MOST_POINTS)
        mean = Curve(curve.name, curve.steps, curve.smooth).thinned(_MOST_POINTS)
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
        x = np.geomspace(*_RATES, 61)
        table = np.array([(0.0, 0.0), *result.froc])
        # Linear between points, level beyond the last one: as sensitivities are read.
        y = np.interp(x, table[:, 0], table[:, 1])
        lines.append(Line(result.name, x, y, n, 3.0 if last else 1.5))
        if last and result.band:
            band = np.array(result.band)
            lines.append(Line(bounds, band[:, 0], band[:, 1], n, 1.0, 0.8, dashed=True))
            lines.append(Line(f"{bounds} ", band[:, 0], band[:, 2], n, 1.0, 0.8, dashed=True))
    return lines


def chart(scene: Any, which: str, lines: Sequence[Line], title: str, axes: tuple[str, str]) -> Any:
    """The chart node with these lines; made where there is none, else changed to these.

    Args:
        which: one of the names above.
        axes: titles of both.
    """
    node = _found(scene, "vtkMRMLPlotChartNode", which)
    fresh = node is None
    if fresh:
        node = _made(scene, "vtkMRMLPlotChartNode", title, which)
    for name, value in (("Title", title), ("XAxisTitle", axes[0]), ("YAxisTitle", axes[1])):
        if getattr(node, f"Get{name}")() != value:
            getattr(node, f"Set{name}")(value)
    if fresh and which == FROC:
        node.SetXAxisLogScale(True)
        node.SetXAxisRangeAuto(False)
        node.SetXAxisRange(*_RATES)
        node.SetYAxisRangeAuto(False)
        node.SetYAxisRange(0.0, 1.0)
    series = [_series(scene, f"{which}/{n}", line, axes) for n, line in enumerate(lines)]
    _show(node, series)
    _remove_from(scene, which, len(lines))
    return node


def remove_charts(scene: Any) -> None:
    """Remove all that was made here."""
    for which in (LOSS, VALIDATION, FROC):
        _remove_from(scene, which, 0)
        node = _found(scene, "vtkMRMLPlotChartNode", which)
        if node is not None:
            scene.RemoveNode(node)


def _series(scene: Any, mark: str, line: Line, axes: tuple[str, str]) -> Any:
    table = _found(scene, "vtkMRMLTableNode", mark) or _made(scene, "vtkMRMLTableNode", line.name, mark)
    table.SetName(line.name)
    columns = dict(zip(axes, (line.x, line.y), strict=True))
    table.SetAndObserveTable(_table(columns))
    series = _found(scene, "vtkMRMLPlotSeriesNode", mark)
    if series is None:
        series = _made(scene, "vtkMRMLPlotSeriesNode", line.name, mark)
        series.SetPlotType(series.PlotTypeScatter)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetAndObserveTableNodeID(table.GetID())
    was = series.StartModify()
    series.SetName(line.name)
    series.SetXColumnName(axes[0])
    series.SetYColumnName(axes[1])
    series.SetColor(*_COLORS[line.color % len(_COLORS)])
    series.SetLineWidth(line.width)
    series.SetOpacity(line.opacity)
    series.SetLineStyle(series.LineStyleDash if line.dashed else series.LineStyleSolid)
    # One point makes no line.
    series.SetMarkerStyle(series.MarkerStyleCircle if len(line.x) == 1 else series.MarkerStyleNone)
    series.EndModify(was)
    return series


def _table(columns: Mapping[str, FloatArray]) -> Any:
    import vtk

    table = vtk.vtkTable()
    for name, values in columns.items():
        array = vtk.vtkDoubleArray()
        array.SetName(name)
        array.SetNumberOfValues(len(values))
        for n, value in enumerate(values.tolist()):
            array.SetValue(n, value)
        table.AddColumn(array)
    return table


def _show(node: Any, series: Sequence[Any]) -> None:
    """Let the chart have these series in this order; nothing where it has."""
    there = [node.GetNthPlotSeriesNodeID(n) for n in range(node.GetNumberOfPlotSeriesNodes())]
    wanted = [one.GetID() for one in series]
    if there == wanted:
        return
    was = node.StartModify()
    node.RemoveAllPlotSeriesNodeIDs()
    for series_id in wanted:
        node.AddAndObservePlotSeriesNodeID(series_id)
    node.EndModify(was)


def _remove_from(scene: Any, which: str, count: int) -> None:
    """Remove lines that the chart no longer has."""
    for n in range(count, 1000):
        found = [_found(scene, kind, f"{which}/{n}") for kind in ("vtkMRMLPlotSeriesNode", "vtkMRMLTableNode")]
        if found == [None, None]:
            return
        for node in found:
            if node is not None:
                scene.RemoveNode(node)


def _made(scene: Any, kind: str, name: str, mark: str) -> Any:
    node = scene.AddNewNodeByClass(kind, name)
    node.SetAttribute(_MARK, mark)
    return node


def _found(scene: Any, kind: str, mark: str) -> Any:
    for n in range(scene.GetNumberOfNodesByClass(kind)):
        node = scene.GetNthNodeByClass(n, kind)
        if node.GetAttribute(_MARK) == mark:
            return node
    return None
