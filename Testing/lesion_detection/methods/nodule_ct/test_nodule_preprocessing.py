"""What the networks see of a scan, and that its place is known to a fraction of a voxel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.methods.nodule_ct.network import REDUCTION_INPUT_ZYX
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan, prepare
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings


def test_values_spacing_and_search(chest):
    prepared = prepare(chest(), NoduleSettings())
    assert prepared.voxels.dtype == np.float32
    assert prepared.voxels.min() == 0
    assert prepared.voxels.max() <= 1
    np.testing.assert_allclose(prepared.geometry.spacing_mm, (0.75, 0.75, 1.25), rtol=0.01)

    def value(*ras):
        k, j, i = np.round(prepared.geometry.ijk_from_ras(ras)).astype(int)[::-1]
        return prepared.voxels[k, j, i], prepared.search[k, j, i]

    assert value(35, 0, 5) == (pytest.approx(1040 / 1400, abs=0.04), True)
    assert value(-35, 0, 5) == (pytest.approx(150 / 1400, abs=0.04), True)
    assert value(0, 58, 5) == (pytest.approx(1000 / 1400, abs=0.04), False)


def test_a_nodule_stays_where_it_is(chest):
    center = np.array([38.0, 6.0, -9.0])
    prepared = prepare(chest(((*center, 14.0),)), NoduleSettings())
    kji = np.argwhere(prepared.voxels > 0.5)
    ras = prepared.geometry.ras_from_ijk(kji[:, ::-1])
    near = np.linalg.norm(ras - center, axis=1) < 12
    np.testing.assert_allclose(ras[near].mean(axis=0), center, atol=0.25)


def test_cropping_shows_the_networks_the_same_voxels(chest):
    """Around every searched place there is as much of the scan as the second network sees."""
    image = chest()
    prepared = prepare(image, NoduleSettings())
    searched = prepared.geometry.ras_from_ijk(np.argwhere(prepared.search)[:, ::-1])
    half = np.array(REDUCTION_INPUT_ZYX[::-1]) / 2 * (0.75, 0.75, 1.25)
    low = prepared.geometry.ras_from_ijk(np.array(prepared.voxels.shape[::-1]) - 1)
    high = prepared.geometry.ras_from_ijk([0, 0, 0])
    image_low, image_high = (
        image.geometry.ras_from_ijk(ijk) for ijk in (np.array(image.shape_kji[::-1]) - 1, (0, 0, 0))
    )
    for axis in (0, 1):
        assert low[axis] <= max(searched[:, axis].min() - half[axis], image_low[axis]) + 1
        assert high[axis] >= min(searched[:, axis].max() + half[axis], image_high[axis]) - 1


def test_everywhere(chest):
    image = chest()
    prepared = prepare(image, NoduleSettings(lungs_only=False, spacing_mm=(2.0, 2.0, 2.5)))
    assert prepared.search.all()
    assert prepared.geometry.same_grid(image.geometry)


def test_a_box_beyond_the_edge_is_air():
    voxels = np.random.default_rng(0).random((4, 5, 6), dtype=np.float32)
    prepared = PreparedScan(voxels, Geometry(voxels.shape, np.eye(4)), np.ones(voxels.shape, dtype=bool))
    padded = np.pad(voxels, 10)
    for start in [(0, 0, 0), (-3, 2, 5), (2, -2, -10), (-10, -10, -10), (7, 1, 1)]:
        z, y, x = (n + 10 for n in start)
        np.testing.assert_array_equal(prepared.box(start, (3, 4, 5)), padded[z : z + 3, y : y + 4, x : x + 5])


def test_settings_change_what_is_seen(chest):
    narrow = prepare(chest(), NoduleSettings(window_hu=(-900.0, -800.0)))
    assert (narrow.voxels == 1).mean() > 0.2
    tight = prepare(chest(), dataclasses.replace(NoduleSettings(), lung_margin_mm=0.0, closing_mm=0.0))
    assert tight.search.sum() < 0.9 * prepare(chest(), NoduleSettings()).search.sum()
