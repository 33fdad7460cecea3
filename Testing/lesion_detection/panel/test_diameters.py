"""In the section Click to measure: two drawn diameters become a finding."""

from __future__ import annotations

from dataclasses import replace

import pytest
from LesionDetectionLib.app.recist_request import RecistRequest

from .conftest import CENTERS, chest_image, clicked_lesion
from .shared_panel import *  # noqa: F403 (fixtures)

R, A, S = CENTERS[0]
LONG = ((R - 6, A, S), (R + 6, A, S))
SHORT = ((R, A - 5, S), (R, A + 5, S))
NOTE = "GrabCut: the lesion stands out from its surroundings."


@pytest.fixture
def panel(widget):
    return widget.panel


@pytest.fixture
def ui(widget):
    return widget.ui


@pytest.fixture
def ct(slicer_app, panel):
    from LesionDetectionLib.io.mrml import volume_node

    node = volume_node(slicer_app.scene, chest_image())
    panel.context.parameters.ctVolume = node
    return node


@pytest.fixture
def draw(slicer_app):
    """``draw(ends)``: a line markup, as Slicer's tool bar makes it."""

    def drawn(ends, name="L"):
        node = slicer_app.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", slicer_app.scene.GenerateUniqueName(name))
        for end in ends:
            node.AddControlPoint(list(end))
        slicer_app.process_events()
        return node

    return drawn


def lesion(radius=6.0):
    return replace(clicked_lesion(radius=radius), method="recist", note=NOTE)


def placing():
    import slicer

    interaction = slicer.app.applicationLogic().GetInteractionNode()
    return interaction.GetCurrentInteractionMode() == interaction.Place


def lines_in(scene):
    return [node.GetName() for node in scene.GetNodes() if node.IsA("vtkMRMLMarkupsLineNode")]


def test_two_lines_become_a_finding_that_can_be_undone(panel, ui, ct, draw, engine):
    draw(LONG)
    draw(SHORT)
    ui.outlineButton.click()
    assert engine.request == RecistRequest("CT", (LONG, SHORT), "best", True)
    assert ui.outlineButton.text == "Cancel"
    engine.go_on(0.5, "Outlining")
    assert ui.diametersText.text == "Outlining"
    engine.finish(lesion())
    assert ui.outlineButton.text == "Mask from diameters"
    assert ui.diametersText.text == NOTE
    assert ui.findingsTable.rowCount == 1
    assert ui.findingText.text.endswith(f"Outlined from two diameters. {NOTE}")
    nodes = panel.session.results.nodes
    assert nodes.segmentation.GetSegmentation().GetNumberOfSegments() == 1
    assert nodes.points.GetNumberOfControlPoints() == 1
    ui.undoButton.click()
    assert ui.findingsTable.rowCount == 0
    ui.redoButton.click()
    assert ui.findingsTable.rowCount == 1
    assert panel.session.listed[0].origin == "drawn"


def test_the_way_and_whether_it_goes_on_are_the_persons(panel, ui, ct, draw, engine):
    draw(LONG)
    draw(SHORT)
    ui.wayComboBox.setCurrentIndex(2)
    ui.wayComboBox.activated.emit(2)
    ui.outlineCarriedCheckBox.setChecked(False)
    ui.outlineButton.click()
    assert (engine.request.way, engine.request.carry) == ("ellipse", False)


def test_all_ways_that_are_offered_exist():
    from LesionDetectionLib.imaging.recist_mask import BEST, WAYS
    from LesionDetectionLib.panel.diameters_part import _ways

    ways = [way for way, _title in _ways()]
    assert ways[0] == BEST == RecistRequest("CT", (LONG, SHORT)).way
    assert set(ways) <= set(WAYS)


def test_the_last_two_lines_are_offered_and_others_can_be_chosen(panel, ui, ct, draw, engine):
    first, second, third = draw(LONG, "a"), draw(SHORT, "b"), draw(SHORT, "c")
    assert panel.diameters.lines == (second, third)
    ui.firstLineComboBox.setCurrentIndex(0)
    assert panel.diameters.lines == (first, third)
    panel.refresh()
    assert panel.diameters.lines == (first, third)
    import slicer

    slicer.mrmlScene.RemoveNode(third)
    panel.refresh()
    assert panel.diameters.lines == (first, second)


