"""Widgets, modules and views of the double, on a real scene."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest


@pytest.fixture
def scene(slicer_app):
    return slicer_app.scene


def add_volume(name, shape=(4, 5, 6)):
    import slicer

    return slicer.util.addVolumeFromArray(np.zeros(shape, np.int16), name=name)


@pytest.fixture
def selector(slicer_app):
    import slicer

    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    return box


# --- node selectors ---


def test_without_a_scene_a_selector_is_disabled(selector, scene):
    assert not selector.enabled
    selector.setMRMLScene(scene)
    assert selector.enabled


def test_without_none_the_first_node_is_chosen_by_itself(selector, scene):
    selector.setMRMLScene(scene)
    chosen = []
    selector.currentNodeChanged.connect(chosen.append)
    first, second = add_volume("first"), add_volume("second")
    assert chosen == [first]
    assert selector.currentNode() is first
    assert selector.nodeCount() == 2
    selector.setCurrentNode(second)
    assert selector.currentNodeID == second.GetID()


def test_with_none_the_person_chooses(selector, scene):
    selector.noneEnabled = True
    selector.setMRMLScene(scene)
    told = []
    selector.connect("currentNodeChanged(bool)", told.append)
    node = add_volume("ct")
    assert selector.currentNode() is None
    selector.setCurrentNode(node)
    scene.RemoveNode(node)
    assert selector.currentNode() is None
    assert told == [True, False]


def test_what_a_selector_lists(selector, scene):
    selector.setMRMLScene(scene)
    label = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "label")
    hidden = add_volume("hidden")
    hidden.SetHideFromEditors(True)
    assert selector.nodeCount() == 1
    assert selector.currentNode() is label  # child classes count
    selector.showChildNodeTypes = False
    assert selector.currentNode() is None


def test_a_selector_waits_until_a_scene_is_loaded_and_forgets_what_was_chosen(selector, scene):
    """Of a batch that is no load it hears at once, as in Slicer."""
    import slicer

    selector.setMRMLScene(scene)
    selector.noneEnabled = True
    scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    selector.setCurrentNode(add_volume("ct"))
    scene.EndState(slicer.vtkMRMLScene.BatchProcessState)
    assert selector.currentNode().GetName() == "ct"
    scene.StartState(slicer.vtkMRMLScene.ImportState)
    add_volume("pet")
    assert selector.nodeCount() == 1
    scene.EndState(slicer.vtkMRMLScene.ImportState)
    assert selector.nodeCount() == 2
    assert selector.currentNode() is None


# --- .ui files ---

UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0">
 <class>Try</class>
 <widget class="qMRMLWidget" name="Try">
  <layout class="QVBoxLayout" name="panel">
   <item><widget class="qMRMLNodeComboBox" name="ctSelector">
    <property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
    <property name="SlicerParameterName" stdset="0"><string>volume</string></property>
   </widget></item>
   <item><widget class="ctkCollapsibleButton" name="section">
    <property name="text"><string>More</string></property>
    <property name="collapsed"><bool>true</bool></property>
    <layout class="QVBoxLayout" name="inside"><item>
     <widget class="{kind}" name="value"><property name="toolTip"><string>A value</string></property></widget>
    </item></layout>
   </widget></item>
  </layout>
 </widget>
 <connections>
  <connection>
   <sender>Try</sender><signal>{signal}</signal><receiver>{receiver}</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot>
  </connection>
 </connections>
</ui>
"""


def write_ui(folder, kind="ctkSliderWidget", signal="mrmlSceneChanged(vtkMRMLScene*)", receiver="ctSelector"):
    path = folder / "Try.ui"
    path.write_text(UI.format(kind=kind, signal=signal, receiver=receiver), encoding="utf-8")
    return str(path)


def test_a_ui_file_brings_its_widgets_properties_and_connections(slicer_app, scene, tmp_path):
    import slicer

    panel = slicer.util.loadUI(write_ui(tmp_path))
    ui = slicer.util.childWidgetVariables(panel)
    assert ui.ctSelector.nodeTypes == ("vtkMRMLScalarVolumeNode",)
    assert ui.ctSelector.property("SlicerParameterName") == "volume"
    assert ui.section.collapsed
    panel.setMRMLScene(scene)
    assert ui.ctSelector.mrmlScene() is scene
    panel.show()
    assert not ui.value.isVisible()
    ui.section.click()
    assert ui.value.isVisible()
    assert type(ui.value).__name__ == "ctkSliderWidget"


