from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Image

from ..conftest import chest
from .conftest import HEIGHT, WIDTH, drawn, oblique

RANDOM = np.random.default_rng(7)


def show(stage, image):
    from LesionDetectionLib.io.mrml import volume_node

    node = volume_node(stage.scene, image)
    stage.show(node)
    return node


def corners(image):
    sides = np.array(image.shape_kji[::-1])
    return [image.geometry.ras_from_ijk(np.array(at) * sides - 0.5) for at in np.ndindex(2, 2, 2)]


def places(area, image):
    """Of the image's corners, pixels of the page."""
    from LesionDetectionLib.viewer.views.slice_moves import xy_of

    return np.array([area.window.place(*xy_of(area.node, corner)[:2]) for corner in corners(image)])


def depth(area, point_ras_mm):
    """How far a place lies before the view's slice, mm."""
    from LesionDetectionLib.viewer.views.slice_moves import xy_of

    return xy_of(area.node, point_ras_mm)[2]


@pytest.mark.parametrize("name", ["Red", "Green", "Yellow"])
@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (120, 300)])
def test_the_whole_slice_is_shown_at_first_and_after_the_page_has_changed_its_size(stage, name, size):
    show(stage, chest())
    area = stage.areas[name]

    area.on_event({"type": "size", "w": size[0], "h": size[1], "ratio": 1.0})

    seen = places(area, chest())
    assert (seen >= -1).all()
    assert (seen <= np.array(size) + 1).all()
    assert np.max(np.ptp(seen, axis=0) / size) > 0.9  # and it fills the view


@pytest.mark.parametrize("name", ["Red", "Green", "Yellow"])
def test_the_box_that_is_searched_is_where_it_is_and_its_edges_follow_the_hand(viewer, page, ct, stage, name):
    stage.show(ct)
    page.set(region="INSIDE")
    area = stage.areas[name]
    before = area.notes()["box"]
    assert before["cut"]
    x, y = before["x"] + before["w"] - 20, before["y"] + 10
    with viewer.context.state:
        area.on_event({"type": "box", "handle": "top right", "x": x, "y": y})
    after = area.notes()["box"]
    assert np.allclose([after["x"], after["y"] + after["h"]], [before["x"], before["y"] + before["h"]], atol=0.2)
    assert np.allclose([after["x"] + after["w"], after["y"]], [x, y], atol=1)
    stage.show_box(
        ((0.0, 0.0, 900.0), (9.0, 9.0, 909.0)) if name == "Red" else ((900.0, 900.0, 0.0), (909.0, 909.0, 9.0))
    )
    assert not area.notes()["box"]["cut"]
    page.set(region="WHOLE")


def test_a_view_that_was_zoomed_keeps_its_middle_when_the_page_changes_its_size(stage, red):
    show(stage, chest())
    red.on_event({"type": "zoom", "by": 2.0, "x": 50, "y": 50})
    middle = red.point_at(WIDTH / 2, HEIGHT / 2)

    red.on_event({"type": "size", "w": 400, "h": 300, "ratio": 1.0})

    assert red.point_at(200, 150) == pytest.approx(middle, abs=0.3)
    assert red.node.GetFieldOfView()[1] < 40  # not all of it


def test_scrolling_draws_one_view_only(stage, red):
    show(stage, chest())
    painters = [area.painter for area in (*stage.areas.values(), stage.space)]
    for painter in painters:
        painter.draw_now()

    red.on_event({"type": "scroll", "steps": 2})

    assert [painter.asked for painter in painters] == [True, False, False, False]


def test_scrolling_goes_by_whole_slices_and_not_beyond_the_scan(stage, red):
    show(stage, chest())
    before = red.logic.GetSliceOffset()

    red.on_event({"type": "scroll", "steps": 3})
    assert red.logic.GetSliceOffset() == pytest.approx(before + 3)
    red.on_event({"type": "scroll", "steps": 1000})
    assert red.logic.GetSliceOffset() == pytest.approx(39)
    red.on_event({"type": "slice", "value": -50})
    assert red.logic.GetSliceOffset() == pytest.approx(0)
    assert red.notes()["value"] == pytest.approx(red.notes()["min"])


