"""Diameters of a mask are those of the body it was made from, whatever the grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.imaging.recist import _outlines, recist_of_mask
from scipy import ndimage
from scipy.spatial import distance
from scipy.spatial.transform import Rotation


def ellipsoid(half_axes_mm, spacing, angle=0.0, center=(0.0, 0.0, 0.0)):
    """Mask and geometry of an ellipsoid turned by ``angle`` in the axial plane; ``center`` in voxels."""
    reach = max(half_axes_mm) + 3 * max(spacing[:2])
    count = [2 * math.ceil(reach / step) + 1 for step in spacing[:2]] + [
        2 * math.ceil((half_axes_mm[2] + spacing[2]) / spacing[2]) + 1
    ]
    i, j, k = [(np.arange(n) - (n - 1) / 2 - c) * s for n, c, s in zip(count, center, spacing, strict=True)]
    k, j, i = np.meshgrid(k, j, i, indexing="ij")
    a, b = i * np.cos(angle) + j * np.sin(angle), -i * np.sin(angle) + j * np.cos(angle)
    inside = (a / half_axes_mm[0]) ** 2 + (b / half_axes_mm[1]) ** 2 + (k / half_axes_mm[2]) ** 2 < 1
    return inside, Geometry(inside.shape, np.diag([-spacing[0], -spacing[1], spacing[2], 1.0]))


@pytest.mark.parametrize("diameter", [4.0, 6.0, 10.0, 20.0, 40.0])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 1.0)])
def test_spheres_anywhere_on_the_grid_have_their_diameter(diameter, spacing):
    rng = np.random.default_rng(1)
    long, short = [], []
    for _ in range(25):
        inside, geometry = ellipsoid((diameter / 2,) * 3, spacing, center=rng.uniform(-0.5, 0.5, 3))
        recist = recist_of_mask(Mask.from_full(inside), geometry)
        long.append(recist.long_mm)
        short.append(recist.short_mm)
    assert np.mean(long) == pytest.approx(diameter, abs=0.5 * spacing[0])
    assert np.mean(short) == pytest.approx(diameter, abs=0.65 * spacing[0])


@given(
    st.floats(6, 15),
    st.floats(0.5, 0.8),
    st.floats(0, math.pi),
    st.floats(0.5, 1.0),
    st.floats(0.8, 1.25),
    st.floats(1, 5),
)
@settings(deadline=None, max_examples=40)
def test_ellipsoids_at_any_angle_on_anisotropic_grids(long, ratio, angle, step, anisotropy, thickness):
    spacing = (step, step * anisotropy, thickness)
    inside, geometry = ellipsoid((long, long * ratio, long * 0.7), spacing, angle)
    recist = recist_of_mask(Mask.from_full(inside), geometry)
    voxel = max(spacing[:2])
    assert recist.long_mm == pytest.approx(2 * long, abs=1.5 * voxel)
    assert recist.short_mm == pytest.approx(2 * long * ratio, abs=1.5 * voxel)
    direction = np.subtract(*recist.long_axis_ras_mm) / recist.long_mm
    tilt = abs(direction @ [np.cos(angle), np.sin(angle), 0])
    assert tilt > math.cos(math.radians(20))


@st.composite
def blobs(draw):
    """Any connected or scattered mask on a small grid."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(2, 12), st.integers(2, 12)))
    noise = np.random.default_rng(draw(st.integers(0, 10_000))).standard_normal(shape)
    mask = ndimage.gaussian_filter(noise, (0, 1, 1)) > 0.1
    mask[0, 0, 0] = True
    return mask


@given(blobs(), st.tuples(*[st.floats(-180, 180)] * 3), st.tuples(*[st.floats(0.4, 3)] * 3))
@settings(deadline=None, max_examples=60)
def test_axes_are_perpendicular_lie_in_one_slice_and_turn_with_the_grid(mask, angles, spacing):
    straight = np.diag([*spacing, 1.0])
    recist = recist_of_mask(Mask.from_full(mask), Geometry(mask.shape, straight))
    points = np.array([*recist.long_axis_ras_mm, *recist.short_axis_ras_mm])
    assert np.ptp(points[:, 2]) < 1e-6
    long, short = points[1] - points[0], points[3] - points[2]
    assert abs(long @ short) < 1e-6 * max(1.0, recist.long_mm * recist.short_mm)
    assert recist.short_mm <= recist.long_mm + 1e-6
    # A small turn does not change which slices count as axial.
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", np.array(angles) / 18, degrees=True).as_matrix()
    turned = recist_of_mask(Mask.from_full(mask), Geometry(mask.shape, turn @ straight))
    assert turned.long_mm == pytest.approx(recist.long_mm, abs=1e-6)
    assert turned.short_mm == pytest.approx(recist.short_mm, abs=1e-6)


