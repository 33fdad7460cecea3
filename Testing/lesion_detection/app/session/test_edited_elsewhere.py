"""What the user does to the nodes of a result with Slicer's own tools."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.io.mrml_segments import SegmentEntry, add_segments

from .in_nodes import segments


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
