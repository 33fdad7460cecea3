"""The lungs' convex hull, which lung is which, and where they begin and end."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.imaging.lungs import LungMask, find_lungs
from LesionDetectionLib.imaging.lungs_hull import between_base_and_apex, between_lungs, lung_sides, lungs_hull
from scipy.spatial import ConvexHull

SHAPE_KJI = (30, 60, 100)
SPACING = (3.0, 3.0, 4.0)


def mask_of(voxels, spacing=SPACING):
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    return LungMask(np.asarray(voxels, dtype=bool), Geometry(voxels.shape, matrix))


def ellipsoid(center_ijk, radii_ijk):
    k, j, i = np.indices(SHAPE_KJI)
    return sum(((n - c) / r) ** 2 for n, c, r in zip((i, j, k), center_ijk, radii_ijk, strict=True)) < 1


RIGHT, LEFT = ellipsoid((27, 30, 14), (18, 22, 13)), ellipsoid((73, 30, 14), (18, 22, 13))


@pytest.mark.parametrize(
    "bridge",
    [
        None,
        ellipsoid((50, 30, 20), (12, 4, 3)),  # a main bronchus
        ellipsoid((50, 18, 14), (9, 2, 12)),  # a junction line as high as the lungs
    ],
)
def test_right_and_left_are_told_apart_even_where_they_touch(bridge):
    both = RIGHT | LEFT if bridge is None else RIGHT | LEFT | bridge
    sides = lung_sides(mask_of(both))
    assert sides.told_apart
    np.testing.assert_array_equal(sides.right | sides.left, both)
    assert not (sides.right & sides.left).any()
    assert (sides.right & RIGHT).sum() > 0.98 * RIGHT.sum()
    assert (sides.left & LEFT).sum() > 0.98 * LEFT.sum()


def test_pieces_of_one_lung_are_one_lung():
    """A thick fissure, or a tumour, cuts the right lung in two: what lies above one another is not right and left."""
    k = np.indices(SHAPE_KJI)[0]
    pieces = RIGHT & (abs(k - 14) > 1)
    alone = lung_sides(mask_of(pieces))
    assert not alone.told_apart
    assert not alone.left.any()
    with_left = lung_sides(mask_of(pieces | LEFT))
    assert with_left.told_apart
    np.testing.assert_array_equal(with_left.right, pieces)


def test_a_small_left_lung_is_a_lung():
    """After a collapse one lung may hold a fifth of the other's air."""
    small = ellipsoid((70, 30, 16), (11, 12, 8))
    sides = lung_sides(mask_of(RIGHT | small))
    assert sides.told_apart
    np.testing.assert_array_equal(sides.left, small)


def test_no_lungs_have_no_sides_and_no_hull():
    nothing = mask_of(np.zeros(SHAPE_KJI, dtype=bool))
    assert not lung_sides(nothing).told_apart
    assert not lungs_hull(nothing, margin_mm=5).voxels.any()
    assert not between_base_and_apex(nothing, 0.1).voxels.any()


def test_the_hull_takes_in_dents_of_each_lung_and_nothing_between_the_two():
    tumour, mediastinum = ellipsoid((13, 30, 14), (6, 6, 4)), (14, 30, 50)
    hull = lungs_hull(mask_of((RIGHT & ~tumour) | LEFT))
    assert hull.voxels[14, 30, 12]
    assert not hull.voxels[mediastinum]
    assert lungs_hull(mask_of(RIGHT | LEFT), together=True).voxels[mediastinum]