@pytest.mark.parametrize(
    "mistake",
    [
        {"kind": "ctkSlider"},
        {"signal": "sceneChanged(vtkMRMLScene*)"},
        {"receiver": "petSelector"},
        {"receiver": "value"},
    ],
)
def test_mistakes_in_a_ui_file_raise(slicer_app, tmp_path, mistake):
    import slicer

    with pytest.raises(ValueError, match=r"ctkSlider|sceneChanged|petSelector|setMRMLScene"):
        slicer.util.loadUI(write_ui(tmp_path, **mistake))


def test_a_panel_can_be_drawn_in_light_and_dark(slicer_app, tmp_path):
    import slicer
    from PIL import Image

    panel = slicer.util.loadUI(write_ui(tmp_path))
    light, dark = (
        np.asarray(Image.open(slicer_app.picture(panel, tmp_path / name, (300, 200), dark)).convert("L"))
        for name, dark in (("light.png", False), ("dark.png", True))
    )
    assert light.shape == dark.shape == (200, 300)
    assert light.std() > 1
    assert np.median(light) > 200
    assert np.median(dark) < 80


# --- views ---


def test_one_click_in_place_mode(slicer_app, scene):
    import slicer

    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Click")
    events = []
    points.AddObserver(
        slicer.vtkMRMLMarkupsNode.PointAddedEvent,
        lambda node, _: events.append(node.GetNthControlPointPositionStatus(0) == node.PositionPreview),
    )
    points.AddObserver(
        slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent,
        lambda node, _: events.append(tuple(node.GetNthControlPointPositionWorld(0))),
    )
    with pytest.raises(AssertionError, match="place mode"):
        slicer_app.click_in_slice((1, 2, 3))
    logic = slicer.modules.markups.logic()
    logic.SetActiveListID(points)
    logic.StartPlaceMode(False)
    slicer_app.click_in_slice((1, 2, 3))
    assert events == [True, (1.0, 2.0, 3.0)]  # the preview comes first, and is no click
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform


def test_a_click_at_a_place_of_a_slice_view(slicer_app, scene):
    import slicer
    import vtk

    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Click")
    logic = slicer.modules.markups.logic()
    logic.SetActiveListID(points)
    logic.StartPlaceMode(False)
    view = slicer.app.layoutManager().sliceWidget("Red")
    inverse = vtk.vtkMatrix4x4()
    inverse.DeepCopy(view.mrmlSliceNode().GetXYToRAS())
    inverse.Invert()
    place = inverse.MultiplyPoint([10.0, -20.0, 0.0, 1.0])[:2]
    with pytest.raises(TypeError, match="integers"):
        slicer.util.clickAndDrag(view, start=place, end=place, steps=1)
    x, y = (round(number) for number in place)
    slicer.util.clickAndDrag(view, start=(x, y), end=(x, y), steps=1)
    assert points.GetNthControlPointPositionWorld(0) == pytest.approx((10, -20, 0), abs=1.0)


def test_the_place_widget_follows_the_mode(slicer_app, scene):
    import slicer

    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Click")
    widget = slicer.qSlicerMarkupsPlaceWidget()
    widget.setMRMLScene(scene)
    widget.setCurrentNode(points)
    told = []
    widget.connect("activeMarkupsPlaceModeChanged(bool)", told.append)
    widget.placeModeEnabled = True
    slicer_app.click_in_slice((1, 2, 3))
    assert told == [True, False]
    assert not widget.placeModeEnabled


def test_slices_jump_and_show_volumes(slicer_app):
    import slicer

    volume = add_volume("ct", (40, 50, 60))
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    slicer.modules.markups.logic().JumpSlicesToLocation(5.0, 6.0, 7.0, True)
    red = slicer.app.layoutManager().sliceWidget("Red")
    assert red.mrmlSliceNode().GetSliceOffset() == pytest.approx(7.0)
    assert red.mrmlSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()
    assert slicer.app.layoutManager().sliceViewNames() == ("Red", "Yellow", "Green")


