"""Both projections in one pass, and the views of the network, against the plain way through the resampled volume."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.pet_weak.placing import CORONAL, SAGITTAL
from LesionDetectionLib.methods.pet_weak.projections import network_views, project
from LesionDetectionLib.methods.pet_weak.settings import Seen

ORDERS = list(permutations(range(3)))


def an_image(seed, dtype="float32", order=(0, 1, 2), flips=(False,) * 3, spacing=None, turn=0.0):
    """Random values, most of them small; array axes of ``order`` and ``flips``, turned about the patient's long axis."""
    random = np.random.default_rng(seed)
    shape = tuple(int(n) for n in random.integers(1, 13, 3))
    spacing = random.choice([0.7, 1.0, 1.65, 2.0, 2.5, 4.07], 3) if spacing is None else np.array(spacing)
    voxels = (40 * random.random(shape) ** 6).astype(dtype)
    matrix = np.eye(4)
    directions = np.diag([-1.0, -1.0, 1.0])[:, order] * np.where(flips, -1, 1)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ directions * spacing
    matrix[:3, 3] = random.uniform(-100, 100, 3)
    return Image(voxels, matrix, PET, SUV_BW)


def plain_views(axial, seen):
    """The whole volume on a grid of cubes around the same middle, each with the value of the voxel at its middle; the highest along
    each ray, from head to foot."""
    size, mm = np.array(axial.shape_kji), np.array(axial.spacing_mm[::-1])
    cubes = np.maximum(1, np.floor(size * mm / seen.pixel_mm + 0.5)).astype(int)
    kji = [
        np.clip(
            np.floor((np.arange(n) - (n - 1) / 2) * seen.pixel_mm / s + (old - 1) / 2 + 0.5 + 1e-6), 0, old - 1
        ).astype(int)
        for n, s, old in zip(cubes, mm, size, strict=True)
    ]
    volume = axial.voxels[np.ix_(*kji)].astype(np.float32)
    volume = np.clip(volume, 0, seen.most_suv) / np.float32(seen.most_suv)
    return volume.max(axis=1)[::-1], volume.max(axis=2)[::-1]


images = st.builds(
    an_image,
    seed=st.integers(0, 10_000),
    dtype=st.sampled_from(["float32", "float64", "int16", "uint8"]),
    order=st.sampled_from(ORDERS),
    flips=st.tuples(*[st.booleans()] * 3),
    turn=st.sampled_from([0.0, 0.3]),
)


@settings(max_examples=30, deadline=None)
@given(image=images, threads=st.sampled_from([1, 3]))
def test_one_pass_is_the_plain_way(image, threads):
    axial, seen = to_axial(image), Seen(canvas_px=(16, 16))
    found = project(axial, seen.pixel_mm, threads)
    assert np.array_equal(found.coronal, axial.voxels.max(axis=1).astype(np.float32))
    assert np.array_equal(found.sagittal, axial.voxels.max(axis=2).astype(np.float32))
    assert found.lowest == axial.voxels.min()
    assert found.highest == np.float32(axial.voxels.max())
    views = network_views(found, seen)
    pictures = plain_views(axial, seen)
    bright = [picture * seen.most_suv >= 0.5 for picture in pictures]
    in_row = np.maximum(*(one.sum(axis=1) for one in bright))
    for number, picture in enumerate(pictures):
        in_column = bright[number].sum(axis=0)
        expected = np.zeros_like(views.inputs[number, 0])
        rows, columns = views.placing.rows, views.placing.columns[number]
        for row in range(picture.shape[0]):
            for column in range(picture.shape[1]):
                place = row - rows.first, column - columns.first
                if all(0 <= n < size for n, size in zip(place, expected.shape, strict=True)):
                    expected[place] = picture[row, column]
                else:
                    assert not bright[number][row, column] or min(in_row[row], in_column[column]) < 3
        assert np.array_equal(views.inputs[number, 0], expected)


