"""Curves as nodes of a real scene: what the plot view would draw, changed in place while a run goes on."""

from __future__ import annotations

import numpy as np
import pytest
from LesionTrainingLib.session.curve_lines import froc_lines, loss_lines, validation_lines
from LesionTrainingLib.session.curves import Curve
from LesionTrainingLib.session.plot_nodes import FROC, LOSS, VALIDATION, chart, remove_charts
from LesionTrainingLib.session.results import TrainingResult

AXES = ("Step", "Loss")


@pytest.fixture
def scene():
    slicer = pytest.importorskip("slicer")
    return slicer.vtkMRMLScene()


def drawn(node):
    """(name, x, y) of each line, read as the plot view reads them."""
    lines = []
    for n in range(node.GetNumberOfPlotSeriesNodes()):
        series = node.GetNthPlotSeriesNode(n)
        table = series.GetTableNode().GetTable()
        columns = [table.GetColumnByName(name) for name in (series.GetXColumnName(), series.GetYColumnName())]
        assert all(columns), series.GetName()
        x, y = ([column.GetValue(row) for row in range(table.GetNumberOfRows())] for column in columns)
        lines.append((series.GetName(), x, y))
    return lines


def curve(name, *values):
    return Curve(name, np.arange(1.0, len(values) + 1), np.array(values, dtype=float))


def test_a_loss_is_drawn_by_step_and_smoothed(scene):
    node = chart(scene, LOSS, loss_lines([curve("screening", 1.0, 0.5)], "{stage}, mean"), "Loss", AXES)
    assert [(name, x, y) for name, x, y in drawn(node)] == [
        ("screening", [1, 2], [1, 0.5]),
        ("screening, mean", [1, 2], [1, 0.5]),
    ]
    assert (node.GetTitle(), node.GetXAxisTitle(), node.GetYAxisTitle()) == ("Loss", "Step", "Loss")


def test_a_growing_curve_changes_the_same_nodes(scene):
    first = chart(scene, LOSS, loss_lines([curve("screening", 1.0)], "{stage}, mean"), "Loss", AXES)
    count = scene.GetNumberOfNodes()
    again = chart(scene, LOSS, loss_lines([curve("screening", 1.0, 0.7, 0.5)], "{stage}, mean"), "Loss", AXES)
    assert again is first
    assert scene.GetNumberOfNodes() == count
    assert drawn(again)[0][1:] == ([1, 2, 3], [1.0, 0.7, 0.5])
    both = [curve("screening", 1.0), curve("reduction", 2.0)]
    chart(scene, LOSS, loss_lines(both, "{stage}, mean"), "Loss", AXES)
    assert [name for name, _, _ in drawn(first)] == ["screening", "screening, mean", "reduction", "reduction, mean"]
    chart(scene, LOSS, [], "Loss", AXES)
    assert drawn(first) == []
    assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0


def test_long_curves_are_thinned(scene):
    long = curve("screening", *np.linspace(1, 0, 9000))
    node = chart(scene, LOSS, loss_lines([long], "{stage}, mean"), "Loss", AXES)
    assert {len(x) for _, x, _ in drawn(node)} == {2000}


def test_metrics_have_a_chart_of_their_own(scene):
    loss = chart(scene, LOSS, loss_lines([curve("a", 1.0)], "{stage}"), "Loss", AXES)
    node = chart(scene, VALIDATION, validation_lines([curve("a: accuracy", 0.5)]), "Validation", ("Step", "Value"))
    assert node is not loss
    assert drawn(node) == [("a: accuracy", [1], [0.5])]
    series = node.GetNthPlotSeriesNode(0)
    assert series.GetMarkerStyle() == series.MarkerStyleCircle  # one point makes no line


@pytest.fixture
def results():
    def make(name, froc, band=()):
        return TrainingResult(name, "nodule-ct", None, 4, 0.5, None, froc, band, True, "")

    band = tuple((rate, 0.2, 0.9) for rate in (0.125, 1.0, 8.0))
    return [make("fold", ((0.25, 0.5), (1.0, 0.75))), make("none", ()), make("all", ((0.5, 0.8),), band)]


def test_a_froc_curve_is_read_as_sensitivities_are(scene, results):
    node = chart(scene, FROC, froc_lines(results, "95 %"), "FROC", ("FP per scan", "Sensitivity"))
    lines = drawn(node)
    assert [name for name, _, _ in lines] == ["fold", "all", "95 %", "95 % "]
    _, x, y = lines[0]
    assert (x[0], x[-1]) == pytest.approx((0.125, 8.0))
    assert y[0] == pytest.approx(0.25)  # halfway from nothing to the first point
    assert y[-1] == 0.75  # level beyond the last point
    assert node.GetXAxisLogScale()
    assert lines[2][2] == [0.2] * 3
    assert node.GetNthPlotSeriesNode(2).GetLineStyle() == node.GetNthPlotSeriesNode(2).LineStyleDash


def test_charts_go_without_a_trace(scene, results):
    before = scene.GetNumberOfNodes()
    chart(scene, FROC, froc_lines(results, "95 %"), "FROC", ("a", "b"))
    chart(scene, LOSS, loss_lines([curve("x", 1.0)], "{stage}"), "Loss", AXES)
    remove_charts(scene)
    assert scene.GetNumberOfNodes() == before
