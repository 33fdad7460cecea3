"""Section Findings: the table, the slider, decisions, and keys."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.app.operating import OperatingCurve
from LesionDetectionLib.core.finding import Status

from .conftest import CENTERS, chest_image, found_in
from .shared_panel import *  # noqa: F403 (fixtures)

CURVE = OperatingCurve(
    np.array([0.95, 0.8, 0.5, 0.3, 0.1]),
    np.array([0.05, 0.25, 1.0, 2.0, 8.0]),
    np.array([0.4, 0.7, 0.86, 0.92, 0.97]),
    100,
)


@pytest.fixture
def with_curve(panel, monkeypatch):
    """Models know what their thresholds mean."""
    from LesionDetectionLib.app.session import thresholds

    monkeypatch.setattr(thresholds, "curve_of", lambda _model: CURVE)


def cells(ui, row):
    return [ui.findingsTable.item(row, column).text() for column in range(ui.findingsTable.columnCount)]


def column(ui, number):
    return [ui.findingsTable.item(row, number).text() for row in range(ui.findingsTable.rowCount)]


def choose(ui, *rows):
    ui.findingsTable.clearSelection()
    import qt

    for row in rows:
        ui.findingsTable.setRangeSelected(qt.QTableWidgetSelectionRange(row, 0, row, 6), True)


def test_the_table_says_what_was_found(ui, detected):
    assert cells(ui, 0) == ["L1", "0.97", "12.0", "0.93", "40", "New", "Nodule"]
    assert column(ui, 0) == ["L1", "L2"]
    assert ui.findingsTable.horizontalHeaderItem(4).text() == "HU"
    assert ui.findingsBox.isVisible()
    assert not ui.findingsEmptyText.isVisible()
    assert "trained on computer-made phantoms" in ui.resultWarning.text


def test_numbers_sort_as_numbers_and_missing_ones_come_last(panel, ui, detected):
    panel.session.set_threshold(0.1)
    header = ui.findingsTable.horizontalHeader()
    header.sectionClicked.emit(2)
    assert column(ui, 2) == ["12.0", "10.3", "7.7", "7.0"]  # as text 7.7 would come before 12.0
    header.sectionClicked.emit(2)
    assert column(ui, 2) == ["7.0", "7.7", "10.3", "12.0"]
    from dataclasses import replace

    lesion = replace(panel.session.listed[0].lesion, measurements={}, mask=None)
    findings, _ = panel.session.findings.adding(lesion, origin="clicked")
    panel.session.results.change("add", findings)
    panel.findings.show_findings()
    for _once in range(2):
        header.sectionClicked.emit(3)
        assert column(ui, 3)[-1] == ""
    header.sectionClicked.emit(1)  # by score, as at first
    assert column(ui, 0)[:2] == ["L1", "L2"]


def test_choosing_a_row_does_not_jump_but_enter_double_click_and_the_button_do(slicer_app, panel, ui, detected, places):
    choose(ui, 1)
    assert panel.session.current == "L2"
    assert places() == []
    slicer_app.press("Return", ui.findingsTable)
    assert places()[-1] == pytest.approx(CENTERS[1], abs=1)
    ui.findingsTable.cellDoubleClicked.emit(0, 0)
    assert len(places()) == 2
    ui.goToButton.click()
    assert len(places()) == 3


@pytest.fixture
def places(panel, monkeypatch):
    """A function that gives the places which the views were told to show."""
    from LesionDetectionLib.app.scene_views import going

    places, jump = [], going.jump

    def watched(views, point_ras_mm, centred):
        assert centred
        assert len(views.slices()) == 3
        places.append(point_ras_mm)
        jump(views, point_ras_mm, centred)

    monkeypatch.setattr(going, "jump", watched)
    return lambda: places


def test_next_and_previous_follow_the_rows_and_go_round(slicer_app, panel, ui, detected, places):
    panel.session.set_threshold(0.1)
    slicer_app.press("N", ui.findingsTable)
    slicer_app.press("N", ui.findingsTable)
    assert panel.session.current == "L2"
    slicer_app.press("P", ui.findingsTable)
    slicer_app.press("P", ui.findingsTable)
    assert panel.session.current == "L4"
    slicer_app.press("Ctrl+Down", ui.findingsTable)
    assert panel.session.current == "L1"
    assert len(places()) == 5
    assert panel.findings.table.chosen == ("L1",)
    assert ui.findingText.text.startswith("L1: longest diameter 12.0 mm, across 12.0 mm, volume 0.93 mL, mean 40")


@pytest.mark.parametrize(
    ("key", "button", "status", "word"),
    [
        ("A", "acceptButton", Status.ACCEPTED, "Accepted"),
        ("R", "rejectButton", Status.REJECTED, "Rejected"),
    ],
)
def test_decisions_by_key_and_button(slicer_app, panel, ui, detected, key, button, status, word):
    ui.showRejectedCheckBox.setChecked(True)
    choose(ui, 0, 1)
    slicer_app.press(key, ui.findingsTable)
    assert [item.status for item in panel.session.listed] == [status, status]
    assert column(ui, 5) == [word, word]
    assert panel.findings.table.chosen == ("L1", "L2")
    slicer_app.press("U", ui.findingsTable)
    assert column(ui, 5) == ["New", "New"]
    getattr(ui, button).click()
    assert column(ui, 5) == [word, word]
    slicer_app.press("Ctrl+Z", ui.findingsTable)
    assert column(ui, 5) == ["New", "New"]
    assert ui.redoButton.toolTip == f"Redo: {button.removesuffix('Button')} L1, L2 (Ctrl+Y)"
    slicer_app.press("Ctrl+Y", ui.findingsTable)
    assert column(ui, 5) == [word, word]


def test_rejected_findings_are_listed_only_when_asked_for(panel, ui, detected):
    choose(ui, 0)
    ui.rejectButton.click()
    assert column(ui, 0) == ["L2"]
    assert not panel.findings.table.chosen
    ui.showRejectedCheckBox.setChecked(True)
    assert column(ui, 0) == ["L1", "L2"]


def test_next_goes_on_from_where_a_finding_was_rejected_or_deleted(slicer_app, panel, ui, detected):
    """Review is N, then R or A: after R the row is gone, and N begins no search for the place."""
    panel.session.set_threshold(0.1)
    choose(ui, 1)
    slicer_app.press("R", ui.findingsTable)
    assert column(ui, 0) == ["L1", "L3", "L4"]
    slicer_app.press("N", ui.findingsTable)
    assert panel.session.current == "L3"
    slicer_app.press("Del", ui.findingsTable)
    slicer_app.press("P", ui.findingsTable)
    assert panel.session.current == "L1"
    choose(ui, 1)
    slicer_app.press("R", ui.findingsTable)  # the last one
    slicer_app.press("N", ui.findingsTable)
    assert panel.session.current == "L1"


def test_a_key_does_nothing_where_its_button_is_disabled(slicer_app, panel, ui, detected):
    ui.findingsTable.clearSelection()
    for key in ("A", "R", "U", "M", "Del", "G"):
        slicer_app.press(key, ui.findingsTable)
    assert not slicer_app.questions
    assert column(ui, 5) == ["New", "New"]


def test_relabel_merge_and_delete(slicer_app, panel, ui, detected):
    assert not ui.mergeButton.isEnabled()
    choose(ui, 0, 1)
    assert ui.mergeButton.isEnabled()
    ui.meaningComboBox.setCurrentIndex(5)
    ui.meaningComboBox.activated.emit(5)
    assert column(ui, 6) == ["Lymph node", "Lymph node"]
    assert ui.meaningComboBox.currentIndex == 0
    ui.mergeButton.click()
    assert column(ui, 0) == ["L5"]
    assert panel.session.current == "L5"
    assert panel.findings.table.chosen == ("L5",)
    assert "Merged from L1, L2." in ui.findingText.text
    slicer_app.press("Del", ui.findingsTable)
    assert ui.findingsTable.rowCount == 0
    ui.undoButton.click()
    ui.undoButton.click()
    assert column(ui, 0) == ["L1", "L2"]


def test_the_slider_is_false_marks_per_scan_where_the_model_knows(slicer_app, with_curve, panel, ui, detected):
    assert "(on phantoms)" in ui.operatingText.text
    ui.operatingSlider.setValue(ui.operatingSlider.maximum)
    slicer_app.process_events(lambda: ui.findingsTable.rowCount == 4)
    assert ui.operatingText.text.startswith("≈ 7.")
    assert ui.operatingText.text.endswith("4 shown, 0 hidden.")
    segmentation = detected.nodes.segmentation.GetDisplayNode()
    assert segmentation.GetSegmentVisibility("L4")
    ui.operatingSlider.setValue(0)
    slicer_app.process_events(lambda: ui.findingsTable.rowCount == 1)
    assert ui.operatingText.text.startswith("≈ 0.05 false marks per scan, finds about 40 %")
    assert not segmentation.GetSegmentVisibility("L4")
    # A logarithmic scale: its middle is the geometric mean of its ends.
    ui.operatingSlider.setValue(ui.operatingSlider.maximum // 2)
    slicer_app.process_events(lambda: ui.findingsTable.rowCount == 2)
    ends = [CURVE.fp_at(panel.findings.slider._scale.threshold(end)) for end in (0.0, 1.0)]
    assert CURVE.fp_at(panel.session.findings.threshold) == pytest.approx(np.sqrt(np.prod(ends)), rel=0.05)


def test_the_slider_is_the_score_where_the_model_does_not_know(slicer_app, panel, ui, detected, monkeypatch):
    monkeypatch.setattr(type(panel.session), "curve", None)
    ui.operatingSlider.setValue(ui.operatingSlider.maximum)
    slicer_app.process_events(lambda: ui.findingsTable.rowCount == 4)
    assert ui.operatingText.text.startswith("Score 0.12 and more;")


def test_the_slider_stands_where_the_threshold_is(slicer_app, with_curve, panel, ui, detected):
    for threshold in (0.9, 0.5, 0.2):
        panel.session.set_threshold(threshold)
        slicer_app.process_events()
        assert panel.session.findings.threshold == threshold  # showing it does not move it
        position = ui.operatingSlider.value / ui.operatingSlider.maximum
        assert panel.findings.slider._scale.threshold(position) == pytest.approx(threshold, abs=0.01)


def test_without_a_detector_there_is_no_slider(panel, ui, ct, engine):
    from .conftest import clicked_lesion

    panel.click.clicked(CENTERS[0])
    engine.finish(clicked_lesion())
    assert cells(ui, 0)[:3] == ["L1", "", "12.0"]
    assert not ui.operatingRow.isVisible()
    assert not ui.operatingText.isVisible()


def test_each_detect_makes_a_result_that_can_be_looked_at_again(panel, ui, detected, engine):
    assert not ui.resultsRow.isVisible()
    ui.acceptButton.click()
    ui.detectButton.click()
    engine.finish(found_in(chest_image()))
    assert ui.resultsRow.isVisible()
    assert ui.resultsComboBox.count == 2
    assert ui.resultsComboBox.currentIndex == 1
    ui.resultsComboBox.setCurrentIndex(0)
    ui.resultsComboBox.activated.emit(0)
    assert panel.session.results is detected


def test_keys_belong_to_a_box_that_is_typed_in(slicer_app, panel, ui, detected):
    """The whole panel knows Ctrl+Z; letters are for the findings alone."""
    choose(ui, 0)
    slicer_app.press("A", ui.aroundSpinBox)
    assert column(ui, 5) == ["New", "New"]
