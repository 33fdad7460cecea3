"""From boxes of slices to lesions: their extent, voxels, place and size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.methods.slices.findings import SliceFindings, slices_to_look_at
from LesionDetectionLib.methods.slices.lesions import (
    CLICKED,
    NOT_OUTLINED,
    ONE_SLICE,
    Found,
    clicked,
    lesion_of,
    lies_in,
    linked,
    unlinked,
    voxels_of,
)
from LesionDetectionLib.methods.slices.preprocessing import Placing
from LesionDetectionLib.methods.universal_ct.engine_boxes import SliceBoxes, cut_windows, window_edges
from LesionDetectionLib.methods.universal_ct.in_slice import in_slice
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings

SETTINGS = UniversalSettings(size_px=64)
BOX = np.array([10.0, 20.0, 30.0, 34.0])


def findings(k, *boxes, scores=None, outlines=None):
    count = len(boxes)
    scores = np.full(count, 0.8) if scores is None else np.array(scores)
    return SliceFindings(
        k, np.array(boxes, dtype=float).reshape(-1, 4), scores, scores / 2, outlines or (None,) * count
    )


def a_disk(radius, center, shape=(64, 64)):
    """Pixels whose centres lie within ``radius`` of (x, y), as an outline."""
    y, x = np.indices(shape) + 0.5
    return an_outline(np.hypot(x - center[0], y - center[1]) < radius)


def an_outline(mask):
    rows, columns = np.nonzero(mask)
    y, x = rows.min(), columns.min()
    return mask[y : rows.max() + 1, x : columns.max() + 1], (int(x), int(y))


def full(voxels, shape):
    pixels, (i, j, k) = voxels
    out = np.zeros(shape, dtype=bool)
    out[k : k + pixels.shape[0], j : j + pixels.shape[1], i : i + pixels.shape[2]] = pixels
    return out


@pytest.mark.parametrize(
    ("shape", "thickness", "given", "expected"),
    [
        (5, 5.0, {}, [0, 1, 2, 3, 4]),
        (5, 2.0, {}, [0, 1, 2, 3, 4]),
        (5, 1.5, {}, [0, 1, 2, 3, 4]),
        (9, 1.0, {}, [0, 2, 4, 6, 8]),
        (11, 0.7, {}, [0, 3, 6, 9]),
        (12, 0.7, {}, [1, 4, 7, 10]),
        (1, 5.0, {}, [0]),
        (2, 5.0, {}, [0, 1]),
        (3, 2.0, {}, [1]),
        (3, 2.0, {"slices": "all"}, [0, 1, 2]),
        (9, 2.0, {"slices": "middle"}, [4]),
        (40, 5.0, {"region_ras_mm": ((0.0, 0.0, 60.0), (50.0, 50.0, 90.0))}, list(range(6, 25))),
        (40, 5.0, {"region_ras_mm": ((0.0, 0.0, 500.0), (50.0, 50.0, 600.0))}, []),
    ],
)
def test_slices_that_are_looked_at(shape, thickness, given, expected):
    grid = Geometry((shape, 8, 8), np.diag([-1.0, -1.0, thickness, 1.0]))
    assert slices_to_look_at(grid, UniversalSettings(**given)) == expected


@given(st.integers(1, 60), st.floats(0.2, 8))
def test_no_place_is_far_from_a_slice_that_is_looked_at(shape, thickness):
    slices = slices_to_look_at(
        Geometry((shape, 8, 8), np.diag([-1.0, -1.0, thickness, 1.0])), UniversalSettings(slices="all")
    )
    apart = np.abs(np.arange(shape)[:, None] - slices).min(axis=1) * thickness
    assert apart.max() <= 1.5
    assert np.all(np.diff(slices) * thickness <= max(thickness, 3.0))


def test_a_lesion_reaches_over_the_slices_of_all_its_boxes():
    smaller = BOX + np.array([3, 3, -3, -3])
    one, two = findings(4, smaller, scores=[0.5]), findings(5, BOX, scores=[1.2])
    (found,) = linked([one, two, findings(6), findings(7, smaller, scores=[0.4])], SETTINGS, 1, 9)
    assert (found.first, found.last, found.score, found.probability) == (4, 7, 1.2, 0.6)
    np.testing.assert_array_equal(found.box, BOX)
    grid = Geometry((10, 64, 64), np.diag([-2.0, -3.0, 5.0, 1.0]))
    assert found.box_ras_mm(grid) == ((-59.0, -100.5, 17.5), (-19.0, -58.5, 37.5))
    assert found.diameter_mm(grid, 5.0) == max(10 * 2.0, 4 * 3.0)
    assert found.diameter_mm(grid, 50.0) == 3.0  # no box is smaller than a pixel


def test_of_its_sure_boxes_a_lesion_has_the_largest():
    """Scores of the middle of a lesion are alike: the highest is not the one that shows it largest."""
    larger, huge = BOX + np.array([-2, -2, 2, 2]), BOX + np.array([-3, -3, 3, 3])
    (found,) = linked(
        [findings(2, BOX, scores=[1.0]), findings(3, larger, scores=[0.9]), findings(4, huge, scores=[0.5])],
        SETTINGS,
        1,
        9,
    )
    np.testing.assert_array_equal(found.box, larger)
    assert found.score == 1.0


def test_between_thin_slices_a_lesion_reaches_half_way():
    (found,) = linked([findings(4, BOX), findings(7, BOX)], SETTINGS, 3, 7)
    assert (found.first, found.last) == (3, 7)  # there is no slice 8


def test_each_box_of_a_slice_alone_is_a_lesion():
    found = unlinked(findings(1, BOX, BOX + 1, BOX + 2, scores=[0.2, 0.9, 0.5]))
    assert [one.score for one in found] == [0.9, 0.5, 0.2]
    assert all((one.first, one.last) == (1, 1) for one in found)
    np.testing.assert_array_equal(found[0].box, BOX + 1)


def test_shapes_between_slices_are_interpolated():
    """A cone: radius 4 at one slice, 12 four slices on; between them, to half a pixel, 6, 8 and 10."""
    outlines = ((2, a_disk(4, (30, 30))), (6, a_disk(12, (30, 30))))
    voxels = full(voxels_of(Found(1, 1, BOX, 0, 8, 2, outlines)), (10, 64, 64))
    areas = voxels.sum(axis=(1, 2))
    np.testing.assert_allclose(np.sqrt(areas / np.pi), [4, 4, 4, 6, 8, 10, 12, 12, 12, 0], atol=0.3)
    for k, radius in ((3, 6), (4, 8), (5, 10)):
        inner, outer = (
            full((a_disk(r, (30, 30))[0][None], (*a_disk(r, (30, 30))[1], k)), voxels.shape)
            for r in (radius - 1, radius + 1)
        )
        assert voxels[k][inner[k]].all()
        assert not voxels[k][~outer[k]].any()


def test_an_outline_that_is_missing_at_an_end_is_not_made_up():
    outlines = ((4, a_disk(4, (30, 30))),)
    voxels = full(voxels_of(Found(1, 1, BOX, 2, 8, 1, outlines)), (10, 64, 64))
    assert np.flatnonzero(voxels.any(axis=(1, 2))).tolist() == [3, 4, 5]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_voxels_in_slices_that_were_looked_at_are_the_outlines(data):
    slices = sorted(data.draw(st.sets(st.integers(1, 12), min_size=1, max_size=4)))
    disks = [
        a_disk(data.draw(st.floats(1, 9)), data.draw(st.tuples(st.integers(10, 50), st.integers(10, 50))))
        for _ in slices
    ]
    found = Found(1, 1, BOX, max(0, slices[0] - 1), slices[-1] + 1, 1, tuple(zip(slices, disks, strict=True)))
    voxels = full(voxels_of(found), (14, 64, 64))
    for k, (pixels, start) in zip(slices, disks, strict=True):
        np.testing.assert_array_equal(voxels[k], full((pixels[None], (*start, 0)), (1, 64, 64))[0])
    upside_down = Found(
        1, 1, BOX, 13 - found.last, 13 - found.first, 1, tuple((13 - k, o) for k, o in found.outlines[::-1])
    )
    np.testing.assert_array_equal(full(voxels_of(upside_down), (14, 64, 64)), voxels[::-1])


def test_two_boxes_around_one_lesion():
    one, other = (np.ones((2, 4, 4), dtype=bool), (5, 5, 1)), (np.ones((1, 4, 4), dtype=bool), (7, 5, 2))
    assert not lies_in(other, [one], 0.5)  # exactly half of it
    assert lies_in(other, [one], 0.4)
    assert not lies_in(one, [other], 0.4)
    assert not lies_in(one, [], 0.0)
    assert not lies_in((one[0], (9, 5, 1)), [one], 0.0)


def a_window(mask, box, probability=0.5, size=64):
    boxes = np.array([box], dtype=float)
    windows = cut_windows(np.asarray(mask, dtype=np.float32), window_edges(boxes, size, size))
    return SliceBoxes(boxes, np.array([probability]), windows)


@pytest.mark.parametrize("shape", [(64, 64), (32, 32), (48, 31), (100, 128), (64, 40)])
def test_outlines_come_back_to_the_slice_s_pixels(shape):
    """A disk in the input, in slices of other sizes: its area and place there, to a share of a pixel of either."""
    placing = Placing.of(shape, 64)
    (scale_x, scale_y), center = placing.scale_xy, (placing.input_yx[1] * 0.4, placing.input_yx[0] * 0.6)
    y, x = np.indices((64, 64)) + 0.5
    probability = 1 / (1 + np.exp(np.hypot(x - center[0], y - center[1]) - 8.0))
    box = (center[0] - 13, center[1] - 13, center[0] + 13, center[1] + 13)
    found = in_slice(3, a_window(probability, box), placing, SETTINGS)
    ((pixels, (left, top)),) = found.outlines
    assert found.k == 3
    assert np.count_nonzero(pixels) * scale_x * scale_y == pytest.approx(np.pi * 64, rel=0.1)
    middle = np.argwhere(pixels).mean(axis=0) + 0.5 + (top, left)
    np.testing.assert_allclose(middle * (scale_y, scale_x), center[::-1], atol=max(0.5, scale_x, scale_y) / 2)
    inside = np.clip(np.array(box) / ([*placing.scale_xy] * 2), 0, (*shape[::-1], *shape[::-1]))
    np.testing.assert_allclose(found.boxes[0], inside)


def test_a_mask_finer_than_the_slice_s_pixels_is_not_lost():
    mask = np.zeros((64, 64))
    mask[20, 20] = 1.0
    found = in_slice(0, a_window(mask, (16, 16, 25, 25)), Placing.of((8, 8), 64), SETTINGS)
    ((pixels, start),) = found.outlines
    assert (pixels.shape, start) == ((1, 1), (2, 2))


def test_a_mask_ends_where_the_box_does():
    mask = np.zeros((64, 64))
    mask[10:50, 20:30] = 1.0
    found = in_slice(0, a_window(mask, (15, 20, 35, 40)), Placing.of((64, 64), 64), SETTINGS)
    ((pixels, start),) = found.outlines
    assert (pixels.shape, start) == ((20, 10), (20, 20))


def test_what_lies_beside_the_slice_or_scores_too_low_is_no_finding():
    """The lower half of the input is no part of this slice."""
    mask = np.ones((64, 64), dtype=np.float32)
    boxes = np.array([[5.0, 40, 20, 60], [5, 10, 20, 60], [5, 10, 20, 30]])
    probability = np.array([0.9, 0.8, 0.2])
    found = SliceBoxes(boxes, probability, cut_windows(mask, window_edges(boxes, 64, 64)))
    kept = in_slice(0, found, Placing.of((32, 64), 64), SETTINGS, least_score=0.4)
    np.testing.assert_array_equal(kept.boxes, [[5, 10, 20, 32]])
    assert kept.probability == [0.8]
    unmeasured = in_slice(0, found, Placing.of((32, 64), 64), UniversalSettings(size_px=64, measure=False), 0.4)
    np.testing.assert_array_equal(unmeasured.scores, kept.scores)
    assert unmeasured.outlines == (None,)


@pytest.fixture(scope="module")
def scan(make_body):
    return make_body()


def test_a_lesion_is_measured_on_its_outline_and_keeps_its_box(scan):
    disk = a_disk(6, (30, 30), (60, 60))
    found = Found(1.4, 0.7, np.array([19.0, 19, 41, 41]), 9, 11, 0, tuple((k, disk) for k in (9, 10, 11)))
    lesion = lesion_of(scan, scan.geometry, found, voxels_of(found), 5.0)
    assert lesion.mask.count == 3 * np.count_nonzero(disk[0])
    assert lesion.diameter_mm == lesion.recist.long_mm == pytest.approx(2 * 6 * 1.5, abs=1.0)
    assert lesion.measurements["volume_mm3"] == pytest.approx(lesion.mask.count * 1.5 * 1.5 * 2.0)
    assert (lesion.measurements["probability"], lesion.score, lesion.note) == (0.7, 1.4, "")
    assert lesion.box_ras_mm == found.box_ras_mm(scan.geometry)
    np.testing.assert_allclose(lesion.center_ras_mm, scan.geometry.ras_from_ijk((29.5, 29.5, 10)), atol=1e-6)
    flat = Found(1.4, 0.7, found.box, 10, 10, 0, ((10, disk),))
    assert lesion_of(scan, scan.geometry, flat, voxels_of(flat), 5.0).note == ONE_SLICE


def test_without_an_outline_a_lesion_is_that_of_a_click(scan, make_body):
    """The box around a ball, as a network without a mask gives it."""
    center = scan.geometry.ijk_from_ras((20.0, 8.0, 10.0))
    half = 8.0 / 1.5 + 5
    box = np.array([*(center[:2] + 0.5 - half), *(center[:2] + 0.5 + half)])
    k = round(center[2])
    plain = lesion_of(scan, scan.geometry, Found(0.7, 0.7, box, k - 4, k + 4, 0, ()), None, 5.0)
    assert (plain.mask, plain.recist, plain.note) == (None, None, "")
    assert plain.diameter_mm == pytest.approx(16.0)
    lesion = clicked(scan, plain)
    assert lesion.note.startswith(CLICKED)
    assert lesion.diameter_mm == lesion.recist.long_mm == pytest.approx(16.0, abs=2.0)
    assert lesion.measurements["equivalent_diameter_mm"] == pytest.approx(16.0, abs=2.0)
    assert (lesion.score, lesion.box_ras_mm, lesion.center_ras_mm) == (0.7, plain.box_ras_mm, plain.center_ras_mm)
    nowhere = lesion_of(scan, scan.geometry, Found(0.7, 0.7, np.array([2.0, 2, 14, 14]), 3, 5, 0, ()), None, 5.0)
    alone = clicked(scan, nowhere)
    assert (alone.mask, alone.note, alone.diameter_mm) == (None, NOT_OUTLINED, nowhere.diameter_mm)


def test_an_oblique_box_holds_the_corners():
    """A quarter turn about the patient's axis and a tilt: the box along the patient's axes has all of the slice's box in it."""
    turn = np.array([[0.0, -1, 0], [0.8, 0, -0.6], [0.6, 0, 0.8]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn * 2.0
    image = Image(np.zeros((9, 64, 64), dtype=np.int16), matrix, CT, HU)
    found = Found(1, 1, BOX, 3, 4, 0, ())
    low, high = np.array(found.box_ras_mm(image.geometry))
    corners = image.geometry.ras_from_ijk([(x, y, k) for x in (9.5, 29.5) for y in (19.5, 33.5) for k in (2.5, 4.5)])
    np.testing.assert_allclose((corners.min(axis=0), corners.max(axis=0)), (low, high))
