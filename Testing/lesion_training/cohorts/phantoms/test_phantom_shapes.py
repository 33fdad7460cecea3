"""The phantoms' building blocks against closed formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms.acquisition import Scanner, scan
from LesionTrainingLib.cohorts.phantoms.fields import (
    Grid,
    Layers,
    cut,
    ellipsoid,
    join,
    near_ellipsoid,
    near_polyline,
    polyline,
)
from LesionTrainingLib.cohorts.phantoms.nodules import StarShape, coverage, random_shape, truth
from LesionTrainingLib.cohorts.phantoms.trees import grow
from LesionTrainingLib.cohorts.phantoms.tubes import Tubes, blend, tube_cover


def a_grid(spacing=(1.0, 1.0, 1.5), shape=(40, 60, 64)) -> Grid:
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ (np.array(shape[::-1]) - 1) / 2
    return Grid(Geometry(shape, matrix))


def a_ball(diameter: float, center=(0.0, 0.0, 0.0)) -> StarShape:
    none = np.zeros((0, 3)), np.zeros(0), np.zeros(0)
    return StarShape(np.zeros(3), np.eye(3), *none).of_size(diameter, np.array(center))


@settings(deadline=None, max_examples=25)
@given(st.floats(3, 24), st.tuples(*[st.floats(-3, 3)] * 3), st.integers(0, 10_000), st.sampled_from([0.0, 1.0]))
def test_a_nodule_has_the_size_and_place_it_was_given(diameter, center, seed, spiculation):
    grid = a_grid()
    shape = random_shape(np.random.default_rng(seed), spiculation).of_size(diameter, np.array(center))
    covered = coverage(grid, shape)
    assert covered is not None
    # Thin spicules fall between the 64 samples a voxel and between the directions of the closed sum.
    assert covered.volume_mm3 == pytest.approx(np.pi / 6 * diameter**3, rel=0.06)
    assert np.abs(covered.centroid - center).max() < 0.35
    assert 0 <= covered.share.min() <= covered.share.max() <= 1


def test_a_ball_is_a_ball():
    grid = a_grid()
    covered = coverage(grid, a_ball(12.0, (0.3, -0.2, 0.4)))
    lesion = truth(grid.geometry, covered, "solid", {})
    assert lesion.diameter_mm == pytest.approx(12.0, rel=0.005)
    assert lesion.center_ras_mm == pytest.approx((0.3, -0.2, 0.4), abs=0.02)
    assert lesion.mask.count * 1.5 == pytest.approx(np.pi / 6 * 12**3, rel=0.05)
    low, high = (np.array(corner) for corner in lesion.box_ras_mm)
    np.testing.assert_allclose(high - low, 12, atol=1.6)


def test_the_least_nodule_keeps_a_voxel():
    grid = a_grid(spacing=(4.0, 4.0, 6.0))
    lesion = truth(grid.geometry, coverage(grid, a_ball(3.0, (2.0, 2.0, 3.0))), "solid", {})
    assert lesion.mask.count >= 1


def test_what_leaves_the_grid_is_not_placed():
    assert coverage(a_grid(), a_ball(12.0, (30.0, 0.0, 0.0))) is None


def test_the_pleura_cuts_a_nodule():
    grid = a_grid()
    half_space = np.broadcast_to(grid.coarse[0], grid.coarse_shape).astype(np.float32)  # inside where R < 0
    covered = coverage(grid, a_ball(14.0), half_space)
    assert covered.volume_mm3 == pytest.approx(np.pi / 12 * 14**3, rel=0.02)
    assert covered.centroid[0] == pytest.approx(-3 / 8 * 7, abs=0.1)


def test_fields_are_interpolated_alike_in_slices_and_at_points():
    grid = a_grid()
    field = ellipsoid(grid, (4.0, -3.0, 2.0), (15.0, 12.0, 10.0))
    k, j, i = 17, 30, 22
    at_point = grid.sample(field, grid.geometry.ras_from_ijk((i, j, k)))
    assert grid.plane(field, k)[j, i] == pytest.approx(float(at_point), abs=1e-3)


def test_a_sphere_has_its_distance_near_its_surface():
    grid = a_grid()
    field = ellipsoid(grid, (0.0, 0.0, 0.0), (15.0, 15.0, 15.0))
    points = np.array([(12.0, 0, 0), (0, 18.0, 0), (0, 0, -15.0)])
    assert grid.sample(field, points) == pytest.approx([-3, 3, 0], abs=0.3)


@settings(deadline=None, max_examples=15)
@given(st.tuples(*[st.floats(-40, 40)] * 3), st.tuples(*[st.floats(6, 14)] * 3), st.integers(0, 1000))
def test_a_small_ellipsoid_is_true_near_its_surface_wherever_it_lies(center, radii, seed):
    grid = a_grid()
    axes, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    field = near_ellipsoid(grid, center, radii, axes)
    r, a, s = np.broadcast_arrays(*grid.coarse)
    away = (np.stack([r, a, s], axis=-1) - center) @ axes.T / np.array(radii)
    level = np.linalg.norm(away, axis=-1)
    assert ((field < 0) == (level < 1)).all()
    near = np.abs(level - 1) < 0.1
    exact = (level - 1) * level / np.linalg.norm(away / np.array(radii), axis=-1).clip(1e-6)
    np.testing.assert_allclose(field[near], exact[near], atol=1e-3)
    assert field.max() <= 60


def test_a_small_tube_is_the_plain_one_where_it_is_near():
    grid = a_grid()
    line = np.array([(-20.0, 5, -12), (4, -3, 2), (15, 60, 20)])  # it leaves the grid
    radii = np.array((3.0, 6, 4))
    plain, small = polyline(grid, line, radii), near_polyline(grid, line, radii)
    near = plain < 8
    assert near.any()
    np.testing.assert_allclose(small[near], plain[near], atol=1e-5)
    assert (small[~near] > 7.9).all()


def test_layers_are_a_part_of_the_whole_grid():
    grid = a_grid()
    part = Layers.between(grid, -12.0, 14.0)
    shape = (2.0, -3.0, 1.0), (20.0, 15.0, 18.0)
    whole, some = ellipsoid(grid, *shape), ellipsoid(part, *shape)
    assert part.coarse_shape[1:] == grid.coarse_shape[1:]
    assert part.coarse_shape[0] < grid.coarse_shape[0]
    inner = slice(part.first + 1, part.end - 1)  # slopes are one-sided in the outer slices
    np.testing.assert_allclose(some[1:-1], whole[inner], atol=1e-5)
    full = part.on_whole(some)
    assert full.shape == grid.coarse_shape
    np.testing.assert_array_equal(full[part.first : part.end], some)
    assert Layers.between(grid, 500.0, 600.0).coarse_shape[0] == 4  # nothing there: it still works


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.5, 20))
def test_joining_adds_and_cutting_takes_away(a, b, blend_mm):
    first, second = np.float32([a]), np.float32([b])
    assert join(first, second, blend_mm)[0] <= min(a, b) + 1e-3
    assert cut(first, second, blend_mm)[0] >= max(a, b) - 1e-3
    assert join(first, second, blend_mm)[0] >= min(a, b) - blend_mm / 4 - 1e-3


@pytest.mark.parametrize("radius", [0.3, 0.6, 1.5, 4.0])
def test_a_tube_covers_its_cross_section(radius):
    grid = a_grid(spacing=(1.0, 1.0, 1.0))
    line = np.array([(0.3, 0.2, -15.0), (0.3, 0.2, 15.0)])
    covered = np.zeros(grid.geometry.shape_kji, dtype=np.uint8)
    tube_cover(grid, Tubes.along(line, np.full(2, radius)).cut_up(5.0), covered)
    area = covered[20].astype(float).sum() / 255
    assert area == pytest.approx(np.pi * radius**2, rel=0.5 if radius < 1 else 0.1)
    volume = np.full(covered.shape, -850, dtype=np.float32)
    blend(volume, covered, 40)
    assert volume.max() <= 40
    assert (volume[covered == 0] == -850).all()


def test_tubes_outside_the_grid_are_left_out():
    grid = a_grid()
    covered = np.zeros(grid.geometry.shape_kji, dtype=np.uint8)
    tube_cover(grid, Tubes.along(np.array([(500.0, 0, 0), (510.0, 0, 0)]), np.ones(2)), covered)
    assert not covered.any()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(1, 80), st.floats(2.0, 3.0))
def test_a_tree_reaches_every_point_and_keeps_murrays_law(seed, count, exponent):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-40, 40, (count, 3))
    tree = grow(np.array((60.0, 0, 0)), [points[: count // 2], points[count // 2 :]], 0.4, exponent)
    assert len(tree.nodes) == count + 1
    assert tree.parents[0] == -1
    assert (tree.parents[1:] < np.arange(1, count + 1)).all()
    ends = np.setdiff1d(np.arange(1, count + 1), tree.parents)
    nearest = np.linalg.norm(points[:, None] - tree.nodes[ends], axis=2).min(axis=0)
    assert nearest.max() < 1e-9  # smoothing leaves the ends where they are
    flow = tree.radii**exponent
    into = np.bincount(tree.parents[1:], weights=flow[1:], minlength=count + 1)
    np.testing.assert_allclose(flow, into + 0.4**exponent)


def test_noise_follows_the_tube_current_and_the_slice():
    scene = np.zeros((24, 96, 96), dtype=np.float32)

    def noise(mas: float, thickness: float):
        scanner = Scanner((0.8, 0.8, 1.0), thickness, 1.0, mas, 25.0)
        return scan(scene, scanner, np.random.default_rng(1), Progress()).astype(float)

    low, high, thick = noise(50, 1.0), noise(200, 1.0), noise(50, 4.0)
    assert low.std() / high.std() == pytest.approx(2.0, rel=0.05)
    assert low.std() / thick.std() == pytest.approx(2.0, rel=0.05)
    assert abs(np.corrcoef(low[10].ravel(), low[11].ravel())[0, 1]) < 0.05
    assert np.corrcoef(thick[10].ravel(), thick[11].ravel())[0, 1] > 0.5
    assert 0.1 < np.corrcoef(low[:, :, 1:].ravel(), low[:, :, :-1].ravel())[0, 1] < 0.8


def test_a_thick_slice_blurs_along_the_body_and_the_point_spread_in_plane():
    scene = np.full((21, 64, 64), -1000, dtype=np.float32)  # air: rays meet no tissue, so that there is little noise
    scene[10, 32, 32] = 2000
    sharp, blurred = (
        scan(scene, Scanner((0.8, 0.8, 1.0), mm, psf, 1e6, 25.0), np.random.default_rng(1), Progress()).astype(float)
        + 1000
        for mm, psf in ((1.0, 0.0), (5.0, 2.0))
    )
    assert sharp[10, 32, 32] > 2900
    assert blurred[10, 32, 32] < 300
    assert blurred[12, 32, 32] > 0.3 * blurred[10, 32, 32]
    assert blurred.sum() == pytest.approx(3000, rel=0.5)
