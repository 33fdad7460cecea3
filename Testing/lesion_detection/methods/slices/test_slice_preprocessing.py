"""Three slices at an even distance, in one window, at one size; and places in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.slices.preprocessing import Placing, network_input, planes_at
from LesionDetectionLib.methods.slices.settings import SliceSettings


def a_stack(values, thickness, down=False):
    """Slices of one value each; slice 0 is the lowest, or with ``down`` the highest."""
    voxels = np.repeat(np.array(values, dtype=np.int16), 4).reshape(-1, 2, 2)
    return Image(voxels, np.diag([-1.0, -1.0, -thickness if down else thickness, 1.0]), CT, HU)


@pytest.mark.parametrize(
    ("thickness", "k", "expected"),
    [
        (2.0, 2, (10, 20, 40)),  # slices of their own
        (1.0, 2, (0, 20, 80)),
        (5.0, 2, (16, 20, 28)),  # 2 of 5 mm on the way to the next one
        (4.0, 1, (5, 10, 15)),
        (0.99995, 2, (0, 20, 80)),  # two slices but for rounding
        (2.0, 0, (0, 0, 10)),  # what is not there is the slice itself
        (2.0, 4, (40, 80, 80)),
        (5.0, 4, (64, 80, 80)),
        (1.25, 1, (10, 10, 32)),  # 1.6 slices away: .4 of the next one, .6 of the one behind it
    ],
)
def test_neighbours_at_two_millimetres(thickness, k, expected):
    planes = planes_at(a_stack((0, 10, 20, 40, 80), thickness), k, 2.0)
    assert planes.dtype == np.float32
    np.testing.assert_allclose(planes[:, 0, 0], expected, atol=2e-3)


def test_the_first_plane_is_the_one_to_the_feet_however_slices_are_numbered():
    """DeepLesion's fall to the feet."""
    for image in (a_stack((0, 10, 20), 2.0), a_stack((20, 10, 0), 2.0, down=True)):
        np.testing.assert_array_equal(planes_at(to_axial(image), 1, 2.0)[:, 0, 0], (0, 10, 20))


def test_a_single_slice_stands_for_its_neighbours():
    np.testing.assert_array_equal(planes_at(a_stack((7,), 5.0), 0, 2.0)[:, 0, 0], (7, 7, 7))


def test_an_image_of_three_slices_is_seen_as_the_scan_that_it_is_from():
    """Cases of DeepLesion have three slices 2 mm apart; a scan gives the same planes from its own slices."""
    random = np.random.default_rng(0).integers(-1000, 1000, (9, 3, 4)).astype(np.int16)
    scan = Image(random, np.diag([-1.0, -1.0, 1.5, 1.0]), CT, HU)
    planes = planes_at(scan, 4, 2.0)
    cohort_image = Image(np.rint(planes).astype(np.int16), np.diag([-1.0, -1.0, 2.0, 1.0]), CT, HU)
    np.testing.assert_allclose(planes_at(cohort_image, 1, 2.0), planes, atol=0.5)


def test_the_window_and_the_air_around():
    planes = np.stack([np.full((20, 30), hu, dtype=np.float32) for hu in (-3000, 13, 5000)])
    inputs, placing = network_input(planes, SliceSettings(size_px=64))
    assert (inputs.shape, inputs.dtype) == ((3, 64, 64), np.float32)
    assert placing.input_yx == (43, 64)
    np.testing.assert_allclose(inputs[:, :43], np.array([-1, 0, 1])[:, None, None] * np.ones((1, 43, 64)), atol=1e-6)
    assert (inputs[:, 43:] == -1).all()


def test_slices_of_the_input_s_size_stay_as_they_are():
    planes = np.random.default_rng(0).uniform(-1024, 1050, (3, 64, 64)).astype(np.float32)
    inputs, placing = network_input(planes, SliceSettings(size_px=64))
    np.testing.assert_allclose(inputs, (planes + 1024) / 1037 - 1, atol=1e-6)
    assert placing.scale_xy == (1.0, 1.0)


@pytest.mark.parametrize("shape", [(32, 32), (200, 120), (50, 90), (64, 1)])
def test_what_is_in_a_box_of_the_slice_is_in_its_box_of_the_input(shape):
    """A bright rectangle, resized; its edges to a pixel."""
    planes = np.full((3, *shape), -1024, dtype=np.float32)
    y0, y1, x0, x1 = shape[0] // 4, shape[0] // 2, shape[1] // 4, shape[1] // 2 + 1
    planes[:, y0:y1, x0:x1] = 1050
    inputs, placing = network_input(planes, SliceSettings(size_px=128))
    rows, columns = np.nonzero(inputs[1] > 0)
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(placing.to_input([(x0, y0, x1, y1)])[0], found, atol=1)


@given(
    st.tuples(st.integers(1, 700), st.integers(1, 700)),
    st.lists(st.tuples(*[st.floats(-50, 800)] * 4), max_size=4),
    st.sampled_from([64, 512]),
)
def test_boxes_come_back(shape, boxes, size_px):
    placing = Placing.of(shape, size_px)
    np.testing.assert_allclose(placing.to_slice(placing.to_input(boxes)), np.reshape(boxes, (-1, 4)), atol=1e-9)
    whole = placing.to_input([(0, 0, shape[1], shape[0])])[0]
    np.testing.assert_allclose(whole, (0, 0, *placing.input_yx[::-1]))
    assert max(placing.input_yx) == size_px
    assert min(placing.input_yx) >= 1