def test_what_lies_under_the_hand_stays_there_while_zooming_and_moves_with_it_while_dragging(stage, red):
    show(stage, chest())
    there = red.point_at(70, 60)

    red.on_event({"type": "zoom", "by": 3.0, "x": 70, "y": 60})
    assert red.point_at(70, 60) == pytest.approx(there)
    red.on_event({"type": "drag", "with": "pan", "dx": 20, "dy": -15, "x": 70, "y": 60})
    assert red.point_at(90, 45) == pytest.approx(there)
    red.on_event({"type": "drag", "with": "zoom", "dx": 0, "dy": 40, "x": 90, "y": 45})
    assert red.point_at(90, 45) == pytest.approx(there)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.tuples(st.integers(3, 16), st.integers(3, 16), st.integers(3, 8)),
    angles=st.tuples(st.integers(-40, 40), st.integers(-40, 40), st.integers(-90, 90)),
    zoom=st.floats(0.8, 3.0),
    name=st.sampled_from(["Red", "Green", "Yellow"]),
)
def test_a_click_on_what_is_seen_is_a_click_on_what_is_there(stage, at, angles, zoom, name):
    """A picture of one bright voxel: where it is brightest, a click must be in that voxel, however the scan lies."""
    voxels = np.zeros((12, 20, 20), dtype=np.int16)
    voxels[at[::-1]] = 1000
    image = oblique(voxels, angles=angles)
    node = show(stage, image)
    there = image.geometry.ras_from_ijk(at)
    area = stage.areas[name]
    stage.go_to(there)
    area.on_event({"type": "zoom", "by": zoom, "x": WIDTH / 2, "y": HEIGHT / 2})
    node.GetDisplayNode().SetWindowLevel(1000, 500)

    picture = drawn(area).astype(float)
    rows, columns = np.nonzero(picture >= 0.97 * picture.max())
    x, y = (columns.mean() + 0.5) / area.window.scale, (rows.mean() + 0.5) / area.window.scale

    clicked = image.geometry.ijk_from_ras(area.point_at(x, y))
    assert picture.max() > 100
    assert np.abs(np.array(clicked) - at).max() < 0.5
    stage.clear()


def test_letters_place_and_window_are_written_over_a_slice(stage, red):
    show(stage, chest())

    notes = red.notes()
    assert [notes[side] for side in ("left", "right", "top", "bottom")] == ["R", "L", "A", "P"]
    assert notes["position"] == f"S {red.logic.GetSliceOffset():.1f} mm"
    assert notes["window"].startswith("W ")
    assert notes["name"] == "scan-1904"
    sagittal = stage.areas["Yellow"].notes()
    assert [sagittal[side] for side in ("left", "right", "top", "bottom")] == ["A", "P", "S", "I"]


def test_a_click_lets_the_other_views_go_there(stage, red):
    show(stage, chest())
    offset = red.logic.GetSliceOffset()

    red.on_event({"type": "click", "x": 100, "y": 80})

    there = stage.crosshair_ras_mm
    assert there == pytest.approx(red.point_at(100, 80))
    assert red.logic.GetSliceOffset() == offset
    for name in ("Green", "Yellow"):
        assert depth(stage.areas[name], there) == pytest.approx(0, abs=1e-6)
    assert red.notes()["cross"] == pytest.approx([100.5, 80.5], abs=0.6)


def test_the_crosshair_follows_the_mouse_while_shift_is_held(stage, red):
    show(stage, chest())
    before = stage.crosshair_ras_mm

    red.on_event({"type": "hover", "x": 60, "y": 70})
    assert stage.crosshair_ras_mm == before
    red.on_event({"type": "hover", "x": 60, "y": 70, "shift": True})
    assert stage.crosshair_ras_mm == pytest.approx(red.point_at(60, 70))


def test_dragging_a_window_changes_brightness_and_draws_all_views(stage, red):
    node = show(stage, chest())
    display = node.GetDisplayNode()
    width, level = display.GetWindow(), display.GetLevel()
    for area in stage.areas.values():
        area.painter.draw_now()

    red.on_event({"type": "drag", "with": "window", "dx": 50, "dy": -20, "x": 1, "y": 1})

    assert display.GetWindow() > width
    assert display.GetLevel() < level  # up is brighter
    assert all(area.painter.asked for area in stage.areas.values())


