"""Results in a scene that is saved, damaged, closed, or loses its volume."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.app.session.session import DetectChoice
from LesionDetectionLib.core.errors import InputError

from .in_nodes import opened_again, segments


def test_a_saved_scene_goes_on_where_it_was(session, detected, engine, tmp_path):
    _, image, _ = detected(3, threshold=0.5)
    session.accept(["L1"])
    session.reject(["L2"])
    session.set_threshold(0.75)
    masks = session.results.nodes.masks()
    with opened_again(session.results.nodes.text.GetScene(), engine, tmp_path) as (again, result):
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
