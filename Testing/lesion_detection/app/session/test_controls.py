"""Controls, maps and images that may be missing: what a session asks the worker for, and what a user does with the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.session.session import FINDINGS, DetectChoice, Session
from LesionDetectionLib.core.detector import MethodInfo, method
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.io import mrml

from .in_nodes import opened_again

TITLE = "Lesion similarity"


@pytest.fixture
def the_method(monkeypatch):
    """A method of PET with an optional CT, and controls."""
    info = MethodInfo(
        "controlled",
        "Controlled",
        ("PT", "CT"),
        False,
        "",
        "",
        "",
        "no:where",
        "no:where",
        optional=("CT",),
        review_settings={"all_candidates": True},
    )

    def find(method_id):
        return info if method_id == "controlled" else method(method_id)

    monkeypatch.setattr("LesionDetectionLib.app.session.session.method", find)
    monkeypatch.setattr("LesionDetectionLib.app.session.thresholds.method", find)
    return info


@pytest.fixture
def volumes(scene, make_controlled_run):
    """A PET and a CT in the scene."""
    image, _ = make_controlled_run(1)
    pet = replace(image, modality="PT", unit="SUVbw", name="pet")
    return {"PT": mrml.volume_node(scene, pet), "CT": mrml.volume_node(scene, image)}


@pytest.fixture
def found(the_method, session, engine, volumes, make_controlled_run):
    """A result of four lesions with controls in the PET."""
    session.detect(DetectChoice(volumes, "controlled"))
    engine.done(make_controlled_run(4)[1])


def listed(session):
    return [item.id for item in session.listed]


def visible(session):
    nodes = session.results.nodes
    display = nodes.segmentation.GetDisplayNode()
    segments = [
        name for name in nodes.segmentation.GetSegmentation().GetSegmentIDs() if display.GetSegmentVisibility(name)
    ]
    table = nodes.table.GetTable()
    rows = [table.GetValueByName(row, "id").ToString() for row in range(table.GetNumberOfRows())]
    assert rows == segments
    return segments


# Asking


def test_all_that_the_controls_could_show_is_asked_for(the_method, session, engine, volumes):
    settings = {"all_candidates": False, "margin_mm": 3.0}
    session.detect(DetectChoice(dict(reversed(volumes.items())), "controlled", settings=settings))
    job, images, _ = engine.jobs[-1]
    assert job.request.operating_point == "", "the controls begin at the model's own point"
    assert job.request.settings == {"all_candidates": True, "margin_mm": 3.0}
    assert list(images) == ["PT", "CT"]
    engine.failed("No.")


@pytest.mark.parametrize("chosen", [{}, {"CT": None}])
def test_an_image_that_it_can_do_without_may_be_missing(the_method, session, engine, volumes, chosen):
    session.detect(DetectChoice({**chosen, "PT": volumes["PT"]}, "controlled"))
    assert set(engine.jobs[-1][1]) == {"PT"}
    session.cancel()


@pytest.mark.parametrize("chosen", [{}, {"PT": None}, {"CT": "the CT"}])
def test_an_image_that_it_needs_may_not(the_method, session, engine, volumes, chosen):
    chosen = {name: node and volumes[name] for name, node in chosen.items()}
    with pytest.raises(InputError, match="No volume is chosen for the PET, which “Controlled” needs"):
        session.detect(DetectChoice(chosen, "controlled"))
    assert engine.jobs == []


# Moving


def test_controls_show_and_hide_without_inference(found, session, engine, changes):
    assert session.message == "2 findings; 2 more below the thresholds."
    assert [control.name for control in session.controls] == ["least_response", "least_area"]
    assert visible(session) == listed(session) == ["L1", "L2"]
    del changes[:]
    session.set_control_values([0.0, 0.0])
    assert (visible(session), changes) == (["L1", "L2", "L3", "L4"], [FINDINGS])
    session.set_control_values([0.0, 0.0])
    assert changes == [FINDINGS], "nothing was moved"
    session.set_control_values((0.6, 29))
    assert visible(session) == ["L1"]
    assert [control.value for control in session.controls] == [0.6, 29.0]
    assert (len(engine.jobs), session.undo_text) == (1, "")


def test_undo_leaves_the_sliders_where_they_are(found, session):
    session.accept(["L4"])
    session.set_control_values([0.0, 29.0])
    session.set_threshold(0.123)
    session.undo()
    assert [control.value for control in session.controls] == [0.0, 29.0]
    assert session.findings.threshold == 0.123
    assert visible(session) == listed(session) == ["L1", "L2", "L3", "L4"]
    session.set_control_values([0.6, 29.0])
    session.redo()
    assert listed(session) == ["L1", "L4"]


def test_what_cannot_be_moved_is_a_sentence(found, session, detected):
    with pytest.raises(UsageError, match="has 2 thresholds to move, and 1 values"):
        session.set_control_values([0.5])
    detected(2)
    assert session.controls == ()
    with pytest.raises(UsageError, match="has 0 thresholds"):
        session.set_control_values([0.5])


def test_without_a_result_there_is_nothing_to_move(session):
    assert session.controls == ()
    with pytest.raises(UsageError, match="no result yet"):
        session.set_control_values([])


def test_the_report_says_where_the_controls_were(found, session):
    assert session.detections().operating_point.name == "balanced"
    session.set_control_values([0.25, 3.0])
    reported = session.detections()
    assert [control.text for control in reported.controls] == ["Least response 0.25", "Least area 3 px"]
    assert reported.operating_point.name == "chosen in review"
    assert len(reported.lesions) == 4


def test_a_corrected_finding_keeps_its_evidence(found, session, engine, volumes):
    session.select("L1")
    center = session.findings.get("L1").lesion.center_ras_mm
    session.measure(volumes["PT"], center)
    engine.done(replace(session.findings.get("L2").lesion, evidence=(), score=1.0))
    item = session.findings.get("L1")
    assert item.corrected
    assert item.lesion.evidence == ((0.95, 5.0), (0.95 - 0.3, 30.0))


# Maps and scenes


def test_maps_come_into_the_scene_with_the_result(found, session, make_controlled_run):
    similarity = make_controlled_run(4)[1].maps[TITLE]
    node = session.results.maps[TITLE]
    assert node.GetName() == "pet controlled Lesion similarity"
    np.testing.assert_array_equal(mrml.image_from_node(node).voxels, similarity.voxels)


def test_a_saved_scene_has_the_controls_where_they_were_left_and_the_maps(found, session, engine, scene, tmp_path):
    text = session.results.nodes.text
    before = text.GetText()
    session.set_control_values([0.6, 29.0])
    assert text.GetText() == before, "all masks are in it: too long for each move of a slider"
    voxels = mrml.image_from_node(session.results.maps[TITLE]).voxels
    with opened_again(scene, engine, tmp_path) as (again, _result):
        assert [control.value for control in again.controls] == [0.6, 29.0]
        assert again.detections().operating_point.name == "chosen in review"
        assert listed(again) == ["L1"]
        node = again.results.maps[TITLE]
        np.testing.assert_array_equal(mrml.image_from_node(node).voxels, voxels)
        display = node.GetDisplayNode()
        assert (display.GetApplyThreshold(), display.GetWindow()) == (1, 1.0)
        assert 0 < display.GetLowerThreshold() < 1e-30


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("", [0.5, 10.0]),
        ('{"least_area":7,"of another version":1}', [0.5, 7.0]),
    ],
)
def test_scenes_of_other_versions_are_read(found, session, scene, said, values):
    session.results.nodes.text.SetAttribute("LesionDetection.controls", said)
    again = Session(scene, None)
    again.activate(again.results_in_scene()[0])
    assert [control.value for control in again.controls] == values


@pytest.mark.parametrize("said", ["{", "7", '{"least_area":"high"}', '{"least_area":null}'])
def test_damaged_controls_are_told(found, session, scene, said):
    session.results.nodes.text.SetAttribute("LesionDetection.controls", said)
    again = Session(scene, None)
    assert again.results_in_scene() == ()
    assert "thresholds of “pet controlled” cannot be read" in again.message
