"""What a user can do with findings, on real MRML: each step, its nodes, and its way back."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from LesionDetectionLib.app.session.session import CURRENT, FINDINGS, JOB, RESULTS, DetectChoice, Session
from LesionDetectionLib.core.errors import BundleError, InputError, UsageError
from LesionDetectionLib.core.finding import CLICKED, MERGED, Status
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import MASS, Lesion, Mask
from LesionDetectionLib.imaging.measurements import measure_mask
from LesionDetectionLib.io import mrml, mrml_scene
from LesionDetectionLib.io.mrml_segments import SegmentEntry, add_segments


def segments(session):
    node = session.results.nodes.segmentation
    return [] if node is None else list(node.GetSegmentation().GetSegmentIDs())


def visible_segments(session):
    display = session.results.nodes.segmentation.GetDisplayNode()
    return [name for name in segments(session) if display.GetSegmentVisibility(name)]


def visible_points(session):
    points = session.results.nodes.points
    return [n for n in range(points.GetNumberOfControlPoints()) if points.GetNthControlPointVisibility(n)]


def table_column(session, name):
    table = session.results.nodes.table.GetTable()
    return [table.GetValueByName(row, name).ToString() for row in range(table.GetNumberOfRows())]


def ball_at(image, center_ijk, radius_mm=4.0):
    """A lesion as click to measure gives it: a ball, measured."""
    places = np.moveaxis(np.indices(image.shape_kji), 0, -1)[..., ::-1]
    distance = np.linalg.norm((places - np.array(center_ijk)) * image.spacing_mm, axis=-1)
    mask = Mask.from_full(distance < radius_mm)
    found = measure_mask(image, mask)
    return Lesion(
        found.center_ras_mm,
        found.recist.long_mm,
        1.0,
        found.box_ras_mm,
        mask,
        found.recist,
        found.values,
        method="click",
    )


# Detecting


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


# Clicking


@pytest.fixture
def clicked(session, engine, scene):
    """A clicked lesion in an image of nothing else."""
    image = Image(
        np.full((30, 60, 60), -800, np.int16), np.diag([1.0, 1.0, 1.0, 1.0]), modality="CT", unit="HU", name="ct"
    )
    volume = mrml.volume_node(scene, image)
    session.measure(volume, (20.0, 20.0, 15.0))
    engine.done(ball_at(image, (20, 20, 15)))
    return volume, image


def test_a_click_makes_a_result_of_its_own(session, clicked):
    assert [item.origin for item in session.listed] == [CLICKED]
    assert session.current == "L1"
    assert session.results.title == "ct clicks"
    assert segments(session) == ["L1"]


def test_the_first_click_can_be_undone_too(session, clicked):
    assert session.undo_text == "measure L1"
    session.undo()
    assert (session.listed, segments(session), session.current) == ((), [], "")
    session.redo()
    assert segments(session) == ["L1"]


def test_a_click_near_the_outline_corrects_it_and_undo_takes_it_back(session, engine, clicked):
    volume, image = clicked
    before = session.results.nodes.masks()["L1"]
    session.measure(volume, (26.0, 20.0, 15.0))
    request = engine.jobs[-1][0].request
    assert request.seed_ras_mm == (20.0, 20.0, 15.0)
    assert request.border_ras_mm == ((26.0, 20.0, 15.0),)
    engine.done(ball_at(image, (20, 20, 15), 6.0))
    assert session.results.nodes.masks()["L1"].count > before.count
    assert session.findings.get("L1").corrected
    assert session.undo_text == "correct L1"
    session.undo()
    assert session.results.nodes.masks()["L1"].count == before.count
    session.redo()
    session.measure(volume, (20.0, 26.0, 15.0))
    assert len(engine.jobs[-1][0].request.border_ras_mm) == 2, "the next click adds to the one before"


def test_a_click_elsewhere_is_a_new_lesion(session, engine, clicked):
    volume, image = clicked
    session.measure(volume, (45.0, 40.0, 15.0))
    assert engine.jobs[-1][0].request.border_ras_mm == ()
    engine.done(ball_at(image, (45, 40, 15)))
    assert segments(session) == ["L1", "L2"]
    assert session.current == "L2"


def test_a_click_into_another_outline_selects_it(session, engine, clicked):
    volume, image = clicked
    session.measure(volume, (45.0, 40.0, 15.0))
    engine.done(ball_at(image, (45, 40, 15)))
    assert session.measure(volume, (20.0, 20.0, 15.0)) is None
    assert session.current == "L1"


def test_a_click_into_a_detected_volume_joins_its_result(session, engine, detected):
    volume, image, _ = detected(1)
    center = image.geometry.ras_from_ijk((30, 34, 4))
    session.measure(volume, tuple(center))
    engine.done(ball_at(image, (30, 34, 4), 3.0))
    assert [item.id for item in session.listed] == ["L2", "L1"], "a person's score is 1"
    assert len(session.results_in_scene()) == 1


def test_a_result_that_went_during_the_measurement_gets_a_new_one(session, engine, clicked):
    volume, image = clicked
    session.measure(volume, (45.0, 40.0, 15.0))
    session.results.nodes.remove()
    engine.done(ball_at(image, (45, 40, 15)))
    assert [item.id for item in session.listed] == ["L1"]


# Reviewing


def test_next_and_previous_go_round(session, detected):
    detected(4)
    assert [session.next() for _ in range(4)] == ["L1", "L2", "L3", "L1"]
    assert session.previous() == "L3"


def test_decisions_show_in_the_nodes_and_can_be_undone(session, detected):
    detected(3, threshold=0.0)
    session.accept(["L1"])
    session.reject(["L2", "L3"])
    assert visible_segments(session) == ["L1"]
    assert table_column(session, "status") == ["accepted", "rejected", "rejected"]
    assert session.undo_text == "reject L2, L3"
    session.undo()
    assert visible_segments(session) == ["L1", "L2", "L3"]
    session.undo()
    assert session.findings.get("L1").status is Status.NEW
    session.redo()
    assert session.findings.get("L1").status is Status.ACCEPTED
    session.delete(["L2"])
    assert session.redo_text == "", "a new step ends what could be redone"


def test_relabelling_reaches_the_segments_terminology(session, detected):
    detected(2, threshold=0.0)
    session.relabel(["L2"], MASS)
    segment = session.results.nodes.segmentation.GetSegmentation().GetSegment("L2")
    entry = vtk.reference("")
    segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    assert "4147007" in str(entry)
    assert session.findings.get("L2").corrected


def test_merging_measures_the_union(session, detected):
    _, image, _ = detected(2, threshold=0.0, overlap=True)
    one, two = (session.findings.get(name).lesion.mask.full(image.shape_kji) for name in ("L1", "L2"))
    new = session.merge(["L1", "L2"])
    item = session.findings.get(new)
    assert (new, item.origin, session.current) == ("L3", MERGED, "L3")
    assert np.array_equal(item.lesion.mask.full(image.shape_kji), one | two)
    assert item.lesion.measurements["volume_mm3"] == pytest.approx((one | two).sum() * image.geometry.voxel_volume_mm3)
    assert segments(session) == ["L3"]
    session.undo()
    assert segments(session) == ["L1", "L2"]
    masks = session.results.nodes.masks()
    assert np.array_equal(masks["L1"].full(image.shape_kji), one), "an undone merge loses no voxel"
    assert np.array_equal(masks["L2"].full(image.shape_kji), two)


def test_one_finding_cannot_be_merged(session, detected):
    detected(2, threshold=0.0)
    with pytest.raises(UsageError, match="two or more"):
        session.merge(["L1", "L1"])


def test_deleting_the_last_takes_the_segmentation_with_it(session, detected):
    detected(1, threshold=0.0)
    session.next()
    session.delete(["L1"])
    assert session.results.nodes.segmentation is None
    assert session.current == ""
    session.undo()
    assert segments(session) == ["L1"]


def test_an_id_is_never_given_twice(session, engine, clicked):
    volume, image = clicked
    session.delete(["L1"])
    session.measure(volume, (45.0, 40.0, 15.0))
    engine.done(ball_at(image, (45, 40, 15)))
    assert [item.id for item in session.listed] == ["L2"]


def test_nothing_chosen_or_nothing_there_is_a_sentence(session, detected):
    with pytest.raises(UsageError, match="no result yet"):
        session.accept(["L1"])
    detected(1)
    with pytest.raises(UsageError, match="Choose a finding"):
        session.accept([])
    with pytest.raises(UsageError, match="no finding L9"):
        session.accept(["L9"])


def test_other_nodes_of_the_user_are_left_alone(session, scene, detected, make_run):
    own = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    marks = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "mine")
    marks.AddControlPoint([1.0, 2.0, 3.0])
    times = own.GetMTime(), marks.GetMTime()
    detected(3, threshold=0.0)
    session.accept(["L1"])
    session.delete(["L2"])
    assert (own.GetMTime(), marks.GetMTime()) == times


# The user's edits elsewhere


def edit(session, segment_id, change):
    """What the Segment Editor does to a segment: ``change(voxels [k, j, i])`` on the whole grid."""
    nodes, geometry = session.results.nodes, session.findings.run.geometry
    mask = Mask.from_full(change(nodes.masks()[segment_id].full(geometry.shape_kji)))
    item = session.findings.get(segment_id)
    nodes.segmentation.GetSegmentation().RemoveSegment(segment_id)
    entry = SegmentEntry(segment_id, item.number, "edited", replace(item.lesion, mask=mask))
    add_segments(nodes.segmentation, [entry], geometry)


def test_an_edited_outline_is_measured_anew_and_never_lost(session, detected):
    _, image, _ = detected(2, threshold=0.0)
    edit(session, "L1", lambda voxels: np.roll(voxels, 1, axis=2))
    wanted = session.results.nodes.masks()["L1"]
    session.accept(["L2"])
    item = session.findings.get("L1")
    assert item.corrected
    assert np.array_equal(item.lesion.mask.full(image.shape_kji), wanted.full(image.shape_kji))
    assert item.lesion.recist is not None
    session.undo()
    session.undo()
    assert not session.findings.get("L1").corrected


def test_an_untouched_segmentation_is_no_edit(session, detected):
    detected(3, threshold=0.0, overlap=True)
    assert not session.sync_from_nodes()


def test_a_segment_that_the_user_added_becomes_a_finding(session, detected):
    detected(1, threshold=0.0)
    lesion = session.findings.get("L1").lesion
    own = SegmentEntry("Segment_1", 77, "mine", lesion)
    add_segments(session.results.nodes.segmentation, [own], session.findings.run.geometry)
    assert session.sync_from_nodes()
    assert segments(session) == ["L1", "L2"]
    assert session.findings.get("L2").origin == "drawn"
    assert not session.sync_from_nodes()


def test_a_removed_segment_leaves_the_finding_without_outline(session, detected):
    detected(2, threshold=0.0)
    session.results.nodes.segmentation.GetSegmentation().RemoveSegment("L2")
    assert session.sync_from_nodes()
    assert session.findings.get("L2").lesion.mask is None
    assert session.findings.get("L1").lesion.mask is not None


def test_the_report_is_of_what_was_accepted(session, detected):
    detected(3, threshold=0.0)
    assert len(session.detections().lesions) == 3
    session.accept(["L3"])
    assert len(session.detections().lesions) == 1


# Scenes


def test_a_saved_scene_goes_on_where_it_was(session, detected, engine, tmp_path):
    _, image, _ = detected(3, threshold=0.5)
    session.accept(["L1"])
    session.reject(["L2"])
    session.set_threshold(0.75)
    masks = session.results.nodes.masks()
    mrml_scene.write_scene(session.results.nodes.text.GetScene(), tmp_path / "s.mrb")
    with mrml_scene.temporary_scene() as other:
        with zipfile.ZipFile(tmp_path / "s.mrb") as archive:
            archive.extractall(tmp_path)
        other.SetURL(str(next(tmp_path.glob("s/*.mrml"))))
        other.Connect()
        again = Session(other, engine)
        (result,) = again.results_in_scene()
        again.activate(result)
        assert [(i.id, i.status.value) for i in again.findings.items] == [
            ("L1", "accepted"),
            ("L2", "rejected"),
            ("L3", "new"),
        ]
        assert again.findings.threshold == 0.75
        assert result.volume_node.GetName() == image.name
        assert not again.sync_from_nodes(), "what was saved is what was shown"
        loaded = result.nodes.masks()
        for name, mask in masks.items():
            assert np.array_equal(loaded[name].full(image.shape_kji), mask.full(image.shape_kji))
        again.delete(["L1"])
        assert segments(again) == ["L2", "L3"]
        again.close()


def test_a_damaged_result_is_passed_over_with_a_sentence(session, detected, scene):
    detected(1)
    bad = scene.AddNewNodeByClass("vtkMRMLTextNode", "bad")
    bad.SetAttribute("LesionDetection.findings", "1")
    bad.SetText("{")
    assert len(session.results_in_scene()) == 1
    assert "cannot be read" in session.message


def test_closing_the_scene_in_the_middle(session, engine, detected, scene, changes):
    volume, *_ = detected(2)
    session.detect(DetectChoice({"CT": volume}, "nodule-ct"))
    scene.Clear(0)
    session.scene_closed()
    assert engine.jobs[-1][0].state == "cancelled"
    assert session.results is None
    assert session.listed == ()
    assert session.results_in_scene() == ()


def test_a_removed_volume_is_told(session, detected, scene):
    volume, *_ = detected(2, threshold=0.0)
    scene.RemoveNode(volume)
    session.accept(["L1"])
    with pytest.raises(InputError, match="no longer in the scene"):
        session.merge(["L1", "L2"])


def test_a_moved_volume_is_told(session, detected, scene):
    volume, *_ = detected(2, threshold=0.0)
    volume.SetOrigin(1.0, 2.0, 3.0)
    with pytest.raises(InputError, match="moved or resampled"):
        session.merge(["L1", "L2"])


def test_close_ends_the_engine_and_tells_nobody(session, engine, detected, changes):
    volume, *_ = detected(1)
    session.measure(volume, (40.0, -30.0, -500.0))
    del changes[:]
    session.close()
    assert engine.closed
    assert changes == []
