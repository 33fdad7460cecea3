"""Section Findings: the table, what shows more or fewer, decisions."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.app.operating import OperatingCurve
from LesionDetectionLib.core.finding import Status

from ..panel.conftest import CENTERS
from .conftest import found

CURVE = OperatingCurve(
    np.array([0.95, 0.8, 0.5, 0.3, 0.1]),
    np.array([0.05, 0.25, 1.0, 2.0, 8.0]),
    np.array([0.4, 0.7, 0.86, 0.92, 0.97]),
    100,
)


def sent_by(state, change):
    """What goes to the browser for a change."""
    before = {key: repr(value) for key, value in state.to_dict().items()}
    change()
    return {key: value for key, value in state.to_dict().items() if before.get(key) != repr(value)}


def test_the_table_says_what_was_found(state, detected):
    assert state.order == ["L1", "L2"]
    assert state.rows["L1"]["numbers"] == ["0.97", "12.0", "0.93", "40"]
    assert state.rows["L1"]["kind"] == "Nodule"
    assert state.rows["L1"]["color"] != state.rows["L2"]["color"]
    assert [one["title"] for one in state.headings] == ["No.", "Score", "mm", "mL", "HU", "Status", "Kind"]
    assert state.result_there
    assert "trained on computer-made phantoms" in " ".join(state.result_warnings)


def test_numbers_sort_as_numbers_both_ways(viewer, page, state, detected):
    viewer.context.session.set_threshold(0.1)
    table = viewer.findings_part.table
    table.sort(2)
    assert state.order == ["L1", "L2", "L3", "L4"]  # 12.0, 10.3, 7.7, 7.0: as text 7.7 would come first
    table.sort(2)
    assert (state.order, state.descending) == (["L4", "L3", "L2", "L1"], False)
    viewer.context.session.accept(["L4"])
    assert state.order == ["L4", "L3", "L2", "L1"]
    table.sort(99)
    assert state.sorted_by == 6
    table.sort(1)
    assert state.descending


def test_choosing_a_row_does_not_jump_but_enter_double_click_and_the_button_do(
    viewer, page, state, detected, seen_places
):
    page.row("L2")
    assert state.current == viewer.context.session.current == "L2"
    assert state.finding_text.startswith("L2: longest diameter")
    assert seen_places == []
    viewer.findings_part.table._on_key("Enter")
    viewer.findings_part.table._on_double_click("L1")
    page.press("go-to-button")
    assert seen_places == [pytest.approx(CENTERS[n], abs=1) for n in (1, 0, 0)]


def test_several_rows_are_chosen_with_ctrl_and_shift(viewer, page, state, detected):
    viewer.context.session.set_threshold(0.1)
    page.row("L1")
    page.row("L3", more=True)
    assert (state.chosen, state.current) == (["L1", "L3"], "L1")
    page.row("L1", more=True)
    assert (state.chosen, state.current) == (["L3"], "L3")
    page.row("L2")
    page.row("L4", up_to=True)
    assert state.chosen == ["L2", "L3", "L4"]
    page.row("L1", up_to=True)
    assert state.chosen == ["L1", "L2"]
    page.row("L9")
    assert state.chosen == ["L1", "L2"]
    page.row("L3")
    viewer.findings_part.table._on_key("ArrowDown")
    assert state.chosen == ["L4"]


def test_next_and_previous_follow_the_rows_and_go_round(viewer, page, state, detected, seen_places):
    viewer.context.session.set_threshold(0.1)
    for button, there in (("next", "L1"), ("next", "L2"), ("previous", "L1"), ("previous", "L4"), ("next", "L1")):
        page.press(f"{button}-button")
        assert (state.current, state.chosen) == (there, [there])
    assert len(seen_places) == 5


def test_after_a_rejection_the_way_goes_on_from_there(viewer, page, state, detected, seen_places):
    viewer.context.session.set_threshold(0.1)
    page.row("L2")
    page.press("reject-button")
    assert (state.order, state.chosen) == (["L1", "L3", "L4"], [])
    page.press("next-button")
    assert state.current == "L3"
    page.press("reject-button")
    page.press("previous-button")
    assert state.current == "L1"


@pytest.mark.parametrize(("button", "status"), [("accept", Status.ACCEPTED), ("reject", Status.REJECTED)])
def test_decisions(viewer, page, state, detected, button, status):
    page.set(rejected_shown=True)
    page.row("L1")
    page.row("L2", more=True)
    page.press(f"{button}-button")
    assert state.decisions == {"L1": status.value, "L2": status.value}
    assert [item.status for item in viewer.context.session.listed] == [status, status]
    page.press("undecide-button")
    assert state.decisions == {}
    page.key("Ctrl+Z")
    assert state.decisions == {"L1": status.value, "L2": status.value}
    page.key("Ctrl+Y")
    assert state.decisions == {}


def test_rejected_findings_are_listed_only_when_asked_for(page, state, detected):
    page.row("L1")
    page.press("reject-button")
    assert state.order == ["L2"]
    page.set(rejected_shown=True)
    assert state.order == ["L1", "L2"]
    page.set(rejected_shown=False)
    assert state.order == ["L2"]


def test_relabel_merge_and_delete(viewer, page, state, detected):
    page.row("L1")
    page.set(relabel=next(one["value"] for one in state.meanings if one["title"] == "Cyst"))
    assert state.rows["L1"]["kind"] == "Cyst"
    assert state.relabel == ""
    page.set(relabel="no such code")
    assert state.rows["L1"]["kind"] == "Cyst"
    page.press("merge-button")
    assert "two or more" in page.told()
    page.row("L2", more=True)
    page.press("merge-button")
    assert len(state.order) == 1
    assert "Merged from" in state.rows[state.current]["note"]
    page.press("delete-button")
    assert (state.order, state.finding_text) == ([], "")
    page.press("accept-button")
    assert page.told() == "Choose a finding in the table first."
    page.key("Ctrl+Z")
    page.key("Ctrl+Z")
    assert state.order == ["L1", "L2"]


def test_the_slider_shows_more_and_says_what_that_means(viewer, page, state, ct, engine, monkeypatch):
    from LesionDetectionLib.app.session import thresholds

    monkeypatch.setattr(thresholds, "curve_of", lambda _model: CURVE)
    page.press("detect-button")
    engine.finish(found())
    assert state.threshold_by == "score"
    assert "false marks per scan" in state.operating_text
    assert "(on phantoms). 2 shown, 2 hidden." in state.operating_text
    page.set(operating_position=1000)
    assert state.order == ["L1", "L2", "L3", "L4"]
    assert "≈ 7" in state.operating_text or "≈ 8" in state.operating_text
    assert state.operating_position == 1000
    page.set(operating_position=0)
    assert state.order == ["L1"]
    page.set(operating_position="a lot")
    page.set(operating_position=-5)
    assert state.order == ["L1"]


def test_a_threshold_of_elsewhere_moves_the_slider(viewer, state, detected):
    before = state.operating_position
    viewer.context.session.set_threshold(0.9)
    assert state.operating_position < before
    assert state.order == ["L1"]


def test_controls_of_a_result_take_the_place_of_the_slider(viewer, page, state, ct, engine):
    import dataclasses

    from LesionDetectionLib.core.detections import Control

    made = found()
    lesions = tuple(dataclasses.replace(lesion, evidence=((lesion.score, 30.0),)) for lesion in made.lesions)
    controls = (
        Control("least_response", "Least response", 0.5, 0.0, 1.0),
        Control("least_area", "Least area", 10.0, 0.0, 200.0, "px", 0),
    )
    page.press("detect-button")
    engine.finish(dataclasses.replace(made, lesions=lesions, controls=controls))
    assert (state.threshold_by, state.order) == ("controls", ["L1", "L2"])
    assert [(one["title"], one["unit"]) for one in state.controls] == [("Least response", ""), ("Least area", "px")]
    assert "response above 0.50 and area above 10 px" in state.operating_text
    page.set(control_values=[0.3, 10.0])
    assert (state.order, state.controls_moved) == (["L1", "L2", "L3"], True)
    page.set(control_values=[0.3, "much"])
    page.set(control_values=[0.3])
    assert state.order == ["L1", "L2", "L3"]
    page.press("controls-reset")
    assert (state.order, state.controls_moved, state.control_values) == (["L1", "L2"], False, [0.5, 10.0])


def test_only_what_changed_goes_to_the_browser(viewer, page, state, detected):
    page.row("L1")
    sent = sent_by(state, lambda: viewer.context.session.set_threshold(0.1))
    assert {"order", "operating_text"} <= set(sent)
    assert not LARGE & set(sent)
    assert len(repr(sent)) < 2000
    sent = sent_by(state, lambda: viewer.context.session.accept(["L1"]))
    assert "decisions" in sent
    assert not LARGE & set(sent)
    assert not (LARGE | {"order", "decisions"}) & set(sent_by(state, lambda: page.row("L2")))


LARGE = {"rows", "headings", "meanings", "methods", "models", "setting_fields"}
"""What is sent once, or when findings were changed by hand."""
