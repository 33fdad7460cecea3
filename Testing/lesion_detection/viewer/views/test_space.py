from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.image import PET, SUV_BW

from ..conftest import chest
from .conftest import HEIGHT, WIDTH, oblique


def surfaces(stage):
    """Ids of the findings whose surfaces are in the picture."""
    stage.space.painter.draw_now()
    return set(stage.space.lesions.shown)


def bounds_of(stage, finding_id):
    return np.array(stage.space.lesions._made[finding_id][1].GetBounds()).reshape(3, 2)


def test_surfaces_lie_where_the_lesions_are(viewer, stage, ct, detected):
    findings = detected.findings.drawn

    assert surfaces(stage) == {item.id for item in findings}
    for item in findings:
        low, high = bounds_of(stage, item.id).T
        assert (low < item.lesion.center_ras_mm).all()
        assert (high > item.lesion.center_ras_mm).all()
        assert np.max(high - low) == pytest.approx(item.lesion.diameter_mm, abs=2.5)


def test_a_rejected_finding_has_no_surface_and_a_restored_one_has(viewer, stage, ct, detected):
    session, first = viewer.context.session, detected.findings.drawn[0].id

    session.reject([first])
    assert first not in surfaces(stage)
    session.undo()
    assert first in surfaces(stage)


def test_surfaces_stay_while_nothing_of_them_changes(viewer, stage, ct, detected):
    session, items = viewer.context.session, detected.findings.drawn
    surfaces(stage)
    actor = stage.space.lesions._made[items[1].id][1]

    session.select(items[1].id)
    session.accept([items[0].id])
    surfaces(stage)

    assert stage.space.lesions._made[items[1].id][1] is actor


def test_nothing_of_a_closed_scene_is_seen_in_3d(viewer, stage, page, ct, detected):
    viewer.close_scene()

    assert stage.space.lesions.shown == ()
    assert not stage.space.scan_drawn
    assert stage.space.painter.draw_now().pixels.max() == 0


@pytest.mark.parametrize("most", [False, True])
def test_the_copy_of_a_scan_is_small_and_says_the_same(most):
    pytest.importorskip("trame_slicer", exc_type=ImportError)
    from LesionDetectionLib.viewer.views.space_scan import reduced

    voxels = np.zeros((20, 33, 48), dtype=np.int16)
    voxels[:, 8:24, 16:32] = 600
    voxels[11, 31, 40] = 900

    copy, steps = reduced(voxels, most, side=16)

    assert copy.shape == (10, 11, 16)
    assert list(steps) == [3, 3, 2]
    assert copy[5, 5, 8] == 600
    assert copy[0, 0, 0] == 0
    assert copy[5, 10, 13] == (900 if most else 50)


def test_no_numbers_leave_no_holes_in_the_copy():
    pytest.importorskip("trame_slicer", exc_type=ImportError)
    from LesionDetectionLib.viewer.views.space_scan import reduced

    assert not reduced(np.full((1, 3, 5), np.nan, dtype=np.float32), False)[0].any()
    assert not reduced(np.full((1, 3, 5), np.inf, dtype=np.float32), True)[0].any()


@pytest.mark.parametrize("modality", ["CT", PET])
def test_a_scan_is_seen_around_the_lesions_and_can_be_hidden(stage, modality):
    from LesionDetectionLib.viewer.views.space_scan import reduced

    voxels = np.zeros((10, 30, 30), dtype=np.float32)
    voxels[2:8, 10:20, 10:20] = 900 if modality == "CT" else 5.0
    image = oblique(voxels, modality=modality, unit="HU" if modality == "CT" else SUV_BW)
    space = stage.space
    space.look_from_front(image)

    space.put(image, reduced(image.voxels, modality == PET), most=6.0)
    seen = space.painter.draw_now().pixels.max(axis=2)
    rows, columns = np.nonzero(seen > 40)
    assert abs(rows.mean() - HEIGHT / 2) < 12  # the block is in the middle of the scan
    assert abs(columns.mean() - WIDTH / 2) < 12
    space.show_scan(False)
    assert space.painter.draw_now().pixels.max() == 0
    space.show_scan(True)
    assert space.scan_drawn


def test_a_click_on_a_lesion_in_3d_chooses_it_and_goes_there(viewer, stage, red, ct, detected):
    item = detected.findings.drawn[1]
    stage.space.look_from_front(chest())
    stage.space.painter.draw_now()
    label = next(one for one in stage.space.labels() if one["text"] == item.id)

    stage.space.on_event({"type": "click", "x": label["x"], "y": label["y"]})

    assert viewer.context.session.current == item.id
    assert stage.crosshair_ras_mm == pytest.approx(item.lesion.center_ras_mm)


def test_a_click_beside_all_lesions_chooses_none(viewer, stage, ct, detected):
    stage.space.look_from_front(chest())
    stage.space.on_event({"type": "click", "x": 1, "y": 1})

    assert viewer.context.session.current == ""


def test_turning_moving_and_zooming_keep_the_view_on_something(stage):
    camera = stage.space.view.get_camera_node().GetCamera()
    stage.space.look_from_front(chest())
    eye, focus = np.array(camera.GetPosition()), np.array(camera.GetFocalPoint())

    stage.space.on_event({"type": "drag", "with": "rotate", "dx": 60, "dy": 200, "x": 0, "y": 0})
    assert np.linalg.norm(np.array(camera.GetPosition()) - focus) == pytest.approx(np.linalg.norm(eye - focus))
    stage.space.on_event({"type": "scroll", "steps": 5})
    assert np.linalg.norm(np.array(camera.GetPosition()) - focus) < np.linalg.norm(eye - focus)
    stage.space.on_event({"type": "drag", "with": "pan", "dx": 60, "dy": 0, "x": 0, "y": 0})
    assert np.linalg.norm(np.array(camera.GetFocalPoint()) - focus) > 1


def test_the_first_ball_on_the_line_is_hit():
    pytest.importorskip("trame_slicer", exc_type=ImportError)
    from LesionDetectionLib.viewer.parts.click_part import first_hit

    balls = [("far", (0.0, -50.0, 0.0), 5.0), ("near", (0.0, 10.0, 1.0), 5.0), ("behind", (0.0, 150.0, 0.0), 5.0)]
    assert first_hit((0.0, 100.0, 0.0), (0.0, 50.0, 0.0), balls) == "near"
    assert first_hit((0.0, 100.0, 0.0), (40.0, 50.0, 0.0), balls) == ""
    assert first_hit((0.0, 100.0, 0.0), (0.0, 100.0, 0.0), balls) == ""
