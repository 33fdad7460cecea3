"""Detecting and its threshold, on real MRML: each step, its nodes, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.session.session import CURRENT, FINDINGS, JOB, RESULTS, DetectChoice
from LesionDetectionLib.core.errors import BundleError, InputError, UsageError
from LesionDetectionLib.io import mrml

from .in_nodes import ball_at, segments, table_column, visible_points, visible_segments


def test_all_that_could_ever_be_shown_is_asked_for(session, engine, scene, make_run):
    image, _ = make_run()
    session.detect(DetectChoice({"CT": mrml.volume_node(scene, image)}, "nodule-ct", device="cpu"))
    job, images, _ = engine.jobs[-1]
    assert (job.request.method, job.request.device) == ("nodule-ct", "cpu")
    assert float(job.request.operating_point) <= 0.152, "the model's most sensitive point, or lower"
    assert np.array_equal(images["CT"].voxels, image.voxels)


def test_a_result_has_its_nodes_and_is_shown_from_the_models_default_on(session, engine, detected, changes):
    detected(4)
    assert session.job.state == "done"
    assert {JOB, RESULTS, FINDINGS, CURRENT} <= set(changes)
    assert segments(session) == ["L1", "L2", "L3", "L4"], "all that was found is there"
    assert [item.id for item in session.listed] == ["L1", "L2", "L3"], "of .95 .83 .70 .58, those from .6 on"
    assert visible_segments(session) == ["L1", "L2", "L3"]
    assert table_column(session, "id") == ["L1", "L2", "L3"]


def test_the_threshold_shows_and_hides_without_inference(session, engine, detected):
    detected(4)
    segmentation = session.results.nodes.segmentation
    for threshold, shown in ((0.9, 1), (0.0, 4), (0.8, 2)):
        session.set_threshold(threshold)
        names = [f"L{n}" for n in range(1, shown + 1)]
        assert visible_segments(session) == names
        assert visible_points(session) == list(range(shown))
        assert table_column(session, "id") == names
        lines = {name for name, nodes in session.results.nodes.axes.items() if nodes[0].GetDisplayVisibility()}
        assert lines == set(names)
    assert session.results.nodes.segmentation is segmentation, "the same node, changed"
    assert len(engine.jobs) == 1
    assert session.undo_text == "", "a slider goes back by itself"


def test_what_a_person_decided_on_stays_whatever_the_threshold(session, detected):
    detected(4)
    session.accept(["L3"])
    session.set_threshold(0.99)
    assert [item.id for item in session.listed] == ["L3"]


def test_a_second_job_waits_for_the_users_decision(session, engine, detected, scene, make_run):
    volume, *_ = detected(2)
    session.measure(volume, (40.0, -30.0, -500.0))
    with pytest.raises(UsageError, match="running already"):
        session.detect(DetectChoice({"CT": volume}, "nodule-ct"))
    session.cancel()
    assert not session.busy
    session.detect(DetectChoice({"CT": volume}, "nodule-ct"))


def test_a_click_is_measured_while_something_is_detected(session, engine, scene, clicked, make_run):
    volume, image = clicked
    detecting = session.detect(DetectChoice({"CT": volume}, "nodule-ct"))
    click = session.measure(volume, (45.0, 40.0, 15.0))
    assert (session.job, session.click) == (detecting, click)
    with pytest.raises(UsageError, match="running already"):
        session.measure(volume, (10.0, 40.0, 15.0))
    engine.done(ball_at(image, (45, 40, 15)))
    assert len(session.listed) == 2
    assert (session.job, session.busy, session.click_busy) == (detecting, True, False)
    other = session.measure(volume, (10.0, 40.0, 15.0))
    session.cancel_click()
    assert (other.state, detecting.state) == ("cancelled", "running")
    session.cancel()
    assert not session.busy
    assert len(session.listed) == 2


def test_cancelling_leaves_the_scene_as_it_was(session, engine, scene, make_run):
    volume = mrml.volume_node(scene, make_run()[0])
    before = scene.GetNumberOfNodes()
    session.detect(DetectChoice({"CT": volume}, "nodule-ct"))
    session.cancel()
    assert session.job.state == "cancelled"
    assert session.results is None
    assert scene.GetNumberOfNodes() == before


def test_a_failure_is_a_sentence_and_changes_nothing(session, engine, scene, make_run):
    volume = mrml.volume_node(scene, make_run()[0])
    session.detect(DetectChoice({"CT": volume}, "nodule-ct"))
    engine.failed("No lungs were found.")
    assert session.message == "No lungs were found."
    assert session.results is None


def test_what_cannot_be_asked_is_refused_before_anything_runs(session, engine, scene, make_run, tmp_path):
    volume = mrml.volume_node(scene, make_run()[0])
    with pytest.raises(InputError, match="No volume"):
        session.detect(DetectChoice({"CT": None}, "nodule-ct"))
    with pytest.raises(BundleError, match="no model bundle"):
        session.detect(DetectChoice({"CT": volume}, "nodule-ct", model=tmp_path / "none"))
    with pytest.raises(UsageError, match="no method"):
        session.detect(DetectChoice({"CT": volume}, "none"))
    assert engine.jobs == []


def test_nothing_found_is_a_result_too(session, engine, scene, make_run):
    image, detections = make_run(1)
    volume = mrml.volume_node(scene, image)
    session.detect(DetectChoice({"CT": volume}, "nodule-ct"))
    engine.done(replace(detections, lesions=()))
    assert session.listed == ()
    assert "Nothing was found" in session.message
    assert session.results.nodes.segmentation is None
    assert session.next() == ""


def test_the_voxels_go_to_the_worker_once(session, engine, detected):
    volume, *_ = detected(2)
    session.measure(volume, (40.0, -30.0, -500.0))
    assert engine.jobs[0][1]["CT"] is engine.jobs[1][1]["CT"]
    session.cancel()
    volume.GetImageData().GetPointData().GetScalars().Modified()  # what slicer.util.arrayFromVolumeModified tells
    session.measure(volume, (40.0, -30.0, -500.0))
    assert engine.jobs[2][1]["CT"] is not engine.jobs[1][1]["CT"], "the user changed the voxels"
