"""Decisions on findings, on real MRML: each step, its nodes, and its way back."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.finding import MERGED, Status
from LesionDetectionLib.core.lesion import MASS

from .in_nodes import ball_at, segments, table_column, visible_segments


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
