"""Curves as MRML nodes that Slicer's plot view shows: a table, series and a chart each, found again and changed in place.

What is written into a table is drawn at once where its chart is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .curve_lines import RATES, FloatArray, Line

LOSS, VALIDATION, FROC = "loss", "validation", "froc"
"""The charts."""

_MARK = "LesionTraining.Plot"
"""Node attribute: which chart, or which line of which chart."""
_COLORS = ((0.12, 0.47, 0.71), (0.85, 0.37, 0.01), (0.17, 0.55, 0.24), (0.58, 0.40, 0.74), (0.55, 0.34, 0.29))
"""Of lines; told apart on the plot view's white by those who see colours differently, too."""


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
        node.SetXAxisRange(*RATES)
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
