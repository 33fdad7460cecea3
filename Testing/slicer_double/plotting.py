"""The lines of a MRML chart, and a plain drawing of them."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui


def curves(chart: Any) -> list[tuple[str, list[float], list[float]]]:
    """(name, x, y) of each series of a vtkMRMLPlotChartNode.

    Raises:
        ValueError: a series names a column that its table does not have (Slicer would draw nothing).
    """
    found = []
    for n in range(chart.GetNumberOfPlotSeriesNodes()):
        series = chart.GetNthPlotSeriesNode(n)
        node = series.GetTableNode()
        if node is None:
            continue
        table = node.GetTable()
        columns = []
        for name in (series.GetXColumnName(), series.GetYColumnName()):
            column = table.GetColumnByName(name) if name else None
            if name and column is None:
                raise ValueError(f"The series {series.GetName()} shows the column {name!r}, which its table has not")
            rows = range(table.GetNumberOfRows())
            columns.append([column.GetVariantValue(r).ToDouble() for r in rows] if column else [float(r) for r in rows])
        found.append((series.GetName(), columns[0], columns[1]))
    return found


def draw(painter: QtGui.QPainter, where: QtCore.QRect, lines: list[Any], chart: Any) -> None:
    painter.fillRect(where, QtGui.QColor("white"))
    box = where.adjusted(40, 20, -10, -30)
    painter.setPen(QtGui.QColor("black"))
    painter.drawRect(box)
    if chart is not None:
        painter.drawText(where.adjusted(0, 2, 0, 0), int(QtCore.Qt.AlignmentFlag.AlignHCenter), chart.GetTitle() or "")
        below = int(QtCore.Qt.AlignmentFlag.AlignHCenter | QtCore.Qt.AlignmentFlag.AlignBottom)
        painter.drawText(where, below, chart.GetXAxisTitle() or "")
    points = [(x, y) for _, xs, ys in lines for x, y in zip(xs, ys, strict=True) if x == x and y == y]
    if not points:
        return
    low = [min(p[axis] for p in points) for axis in (0, 1)]
    span = [max(p[axis] for p in points) - low[axis] or 1.0 for axis in (0, 1)]
    for n, (_, xs, ys) in enumerate(lines):
        painter.setPen(QtGui.QPen(QtGui.QColor.fromHsv(n * 67 % 360, 200, 180), 2))
        line = [
            QtCore.QPointF(
                box.left() + (x - low[0]) / span[0] * box.width(), box.bottom() - (y - low[1]) / span[1] * box.height()
            )
            for x, y in zip(xs, ys, strict=True)
            if x == x and y == y
        ]
        painter.drawPolyline(line)