@given(blobs())
@settings(deadline=None, max_examples=60)
def test_longest_diameter_agrees_with_trying_all_pairs(mask):
    """Of all pairs of points of one outline, in every slice: no hull, no slice left out."""
    recist = recist_of_mask(Mask.from_full(mask), Geometry(mask.shape, np.eye(4)))
    on_outlines, on_voxels = 0.0, 0.0
    for plane in mask:
        labels, count = ndimage.label(plane, np.ones((3, 3)))
        for part in range(1, count + 1):
            for outline in _outlines(labels == part):
                on_outlines = max(on_outlines, distance.pdist(outline).max())
            centres = np.argwhere(labels == part)
            points = np.concatenate([centres + step for step in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))])
            on_voxels = max(on_voxels, distance.pdist(points).max())
    assert recist.long_mm == pytest.approx(on_outlines, abs=1e-6)
    # The filter takes from pointed ends and adds nowhere: border points at level 1/2 between voxels are never exceeded.
    assert recist.long_mm <= on_voxels + 1e-5


def test_a_row_of_voxels_is_as_long_as_its_voxels():
    mask = np.zeros((1, 5, 12), bool)
    mask[0, 2, 1:9] = True
    recist = recist_of_mask(Mask.from_full(mask), Geometry(mask.shape, np.diag([0.5, 0.5, 3.0, 1.0])))
    assert recist.long_mm == pytest.approx(4.0, abs=1e-5)
    assert recist.short_mm == pytest.approx(0.5, abs=1e-5)


def test_one_voxel_has_a_size():
    recist = recist_of_mask(
        Mask(np.ones((1, 1, 1), bool), (3, 4, 5)), Geometry((9, 9, 9), np.diag([0.8, 0.8, 2.0, 1.0]))
    )
    assert recist.long_mm == pytest.approx(0.8, abs=1e-5)
    assert np.allclose(np.mean(recist.long_axis_ras_mm, axis=0), (2.4, 3.2, 10.0), atol=1e-5)


def test_the_widest_axial_slice_counts_in_every_orientation():
    inside, geometry = ellipsoid((6, 4, 12), (0.7, 0.7, 1.5))
    assert recist_of_mask(Mask.from_full(inside), geometry).long_mm == pytest.approx(12, abs=0.8)
    turned = np.transpose(inside, (2, 0, 1))  # k <- i, j <- k, i <- j
    matrix = np.array(geometry.ijk_to_ras)
    matrix[:, :3] = matrix[:, [1, 2, 0]]
    sagittal = Geometry(turned.shape, matrix)
    assert recist_of_mask(Mask.from_full(turned), sagittal).long_mm == pytest.approx(12, abs=0.8)


def test_two_parts_in_a_slice_are_not_bridged():
    mask = np.zeros((1, 10, 40), bool)
    mask[0, 2:8, 2:10] = mask[0, 2:8, 30:36] = True
    recist = recist_of_mask(Mask.from_full(mask), Geometry(mask.shape, np.eye(4)))
    assert recist.long_mm < 11


@pytest.mark.parametrize("degrees", [0.0, 0.05, -0.3, 0.7])
def test_of_two_slices_with_equal_diameters_the_lower_counts_however_the_scan_is_turned(degrees):
    """Found by generated examples: the outline's level made a diameter longer than the bound that ruled a slice out."""
    rows = [
        ["......", "......", "......", "#.....", "#.....", "#.....", "##....", "####..", "####..", "......"],
        ["......", "......", "......", "......", "......", "...##.", "..####", "######", "######", "#....#"],
    ]
    mask = np.array([[[letter == "#" for letter in row] for row in plane] for plane in rows])
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    recist = recist_of_mask(Mask.from_full(mask), Geometry(mask.shape, turn))
    assert recist.long_axis_ras_mm[0][2] == pytest.approx(0)
    assert recist.short_mm == pytest.approx(3.72678, abs=1e-4)
