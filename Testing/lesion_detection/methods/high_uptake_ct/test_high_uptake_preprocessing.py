"""What the network sees of a scan, where in it is looked, and that nothing is moved."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.imaging.geometry import resample, to_axial
from LesionDetectionLib.imaging.lungs import find_lungs
from LesionDetectionLib.imaging.lungs_hull import lungs_hull
from LesionDetectionLib.methods.high_uptake_ct.preprocessing import PreparedSlices, prepare
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings

BOX = ((10.0, -30.0, -15.0), (50.0, 20.0, 9.0))


def test_the_scans_own_grid_is_a_view(chest):
    prepared = prepare(chest, HighUptakeSettings())
    assert np.shares_memory(prepared.voxels, chest.voxels)
    assert prepared.voxels.dtype == np.int16
    assert prepared.geometry.same_grid(chest.geometry)
    expected = lungs_hull(find_lungs(chest), margin_mm=5.0).on_grid(chest.geometry)
    np.testing.assert_array_equal(prepared.search, expected)
    assert prepared.slices == list(np.flatnonzero(expected.any(axis=(1, 2))))
    assert 0 < len(prepared.slices) <= len(chest.voxels)


def test_a_lesion_on_the_wall_is_searched(make_chest):
    """It takes the lung's outer edge away, and the hull gives that back."""
    image = make_chest([(60.0, 0.0, 0.0, 14.0, 40.0)])
    k, j, i = np.round(image.geometry.ijk_from_ras((58, 0, 0))).astype(int)[::-1]
    assert not find_lungs(image).on_grid(image.geometry)[k, j, i]
    assert prepare(image, HighUptakeSettings(hull_margin_mm=0.0)).search[k, j, i]


@pytest.mark.parametrize("k", [0, 1, 2, 7, 12, 13])
def test_a_stack_repeats_the_end_slices(chest, k):
    prepared = prepare(chest, HighUptakeSettings())
    padded = np.pad(chest.voxels.astype(np.float64), [(2, 2), (0, 0), (0, 0)], mode="edge")
    expected = np.clip((padded[k : k + 5] + 1024) / 4095, 0, 1)
    stack = prepared.stack(k)
    assert stack.dtype == np.float32
    np.testing.assert_allclose(stack, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "hu", "expected"),
    [
        (HighUptakeSettings(), [-2000, -1024, 0, 3071, 9000], [0, 0, 1024 / 4095, 1, 1]),
        (HighUptakeSettings(window_hu=(-1000.0, 400.0)), [-1024, -1000, -300, 400, 401], [0, 0, 0.5, 1, 1]),
        (HighUptakeSettings(normalisation="16-bit"), [-3024, -1024, 0, 3071], [0, 0, 1024 / 65535, 4095 / 65535]),
    ],
)
def test_normalisation(settings, hu, expected):
    voxels = np.array(hu, dtype=np.int16)[None, None]
    prepared = PreparedSlices(voxels, Geometry(voxels.shape, np.eye(4)), np.ones(voxels.shape, bool), settings)
    np.testing.assert_allclose(prepared.stack(0), np.broadcast_to(expected, (5, 1, len(hu))), atol=1e-7)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 0.0), (0.0, 0.0, 2.5), (3.5, 2.0, 5.0)])
def test_a_working_grid_of_ones_own(chest, spacing):
    """Interpolated in parts, in whole Hounsfield units; 0 keeps the scan's own spacing."""
    prepared = prepare(chest, HighUptakeSettings(spacing_mm=spacing))
    wanted = tuple(mm or own for mm, own in zip(spacing, chest.spacing_mm, strict=True))
    whole = resample(chest, wanted)
    assert prepared.geometry.same_grid(whole.geometry)
    assert prepared.voxels.dtype == np.int16
    np.testing.assert_array_equal(prepared.voxels, np.rint(whole.voxels))
    for mm, own, found in zip(spacing, chest.spacing_mm, prepared.geometry.spacing_mm, strict=True):
        assert found == (pytest.approx(mm, rel=0.05) if mm else own)


def test_an_almost_equal_spacing_changes_nothing(chest):
    prepared = prepare(chest, HighUptakeSettings(spacing_mm=(2.51, 2.49, 4.05)))
    assert np.shares_memory(prepared.voxels, chest.voxels)
    assert prepared.geometry.same_grid(chest.geometry)


