"""Parameter nodes of the double: what Slicer 5.8.1's wrapper stores, refuses, loses and connects."""

import enum
from pathlib import Path
from typing import Annotated, Optional

import numpy as np
import pytest


class Order(enum.Enum):
    SCORE = 1
    SIZE = 2


@pytest.fixture
def parameters(slicer_app):
    """A wrapper class with one field of each kind, and its node."""
    import slicer
    from slicer.parameterNodeWrapper import (
        Choice,
        Decimals,
        Default,
        FloatRange,
        RangeBounds,
        WithinRange,
        parameterNodeWrapper,
    )
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

    @parameterNodeWrapper
    class Parameters:
        volume: slicer.vtkMRMLScalarVolumeNode
        threshold: Annotated[float, WithinRange(0, 1), Decimals(2)] = 0.5
        count: Annotated[int, WithinRange(1, 9)] = 3
        method: Annotated[str, Choice(["nodule-ct", "click"])] = "nodule-ct"
        order: Order = Order.SIZE
        folder: Path
        shown: bool
        title: str = "Lesions"
        limit: Optional[float] = None  # noqa: UP045 (Slicer 5.8 has Python 3.9)
        names: list[str]
        sizes: dict[str, float]
        window: Annotated[FloatRange, RangeBounds(0, 100), Default(FloatRange(3, 30))]

    class TryLogic(ScriptedLoadableModuleLogic):
        def getParameterNode(self):
            return Parameters(super().getParameterNode())

    return TryLogic().getParameterNode


def test_fields_have_their_defaults_and_types(parameters):
    node = parameters()
    assert (node.volume, node.threshold, node.count, node.order) == (None, 0.5, 3, Order.SIZE)
    assert (node.folder, node.shown, node.title, node.limit) == (Path(), False, "Lesions", None)
    assert (list(node.names), dict(node.sizes), node.window.minimum) == ([], {}, 3)


def test_values_are_kept_in_the_node(parameters):
    node = parameters()
    node.threshold, node.order, node.folder, node.limit = 0.25, Order.SCORE, Path("/models"), 2.5
    node.names.append("L1")
    node.sizes["L1"] = 6.0
    again = parameters()
    assert (again.threshold, again.order, again.folder, again.limit) == (0.25, Order.SCORE, Path("/models"), 2.5)
    assert (again.names, again.sizes) == (["L1"], {"L1": 6.0})
    assert again.parameterNode.GetParameter("order") == "SCORE"  # enums are stored by name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 1.5),
        ("threshold", "high"),
        ("count", 2.5),
        ("method", "other"),
        ("order", "SIZE"),
        ("shown", 1),
        ("names", [3]),
        ("volume", "vtkMRMLScalarVolumeNode1"),
        ("title", None),
    ],
)
def test_wrong_values_raise(parameters, name, value):
    with pytest.raises((TypeError, ValueError)):
        setattr(parameters(), name, value)


def test_an_unknown_field_is_lost_in_slicer_and_fails_the_test_here(slicer_app, parameters):
    parameters().treshold = 0.3
    assert "no parameter treshold" in slicer_app.problems.take()[0]


@pytest.mark.parametrize("kind", [bytes, np.ndarray])
def test_types_that_cannot_be_stored_raise(slicer_app, kind):
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    with pytest.raises(Exception, match="serializer"):
        parameterNodeWrapper(type("Parameters", (), {"__annotations__": {"data": kind}}))


def test_a_missing_default_outside_its_range_raises(slicer_app):
    from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

    kinds = {"__annotations__": {"count": Annotated[int, WithinRange(3, 9)]}}
    with pytest.raises(ValueError, match="range"):
        parameterNodeWrapper(type("Parameters", (), kinds))(ScriptedLoadableModuleLogic().getParameterNode())


def test_a_removed_node_reads_as_none(slicer_app, parameters):
    node = parameters()
    node.volume = slicer_app.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    slicer_app.scene.RemoveNode(node.volume)
    assert node.volume is None


def test_one_event_for_several_changes(parameters):
    import slicer
    import vtk

    node, events = parameters(), []
    node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: events.append(1))
    with slicer.util.NodeModify(node):
        node.threshold = 0.1
        node.count = 4
    assert len(events) == 1