def test_going_to_a_place_shows_it_in_the_middle_and_larger_where_that_is_wanted(stage, red):
    show(stage, replace(chest(), ijk_to_ras=np.diag([4.0, 4.0, 4.0, 1.0])))
    fitted = red.node.GetFieldOfView()

    stage.go_to((60.0, 70.0, 80.0))
    assert red.point_at(WIDTH / 2, HEIGHT / 2) == pytest.approx((60, 70, 80), abs=1.3)
    assert red.node.GetFieldOfView() == pytest.approx(fitted)
    stage.zooms_in = True
    stage.go_to((60.0, 70.0, 80.0))
    assert min(red.node.GetFieldOfView()[:2]) == pytest.approx(90)
    red.on_event({"type": "zoom", "by": 2.0, "x": 100, "y": 100})
    stage.go_to((61.0, 70.0, 80.0))
    assert min(red.node.GetFieldOfView()[:2]) == pytest.approx(45)  # it is near enough
    assert red.point_at(WIDTH / 2, HEIGHT / 2) == pytest.approx((61, 70, 80), abs=0.5)
    stage.zooms_in = False


def strange_images():
    base = oblique(RANDOM.normal(0, 100, (6, 9, 8)).astype(np.float32), name="noise")
    holes = base.voxels.copy()
    holes[2:4] = np.nan
    return {
        "one slice": replace(base, voxels=base.voxels[:1]),
        "one voxel": replace(base, voxels=base.voxels[:1, :1, :1]),
        "no numbers": replace(base, voxels=np.full_like(base.voxels, np.nan)),
        "holes": replace(base, voxels=holes),
        "all the same": Image(np.zeros((4, 5, 6), np.int16), np.diag([1.0, 1.0, 40.0, 1.0]), name="same"),
    }


@pytest.mark.parametrize("kind", list(strange_images()))
def test_strange_images_are_shown_as_far_as_they_can_be(stage, red, kind):
    show(stage, strange_images()[kind])

    for event in (
        {"type": "scroll", "steps": -3},
        {"type": "slice", "value": 1e9},
        {"type": "drag", "with": "window", "dx": 3, "dy": 3, "x": 1, "y": 1},
        {"type": "zoom", "by": 1e6, "x": 10, "y": 10},
        {"type": "zoom", "by": 1e-6, "x": 10, "y": 10},
        {"type": "click", "x": -50, "y": 5000},
        {"type": "hover", "x": 20, "y": 20},
    ):
        red.on_event(event)

    assert drawn(red).shape == (HEIGHT, WIDTH)
    assert red.notes()["min"] <= red.notes()["value"] <= red.notes()["max"]
    assert np.isfinite(red.node.GetFieldOfView()).all()


def test_without_an_image_the_hand_does_nothing(stage, red):
    for event in ({"type": "scroll", "steps": 1}, {"type": "click", "x": 1, "y": 1}, {"type": "hover", "x": 1, "y": 1}):
        assert red.on_event(event) is None

    assert red.notes()["empty"]
    assert drawn(red).max() == 0
    assert stage.crosshair_ras_mm is None


@pytest.mark.parametrize(
    "event",
    [
        None,
        7,
        {},
        {"type": "none"},
        {"type": "click", "x": 3},
        {"type": "scroll", "steps": "many"},
        {"type": "drag", "with": "pan", "dx": float("nan"), "dy": 0, "x": 0, "y": 0},
        {"type": "size", "w": float("inf"), "h": 3},
    ],
)
def test_what_no_page_of_ours_sends_is_passed_over(event):
    from LesionDetectionLib.viewer.views.link import is_sound

    assert not is_sound(event)
    assert is_sound({"type": "scroll", "steps": -2})


def test_an_empty_stage_shows_nothing_and_can_be_used_again(stage, red):
    show(stage, chest())
    stage.clear()

    assert stage.scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0
    assert drawn(red).max() == 0
    show(stage, chest())
    assert drawn(red).max() > 0