def test_what_lies_between_the_lungs():
    lungs = mask_of(RIGHT | LEFT)
    between = between_lungs(lungs).voxels
    together, each = lungs_hull(lungs, together=True).voxels, lungs_hull(lungs).voxels
    np.testing.assert_array_equal(between, together & ~each)
    assert between[14, 30, 50]
    assert not between_lungs(mask_of(RIGHT)).voxels.any()
    # Slices that show one lung only have nothing between two.
    above = LEFT.copy()
    above[:14] = False
    assert not between_lungs(mask_of(RIGHT | above)).voxels[:14].any()


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), together=st.booleans())
def test_each_slice_is_the_convex_hull_of_its_voxels(seed, together):
    random = np.random.default_rng(seed)
    part = np.zeros((4, 24, 24), dtype=bool)
    part[:, 4:20, 3:9] = random.random((4, 16, 6)) > 0.4
    part[:, 4:20, 15:21] = random.random((4, 16, 6)) > 0.4
    mask = mask_of(part)
    hull = lungs_hull(mask, together=together).voxels
    assert hull[part].all()
    sides = lung_sides(mask)
    assert sides.told_apart
    beyond = np.full(part[0].size, np.inf)
    for section in [part[0]] if together else [sides.right[0], sides.left[0]]:
        faces = ConvexHull(np.argwhere(section)).equations
        outside = (np.argwhere(np.ones_like(section)) @ faces[:, :2].T + faces[:, 2]).max(axis=1)
        beyond = np.minimum(beyond, outside)
    # A pixel on the polygon's edge may be taken or left.
    assert hull[0].ravel()[beyond < -1].all()
    assert not hull[0].ravel()[beyond > 1].any()


@pytest.mark.parametrize("margin", [0.0, 4.0, 9.0])
def test_the_margin_grows_it_in_all_directions_and_not_out_of_the_scan(margin):
    hull = lungs_hull(mask_of(RIGHT | LEFT), margin_mm=margin).voxels
    filled = [np.flatnonzero(hull.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1))]
    assert filled[2][0] == 27 - 17 - margin // SPACING[0]
    assert filled[1][0] == 30 - 21 - margin // SPACING[1]
    assert filled[0][-1] == min(26 + margin // SPACING[2], SHAPE_KJI[0] - 1)
    assert filled[0][0] == max(2 - margin // SPACING[2], 0)


def test_base_and_apex():
    """The thin ends go, and whatever lies beyond a slice without lung; the middle stays as it is."""
    voxels = np.zeros((12, 20, 20), dtype=bool)
    for k, area in enumerate([30, 0, 2, 9, 40, 100, 90, 50, 12, 3, 0, 60]):
        voxels[k].ravel()[:area] = True
    for share, first, last in [(0.05, 3, 8), (0.1, 4, 8), (0.01, 2, 9), (0.0, 2, 9), (1.0, 5, 5)]:
        kept = between_base_and_apex(mask_of(voxels), share).voxels
        np.testing.assert_array_equal(np.flatnonzero(kept.any(axis=(1, 2))), np.arange(first, last + 1))
        np.testing.assert_array_equal(kept[first : last + 1], voxels[first : last + 1])


def test_nothing_is_changed_and_the_grid_is_the_lungs_own():
    mask = mask_of(RIGHT | LEFT)
    before = mask.voxels.copy()
    for result in (lungs_hull(mask, margin_mm=5), between_base_and_apex(mask, 0.1)):
        assert result.geometry.same_grid(mask.geometry)
    np.testing.assert_array_equal(mask.voxels, before)


def test_a_real_chest(real_data):
    """Of a patient whose right upper lobe has collapsed: his nodule is in the hull, which is larger by no more than heart,
    collapsed lobe and the left dome."""
    sitk = pytest.importorskip("SimpleITK")
    scan = sitk.ReadImage(str(real_data("lidc-0314/ct.nrrd")))
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(scan.GetSpacing())
    matrix[:3, 3] = scan.GetOrigin()
    image = Image(sitk.GetArrayViewFromImage(scan), np.diag([-1, -1, 1, 1]) @ matrix, CT, HU)
    lungs = find_lungs(image)
    sides = lung_sides(lungs)
    assert sides.told_apart
    assert 0.25 < sides.right.sum() / lungs.voxels.sum() < 0.4
    hull = lungs_hull(lungs)
    i, j, k = np.round(hull.geometry.ijk_from_ras((57.44, -131.23, -520.36))).astype(int)
    assert hull.voxels[k, j, i]
    assert 1.2 < hull.volume_ml / lungs.volume_ml < 1.4
    kept = between_base_and_apex(lungs, 0.05)
    assert 0.98 < kept.volume_ml / lungs.volume_ml < 1
    assert dataclasses.replace(kept, voxels=kept.voxels & ~lungs.voxels).volume_ml == 0