def test_charts_are_drawn_and_a_column_that_is_not_there_is_a_mistake(slicer_app, scene, tmp_path):
    import slicer
    import vtk

    table = scene.AddNewNodeByClass("vtkMRMLTableNode")
    for name in ("step", "loss"):
        column = vtk.vtkFloatArray()
        column.SetName(name)
        for value in (1.0, 2.0, 4.0):
            column.InsertNextValue(value)
        table.AddColumn(column)
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode")
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("step")
    series.SetYColumnName("loss")
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    view = slicer.qMRMLPlotView()
    node = scene.AddNewNodeByClass("vtkMRMLPlotViewNode")
    view.setMRMLScene(scene)
    view.setMRMLPlotViewNode(node)
    node.SetPlotChartNodeID(chart.GetID())
    slicer_app.picture(view, tmp_path / "plot.png", (300, 200))
    assert not slicer_app.problems.take()
    series.SetYColumnName("lost")
    slicer_app.picture(view, tmp_path / "plot.png", (300, 200))
    assert "'lost'" in slicer_app.problems.take()[0]


# --- modules ---

MODULE = """
import slicer
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin

VALUE = {value}

class LesionTry(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Try"

class LesionTryWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.heard = []
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onClosed)

    def onClosed(self, caller, event):
        self.heard.append("closed")

    def enter(self):
        self.heard.append("enter")

    def exit(self):
        self.heard.append("exit")

    def cleanup(self):
        {cleanup}

class LesionTryTest(ScriptedLoadableModuleTest):
    def runTest(self):
        assert VALUE == 1
"""


def write_module(folder, value=1, cleanup="self.removeObservers()"):
    path = folder / "LesionTry.py"
    path.write_text(textwrap.dedent(MODULE).format(value=value, cleanup=cleanup), encoding="utf-8")
    return path


def test_a_module_is_selected_left_and_heard(slicer_app, scene, tmp_path):
    import slicer

    widget = slicer_app.load_module("LesionTry", write_module(tmp_path))
    assert slicer.modules.lesiontry.title == "Try"
    assert slicer.modules.LesionTryWidget is widget
    assert widget.resourcePath("UI/LesionTry.ui") == str(tmp_path / "Resources" / "UI" / "LesionTry.ui")
    slicer.util.selectModule("LesionTry")
    assert widget.parent.isEntered
    scene.Clear(0)
    slicer.util.selectModule("markups")
    assert widget.heard == ["enter", "closed", "exit"]
    slicer.selfTests["LesionTry"]()


def test_a_module_is_reloaded_from_its_file(slicer_app, tmp_path):
    import slicer

    path = write_module(tmp_path)
    first = slicer_app.load_module("LesionTry", path)
    write_module(tmp_path, value=22)
    first.onReload()
    second = slicer.modules.LesionTryWidget
    assert second is not first
    slicer.mrmlScene.Clear(0)
    assert first.heard == []  # cleanup of the old one was called
    assert second.heard == ["closed"]
    with pytest.raises(AssertionError):
        slicer.selfTests["LesionTry"]()


def test_what_still_observes_after_cleanup_is_found(slicer_app, tmp_path):
    widget = slicer_app.load_module("LesionTry", write_module(tmp_path, cleanup="pass"))
    widget.cleanup()
    assert slicer_app.who_observes() == ["LesionTry.py:onClosed"]
    widget.removeObservers()
    assert slicer_app.who_observes() == []


def test_mistakes_in_setup_are_raised(slicer_app, tmp_path):
    path = write_module(tmp_path)
    path.write_text(path.read_text().replace("self.heard = []", "self.layout.addWidget(self.nothing)"))
    with pytest.raises(AttributeError, match="nothing"):
        slicer_app.load_module("LesionTry", path)


def test_sample_data_is_recorded(slicer_app):
    from SampleData import SampleDataLogic

    SampleDataLogic.registerCustomSampleDataSource(category="Lesions", sampleName="Chest", nodeNames="Chest")
    assert slicer_app.samples[0]["sampleName"] == "Chest"
    with pytest.raises(TypeError):
        SampleDataLogic.registerCustomSampleDataSource(sha256="0")


def test_terminology_entries_can_be_read(slicer_app):
    """True for made-up codes too, as in Slicer; False without a region context."""
    import slicer

    logic = slicer.modules.terminologies.logic()
    entry = slicer.vtkSlicerTerminologyEntry()
    code = "SCT^49755003^Morphologically Altered Structure~SCT^4147007^Mass~^^"
    assert logic.DeserializeTerminologyEntry(f"Own~{code}~Anatomic codes - DICOM master list~^^~^^", entry)
    assert entry.GetTypeObject().GetCodeMeaning() == "Mass"