@settings(max_examples=30, deadline=None)
@given(image=images, where=st.tuples(*[st.floats(0, 1)] * 3))
def test_a_point_lies_at_the_pixel_that_shows_it(image, where):
    axial = to_axial(image)
    views = network_views(project(axial), Seen(canvas_px=(16, 16)))
    kji = np.round(np.array(where) * (np.array(axial.shape_kji) - 1))
    point = axial.geometry.ras_from_ijk(kji[::-1])
    (row, column), (same_row, depth) = views.pixel_of(point)
    assert row == same_row
    # Back again, to the two coordinates that each view knows; a turned grid's rays are not the patient's.
    if axial.ijk_to_ras[0, 1] == 0:
        assert views.ras_of(CORONAL, row, column) == pytest.approx(point[[0, 2]])
        assert views.ras_of(SAGITTAL, row, depth) == pytest.approx(point[[1, 2]])
    # The voxel that the pixel there shows is near: half a pixel to its middle, half a voxel to the nearest one's, and the PET may
    # reach a quarter of a pixel beyond the last pixel.
    for axis, place, index in (
        (views.placing.rows, row, kji[0]),
        (views.placing.columns[0], column, kji[2]),
        (views.placing.columns[1], depth, kji[1]),
    ):
        nearest = axis.nearest()[::-1] if axis.flipped else axis.nearest()
        shown = nearest[int(np.clip(np.round(place) + axis.first, 0, axis.pixels - 1))]
        assert (
            abs(shown - index) * axis.voxel_mm <= 0.75 * axis.pixel_mm + 0.5 * axis.voxel_mm + 1e-6 or axis.pixels == 1
        )


def test_the_head_is_up_the_left_is_right_and_the_back_is_right():
    voxels = np.zeros((60, 40, 50), np.float32)
    voxels[50:58, 8:12, 30:40] = 15.0
    image = Image(voxels, np.array([[-2.0, 0, 0, 50], [0, -2, 0, 40], [0, 0, 2, 0], [0, 0, 0, 1]]), PET, SUV_BW)
    views = network_views(project(image), Seen(canvas_px=(128, 64)))
    assert views.inputs.shape == (2, 1, 128, 64)
    # In the middle of the canvas, wherever in the PET it lies.
    for view, across in zip(views.inputs[:, 0], (10, 4), strict=True):
        rows, columns = np.nonzero(view == 0.5)
        assert (rows.min(), rows.max()) == (60, 67)
        assert (columns.min(), columns.max()) == (32 - across // 2, 31 + across // 2)
    above, left, behind = (
        views.pixel_of((50 - 2 * i, 40 - 2 * j, 2 * k)) for k, j, i in ((59, 10, 35), (50, 10, 49), (50, 39, 35))
    )
    assert (above[:, 0] < 60).all()
    assert left[0, 1] > 36
    assert behind[1, 1] > 33


def test_a_canvas_grows_with_the_body_by_sixteen_pixels():
    voxels = np.zeros((90, 30, 90), np.float32)
    voxels[10:80, 5:25, 10:81] = 1.0
    image = Image(voxels, np.diag([-2.0, -2, 2, 1]), PET, SUV_BW)
    assert network_views(project(image), Seen(canvas_px=(64, 32))).inputs.shape == (2, 1, 80, 80)
    far = Image(voxels, np.diag([-2.0, -2, 200, 1]), PET, SUV_BW)
    with pytest.raises(InputError, match="size of its voxels"):
        network_views(project(far), Seen())


def test_a_single_bright_pixel_in_air_moves_nothing():
    voxels = np.zeros((40, 20, 40), np.float32)
    voxels[15:25, 8:12, 15:25] = 1.0
    image = Image(voxels, np.diag([-2.0, -2, 2, 1]), PET, SUV_BW)
    quiet = network_views(project(image), Seen(canvas_px=(64, 64))).placing
    voxels[0, 0, 0] = 3.0
    assert network_views(project(image), Seen(canvas_px=(64, 64))).placing.rows == quiet.rows


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_voxel_that_is_no_number_is_noticed(value):
    voxels = np.ones((4, 5, 6), np.float32)
    voxels[2, 3, 4] = value
    found = project(Image(voxels, np.eye(4)), threads=2)
    assert not np.isfinite([found.lowest, found.highest]).all()


def test_projections_for_other_pixels_are_refused():
    found = project(an_image(0), 3.0)
    with pytest.raises(ValueError, match="pixels"):
        network_views(found, Seen())