def test_memory_is_flat():
    """Neither the scan nor its float copy is made: of a scan of 8 MB, a stack is all that is copied."""
    voxels = np.full((100, 200, 200), -1000, dtype=np.int16)
    voxels[:, 20:180, 20:180] = 40
    image = Image(voxels, np.diag([-1.0, -1.0, 1.0, 1.0]), CT, HU)
    tracemalloc.start()
    try:
        prepared = prepare(image, HighUptakeSettings(lungs_only=False))
        prepared.stack(50)
        own = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        # 16 slices are floats at once; the result has half as many pixels as the scan.
        prepare(image, HighUptakeSettings(lungs_only=False, spacing_mm=(1.4, 1.4, 0.0)))
        resampled = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert own < 1.1 * voxels.size + 6 * 4 * 40_000  # one byte a voxel for what is searched, and a stack
    assert resampled < voxels.nbytes + 1.1 * voxels.size + 3 * 16 * 4 * 40_000


def test_a_region(chest):
    whole, part = (prepare(chest, HighUptakeSettings(region_ras_mm=box)) for box in (None, BOX))
    places = chest.geometry.ras_from_ijk(np.argwhere(np.ones(chest.shape_kji))[:, ::-1])
    inside = np.all((places >= BOX[0]) & (places <= BOX[1]), axis=-1).reshape(chest.shape_kji)
    np.testing.assert_array_equal(part.search, whole.search & inside)
    assert 0 < len(part.slices) < len(whole.slices)
    everywhere = prepare(chest, HighUptakeSettings(region_ras_mm=BOX, lungs_only=False))
    np.testing.assert_array_equal(everywhere.search, inside)


@pytest.mark.parametrize(
    ("box", "lungs_only", "text"),
    [
        (((-6.0, -70.0, -20.0), (6.0, -58.0, 20.0)), True, "There is no lung in the region"),
        (((300.0, 0.0, 0.0), (350.0, 50.0, 50.0)), True, "lies outside “chest”"),
        (((300.0, 0.0, 0.0), (350.0, 50.0, 50.0)), False, "lies outside “chest”"),
    ],
)
def test_a_region_with_nothing_in_it(chest, box, lungs_only, text):
    with pytest.raises(InputError, match=text):
        prepare(chest, HighUptakeSettings(region_ras_mm=box, lungs_only=lungs_only))


def test_stored_otherwise(chest):
    matrix = np.array(chest.ijk_to_ras)[:, [2, 0, 1, 3]]
    turned = dataclasses.replace(chest, voxels=chest.voxels.transpose(1, 2, 0), ijk_to_ras=matrix)
    np.testing.assert_array_equal(to_axial(turned).voxels, chest.voxels)
    for spacing in [(0.0, 0.0, 0.0), (2.0, 0.0, 3.0)]:
        one, two = (prepare(image, HighUptakeSettings(spacing_mm=spacing)) for image in (chest, turned))
        assert one.geometry.same_grid(two.geometry)
        np.testing.assert_array_equal(one.voxels, two.voxels)
        np.testing.assert_array_equal(one.search, two.search)


def test_a_single_slice(chest):
    image = chest.crop((0, 0, 7), (72, 58, 1))
    prepared = prepare(image, HighUptakeSettings())
    assert prepared.slices == [0]
    assert np.ptp(prepared.stack(0), axis=0).max() == 0


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda image: dataclasses.replace(image, modality="PT"), ModalityError, "is PET, but"),
        (lambda image: dataclasses.replace(image, unit="SUVbw"), ModalityError, "SUVbw"),
        (lambda image: dataclasses.replace(image, voxels=np.where(image.voxels > 50, np.nan, 0)), InputError, "NaN"),
        (lambda image: dataclasses.replace(image, voxels=image.voxels * 0), InputError, "empty image"),
        (lambda image: dataclasses.replace(image, voxels=np.maximum(image.voxels, -100)), InputError, "No lungs"),
        (lambda image: dataclasses.replace(image, voxels=image.voxels + 1024, unit=""), ModalityError, "Hounsfield"),
    ],
)
def test_what_cannot_be_used_is_refused(chest, spoil, error, text):
    with pytest.raises(error, match=text):
        prepare(spoil(chest), HighUptakeSettings())
