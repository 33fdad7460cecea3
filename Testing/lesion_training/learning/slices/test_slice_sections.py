"""Where a lesion is known, and what it is there: by its outline, its diameters, or as a sphere; however the image lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.imaging.geometry import AxialOrder
from LesionTrainingLib.learning.slices.sections import sections_of
from slice_cases import MATRIX, SHAPE, drawn_lesion, image_of, mask_lesion

ORDERS = [
    (axes, signs)
    for axes in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0))
    for signs in ((1, 1, 1), (-1, 1, -1), (1, -1, 1))
]


@given(st.sampled_from(ORDERS), st.integers(0, 10**6))
def test_an_outline_is_the_same_however_the_image_lies(order, seed):
    axes, signs = order
    random = np.random.default_rng(seed)
    mask = random.random(SHAPE) < 0.0005
    mask[2, 5, 7] = True
    matrix = np.diag([0.0, 0.0, 0.0, 1.0])
    for column, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        matrix[axis, column] = sign
        matrix[axis, 3] += 3.0
    image = image_of(np.zeros(SHAPE, np.int16), matrix)
    found = sections_of(mask_lesion(mask, matrix), image, "grabcut")
    axial = AxialOrder.of(image.geometry).apply_array(mask)
    assert sorted(found) == np.flatnonzero(axial.any(axis=(1, 2))).tolist()
    for k, section in found.items():
        pixels, (x, y) = section.outline
        drawn = np.zeros(axial[k].shape, dtype=bool)
        drawn[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
        assert np.array_equal(drawn, axial[k])
        rows, columns = np.nonzero(axial[k])
        assert section.edges.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert section.pixels == axial[k].sum()
        assert section.tight


def test_diameters_are_known_in_their_slice_only():
    random = np.random.default_rng(0)
    hu = random.normal(-700, 20, SHAPE)
    hu[:, 28:37, 20:35] = 50
    found = sections_of(drawn_lesion(k=2, box=(15, 23, 39, 41)), image_of(hu.astype(np.int16)), "grabcut")
    assert list(found) == [2]
    section = found[2]
    assert section.edges == pytest.approx([15, 23, 40, 42])
    assert not section.tight
    assert section.diameter_mm == 14
    pixels, (x, y) = section.outline
    # GrabCut finds the bright rectangle around the diameters, give or take its corners.
    assert (x, y, *pixels.shape) == (20, 28, 9, 15)
    assert pixels.mean() > 0.9


def test_without_a_box_it_ends_at_the_diameters():
    section = sections_of(drawn_lesion(), image_of(), "ellipse")[2]
    assert section.edges == pytest.approx([20, 28, 35, 37])
    assert section.tight
    assert section.outline is not None


def test_diameters_that_leave_the_slice_give_a_box_alone():
    lesion = drawn_lesion(x=(-4, 10), box=(0, 23, 15, 41))
    section = sections_of(lesion, image_of(), "grabcut")[2]
    assert section.outline is None
    assert section.edges == pytest.approx([0, 23, 16, 42])


def test_diameters_beyond_the_image_are_nowhere():
    assert sections_of(drawn_lesion(k=9), image_of(), "grabcut") == {}


def test_a_sphere_is_a_circle_in_each_slice():
    center = tuple(image_of().geometry.ras_from_ijk((30, 20, 3)))
    found = sections_of(Lesion(center, 10.0, 1.0), image_of(), "grabcut")
    assert sorted(found) == [1, 2, 3, 4, 5]  # 2 mm apart, radius 5 mm
    assert found[3].edges == pytest.approx([25.5, 15.5, 35.5, 25.5])
    assert found[1].edges == pytest.approx([27.5, 17.5, 33.5, 23.5])  # 4 mm off: a radius of 3 mm
    assert found[3].pixels == pytest.approx(np.pi * 25)
    assert found[3].outline is None


def test_a_sphere_between_slices_is_in_the_nearest():
    center = tuple(image_of().geometry.ras_from_ijk((30, 20, 2.4)))
    found = sections_of(Lesion(center, 1.0, 1.0), image_of(), "grabcut")
    assert list(found) == [2]
    assert found[2].diameter_mm == 1.0


def test_pixels_may_be_other_than_a_millimetre():
    matrix = MATRIX @ np.diag([0.5, 0.5, 1, 1])
    center = tuple(image_of(matrix=matrix).geometry.ras_from_ijk((30, 20, 3)))
    found = sections_of(Lesion(center, 10.0, 1.0), image_of(matrix=matrix), "grabcut")
    assert found[3].edges == pytest.approx([20.5, 10.5, 40.5, 30.5])