def test_the_same_lines_again_correct_what_was_made_of_them(panel, ui, ct, draw, engine):
    first, _second = draw(LONG), draw(SHORT)
    ui.outlineButton.click()
    engine.finish(lesion())
    assert panel.diameters.lines[0] is first, "the result's own diameters are not offered"
    first.SetNthControlPointPosition(0, R - 8, A, S)
    ui.outlineButton.click()
    assert engine.request.lines_ras_mm[0][0] == (R - 8, A, S)
    engine.finish(lesion(8.0))
    assert ui.findingsTable.rowCount == 1
    assert ui.undoButton.toolTip == "Undo: correct L1 (Ctrl+Z)"
    ui.undoButton.click()
    ui.undoButton.click()
    ui.outlineButton.click()
    engine.finish(lesion())
    assert ui.undoButton.toolTip == "Undo: measure L1 (Ctrl+Z)", "what was taken back is not corrected"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "There is no line yet."),
        ([LONG], "there is only one line"),
        ([LONG, SHORT[:1]], "does not have both of its ends yet"),
    ],
)
def test_what_is_no_pair_of_diameters_is_said_where_the_person_looks(ui, ct, draw, engine, lines, words):
    for ends in lines:
        draw(ends)
    ui.outlineButton.click()
    assert words in ui.diametersText.text
    assert engine.jobs == []


def test_one_line_cannot_be_both_diameters(ui, ct, draw, engine):
    draw(LONG)
    draw(SHORT)
    ui.firstLineComboBox.setCurrentIndex(1)
    ui.outlineButton.click()
    assert "is chosen twice" in ui.diametersText.text


def test_a_failure_is_a_sentence_and_cancel_adds_nothing(panel, ui, ct, draw, engine):
    draw(LONG)
    draw(SHORT)
    ui.outlineButton.click()
    engine.fail("The diameters do not lie in one axial slice.")
    assert ui.diametersText.text == "The diameters do not lie in one axial slice."
    assert ui.diametersTextIcon.isVisibleTo(ui.diametersTextRow)
    ui.outlineButton.click()
    ui.outlineButton.click()
    assert engine.jobs[-1][0].state == "cancelling"
    assert not ui.outlineButton.isEnabled()
    engine.end_cancelled()
    assert ui.diametersText.text == "Cancelled. Nothing was added to the scene."
    assert panel.session.results is None


def test_without_a_volume_there_is_nothing_to_draw_on(ui, slicer_app):
    assert not ui.outlineButton.isEnabled()
    assert not ui.drawDiametersButton.isEnabled()
    assert ui.outlineButton.toolTip == ui.drawDiametersButton.toolTip == "Choose a CT or PET first."


# Drawing


def test_both_diameters_are_drawn_with_four_clicks(slicer_app, panel, ui, ct, engine):
    ui.drawDiametersButton.click()
    assert ui.diametersText.text.startswith("Click both ends of the longest diameter")
    for point in LONG:
        slicer_app.click_in_slice(point)
    assert placing()
    assert ui.diametersText.text.startswith("Now both ends")
    for point in SHORT:
        slicer_app.click_in_slice(point)
    assert not placing()
    assert not ui.drawDiametersButton.isChecked()
    assert "press Mask from diameters" in ui.diametersText.text
    ui.outlineButton.click()
    assert engine.request.lines_ras_mm == (LONG, SHORT)


def test_escape_leaves_no_half_of_a_line(slicer_app, ui, ct):
    ui.drawDiametersButton.click()
    for point in (*LONG, SHORT[0]):
        slicer_app.click_in_slice(point)
    slicer_app.press("Escape", __import__("slicer").util.mainWindow())
    assert not ui.drawDiametersButton.isChecked()
    assert lines_in(slicer_app.scene) == ["Diameter"]
    assert not placing()


def test_clicks_go_to_one_mode_only(slicer_app, panel, ui, ct, engine):
    """Whatever is begun last has the mouse: measuring, drawing, or another tool of Slicer's."""
    import slicer

    ui.clickButton.click()
    ui.drawDiametersButton.click()
    slicer_app.process_events()
    assert not ui.clickButton.isChecked()
    assert placing()
    slicer_app.click_in_slice(LONG[0])
    assert engine.jobs == []
    ui.clickButton.click()
    slicer_app.process_events()
    assert not ui.drawDiametersButton.isChecked()
    slicer_app.click_in_slice(CENTERS[0])
    assert len(engine.jobs) == 1
    engine.fail("x")
    other = slicer_app.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    slicer.modules.markups.logic().SetActiveListID(other)
    slicer_app.process_events()
    assert not ui.clickButton.isChecked()
    assert placing(), "the other tool goes on"
    assert lines_in(slicer_app.scene) == []


def test_leaving_the_module_or_the_scene_ends_drawing(slicer_app, widget, ui, ct):
    ui.drawDiametersButton.click()
    slicer_app.leave(widget)
    assert not placing()
    slicer_app.show(widget)
    ui.drawDiametersButton.click()
    slicer_app.scene.Clear(0)
    slicer_app.process_events()
    assert not ui.drawDiametersButton.isChecked()


def test_a_script_outlines_too(slicer_app, widget, ct, draw):
    result = widget.logic.outline(ct, (draw(LONG), draw(SHORT)), way="ellipse", carry=False)
    assert result.segmentation.GetSegmentation().GetNumberOfSegments() == 1