def test_clearing_the_scene_brings_the_defaults_back(slicer_app, parameters):
    node = parameters()
    node.threshold, node.order = 0.25, Order.SCORE
    slicer_app.scene.Clear(0)
    assert (node.threshold, node.order) == (0.5, Order.SIZE)


def test_values_come_back_with_a_saved_scene(slicer_app, parameters, tmp_path):
    import slicer

    node = parameters()
    node.threshold, node.names = 0.25, ["L1"]
    node.volume = slicer.util.addVolumeFromArray(np.zeros((2, 3, 4), np.int16), name="ct")
    slicer.util.saveScene(str(tmp_path / "case.mrb"))
    slicer_app.scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    again = parameters()
    assert (again.threshold, again.names, again.volume.GetName()) == (0.25, ["L1"], "ct")


# --- widgets ---


@pytest.fixture
def widgets(slicer_app):
    import ctk
    import qt
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.noneEnabled = True
    selector.setMRMLScene(slicer.mrmlScene)
    return {
        "volume": selector,
        "threshold": ctk.ctkSliderWidget(),
        "count": qt.QSpinBox(),
        "method": qt.QComboBox(),
        "order": qt.QComboBox(),
        "folder": ctk.ctkPathLineEdit(),
        "shown": qt.QCheckBox(),
        "title": qt.QLineEdit(),
        "window": ctk.ctkRangeWidget(),
    }


def test_widgets_and_fields_follow_each_other(slicer_app, parameters, widgets):
    node = parameters()
    assert node.connectParametersToGui(widgets) == 0  # the first tag is 0
    assert widgets["threshold"].value == 0.5
    assert widgets["threshold"].maximum == 1.0
    assert widgets["threshold"].decimals == 2
    assert (widgets["count"].minimum, widgets["count"].maximum) == (1, 9)
    assert [widgets["order"].itemText(n) for n in range(2)] == ["SCORE", "SIZE"]
    assert widgets["window"].minimumValue == 3
    widgets["threshold"].value = 0.75
    widgets["order"].setCurrentIndex(0)
    widgets["title"].text = "Nodules"
    widgets["window"].setValues(5, 20)
    assert (node.threshold, node.order, node.title, node.window.maximum) == (0.75, Order.SCORE, "Nodules", 20)
    node.folder, node.shown, node.count = Path("/models"), True, 7
    assert (widgets["folder"].currentPath, widgets["shown"].checked, widgets["count"].value) == ("/models", True, 7)
    node.volume = slicer_app.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    assert widgets["volume"].currentNode() is node.volume


def test_disconnected_widgets_change_nothing(parameters, widgets):
    node = parameters()
    tag = node.connectParametersToGui(widgets)
    node.disconnectGui(tag)
    widgets["title"].text = "Nodules"
    node.threshold = 0.1
    assert (node.title, widgets["threshold"].value) == ("Lesions", 0.5)


def test_connect_gui_returns_none_as_in_5_8(slicer_app, parameters, widgets):
    import qt

    panel = qt.QWidget()
    layout = qt.QVBoxLayout(panel)
    for name, widget in widgets.items():
        layout.addWidget(widget)
        widget.setProperty("SlicerParameterName", name)
    node = parameters()
    assert node.connectGui(panel) is None
    widgets["title"].text = "Nodules"
    assert node.title == "Nodules"


def test_one_bad_pair_connects_nothing(slicer_app, parameters, widgets):
    import qt

    node = parameters()
    with pytest.raises(RuntimeError, match="QSlider"):
        node.connectParametersToGui({**widgets, "threshold": qt.QSlider()})
    widgets["title"].text = "Nodules"
    assert node.title == "Lesions"


@pytest.mark.parametrize(
    ("kind", "widget"),
    [
        (float, "QSlider"),
        (int, "ctkSliderWidget"),
        (float, "ctkSliderWidget"),  # without WithinRange
        (bool, "QRadioButton"),
        (bool, "QToolButton"),
        (str, "QPlainTextEdit"),
        (str, "QComboBox"),  # without Choice
        (Path, "QLineEdit"),
    ],
)
def test_pairs_that_slicer_refuses(slicer_app, kind, widget):
    from slicer_double.parameter_node.widgets import accepted

    assert not accepted(widget, kind, [])
