"""Two maps brought back to the PET's own voxels, against the plain way through the whole volume."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import PET, SUV_BW, Geometry, Image
from LesionDetectionLib.methods.pet_weak.back_projection import COARSE_MM, back_project
from LesionDetectionLib.methods.pet_weak.placing import Placing, axes_of
from LesionDetectionLib.methods.pet_weak.projections import network_views, project
from LesionDetectionLib.methods.pet_weak.settings import Seen
from scipy import ndimage


def a_pet(seed):
    """A body in part of a small PET, of any spacing."""
    random = np.random.default_rng(seed)
    shape = tuple(int(n) for n in random.integers(8, 24, 3))
    voxels = np.zeros(shape, np.float32)
    low = [int(random.integers(0, n // 2)) for n in shape]
    voxels[low[0] :, low[1] :, low[2] :] = 1.0
    matrix = np.diag([*(random.choice([1.65, 4.0, 9.0], 3) * (-1, -1, 1)), 1.0])
    return Image(voxels, matrix, PET, SUV_BW)


def views_of(seed):
    return network_views(project(a_pet(seed)), Seen(canvas_px=(32, 32)))


def plain_volume(maps, placing, canvas, grid=None):
    """[k, j, i] the lower of both maps at each voxel: bilinear between the middles of cells, the outermost going on to the canvas's
    edge; 0 beyond."""
    grid = grid or placing.geometry
    shape = grid.shape_kji
    # Rows depend on k alone, columns on i in the one view and on j in the other.
    rows = np.array([placing.pixel_of(grid.ras_from_ijk((0, 0, k)))[0, 0] for k in range(shape[0])])
    across = [placing.pixel_of(grid.ras_from_ijk((0, j, 0)))[1, 1] for j in range(shape[1])]
    columns = [placing.pixel_of(grid.ras_from_ijk((i, 0, 0)))[0, 1] for i in range(shape[2])]
    places = np.broadcast_arrays(rows[:, None, None], np.array(across)[:, None], np.array(columns))
    values = []
    stride = np.array(canvas) / maps.shape[1:]
    for view, column in enumerate((places[2], places[1])):
        pixels = np.stack([places[0], column])
        cells = (pixels - (stride[:, None, None, None] - 1) / 2) / stride[:, None, None, None]
        own = ndimage.map_coordinates(maps[view].astype(float), cells, order=1, mode="nearest")
        last = np.array(canvas)[:, None, None, None] - 0.5
        own[((pixels < -0.5) | (pixels > last)).any(axis=0)] = 0
        values.append(own)
    return np.minimum(*values)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), stride=st.sampled_from([1, 4, 16]), share=st.sampled_from([0.3, 0.5, 0.8]))
def test_the_parts_together_are_where_the_whole_volume_counts(seed, stride, share):
    views, random = views_of(seed), np.random.default_rng(seed)
    h, w = views.inputs.shape[2:]
    maps = random.random((2, h // stride, w // stride)).astype(np.float32)
    plain = plain_volume(maps, views.placing, (h, w))
    back = back_project(maps, views.placing)
    assert np.allclose(np.minimum(back.coronal[:, None], back.sagittal[:, :, None]), plain, atol=1e-5)
    counts = np.minimum(back.coronal[:, None], back.sagittal[:, :, None]) >= share
    x, y, z = back.geometry.spacing_mm
    far = [
        ndimage.distance_transform_edt(one < share, sampling=(z, across))
        if (one >= share).any()
        else np.full(one.shape, 1e9)
        for one, across in ((back.coronal, x), (back.sagittal, y))
    ]
    within = np.maximum(far[0][:, None, :], far[1][:, :, None]) <= 16.0 + 1e-6
    core, near = np.zeros_like(counts), np.zeros_like(counts)
    for slab in back.slabs(share, 16.0):
        assert not near[slab.box].any()
        core[slab.box], near[slab.box] = slab.core, slab.near
        assert slab.core.any()
        assert not within[slab.box][~slab.near].any()
    assert np.array_equal(core, counts)
    # Nothing beyond reach; and all within, in the parts that hold a place that counts.
    assert not near[~within].any()
    labels, _ = ndimage.label(within.any(axis=(1, 2)))
    for part in np.unique(labels[counts.any(axis=(1, 2))]):
        assert np.array_equal(near[labels == part], within[labels == part])


def test_no_array_of_the_size_of_a_whole_body_is_made():
    geometry = Geometry((650, 400, 400), np.diag([-1.65, -1.65, 1.65, 1.0]))
    k, j, i = axes_of(geometry, 2.0)
    placing = Placing(geometry, k, (i, j), 544, 336)
    maps = np.zeros((2, 34, 21), np.float32)
    maps[:, 10:12, 9:11] = 1.0
    maps[:, 25, 4] = 0.8
    tracemalloc.start()
    slabs = list(back_project(maps, placing).slabs(0.5, 16.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(slabs) == 2
    assert peak < 650 * 400 * 400 / 10


def two_maps(rows):
    """Maps of one voxel a cell, with one bright column each."""
    geometry = Geometry((8, 6, 7), np.diag([-2.0, -2.0, 2.0, 1.0]))
    k, j, i = axes_of(geometry, 2.0)
    maps = np.zeros((2, 8, 8), np.float32)
    for view, heights in enumerate(rows):
        maps[view, :, 3] = heights[::-1]
    return back_project(maps, Placing(geometry, k, (i, j), 8, 8))


def test_agreement_in_height_is_what_both_profiles_share():
    box = (slice(0, 8), slice(2, 5), slice(2, 5))
    profile = [0, 0, 0.5, 1, 1, 0.5, 0, 0]
    assert two_maps((profile, profile)).agreement(box) == 1
    assert two_maps((profile, np.roll(profile, 4))).agreement(box) == 0
    assert two_maps((profile, np.roll(profile, 1))).agreement(box) == pytest.approx(2.0 / 4.0)
    assert two_maps((profile, np.array(profile) / 2)).agreement(box) == pytest.approx(0.5)
    # Of a lesion's own slices and columns only.
    assert two_maps((profile, np.roll(profile, 1))).agreement((slice(3, 4), *box[1:])) == pytest.approx(0.5)
    assert two_maps((profile, profile)).agreement((slice(0, 8), slice(2, 5), slice(5, 7))) == 0


def test_the_value_at_a_voxel_is_the_lower_of_both():
    back = two_maps(([1.0] * 8, [0.25] * 8))
    assert back.at((4, 3, 3)) == 0.25
    assert back.at((4, 3, 0)) == 0


def test_the_picture_is_the_same_map_on_a_coarse_grid():
    views = views_of(5)
    h, w = views.inputs.shape[2:]
    maps = np.random.default_rng(5).random((2, h // 16, w // 16)).astype(np.float32)
    picture = back_project(maps, views.placing).picture()
    assert min(picture.spacing_mm) > COARSE_MM / 2
    plain = plain_volume(maps, views.placing, (h, w), picture.geometry)
    assert np.allclose(picture.voxels, plain, atol=1e-5)
