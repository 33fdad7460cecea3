"""From boxes of slices to lesions: their extent, voxels, place and size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.methods.slices.findings import SliceFindings
from LesionDetectionLib.methods.slices.lesions import (
    ONE_SLICE,
    Found,
    lesion_of,
    lies_in,
    linked,
    unlinked,
    voxels_of,
)
from LesionDetectionLib.methods.slices.settings import SliceSettings

SETTINGS = SliceSettings(size_px=64)
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
