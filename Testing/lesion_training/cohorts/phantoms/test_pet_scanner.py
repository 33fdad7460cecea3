"""The PET scanner: point spread, noise and breathing against closed formulas."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms.pet_scanner import PetScanner, breathe, scan_pet


def geometry(shape, spacing, center=(0.0, 0.0, 0.0)) -> Geometry:
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = np.array(center) - matrix[:3, :3] @ (np.array(shape[::-1]) - 1) / 2
    return Geometry(shape, matrix)


def test_a_point_is_spread_as_wide_as_said_at_its_place():
    source, target = geometry((61, 61, 61), (2.0, 2.0, 2.0)), geometry((50, 40, 40), (3.0, 3.0, 2.5), (1.3, -2.2, 0.7))
    scene = np.zeros(source.shape_kji, np.float32)
    scene[32, 28, 33] = 1000
    image = scan_pet(scene, source, target, PetScanner(6.0, 0.0, 5.0), np.random.default_rng(0), Progress())
    assert image.sum() * target.voxel_volume_mm3 == pytest.approx(1000 * source.voxel_volume_mm3, rel=0.02)
    k, j, i = np.indices(image.shape)
    places = target.ras_from_ijk(np.stack([i, j, k], axis=-1))
    weights = (image / image.sum())[..., None]
    center = (places * weights).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(center, source.ras_from_ijk((33, 28, 32)), atol=0.05)
    spread = np.sqrt(((places - center) ** 2 * weights).sum(axis=(0, 1, 2)))
    np.testing.assert_allclose(spread * 2.3548, 6.0, rtol=0.1)  # interpolation adds a little


def test_noise_goes_with_the_root_of_the_uptake_and_is_correlated():
    grid = geometry((30, 60, 60), (4.0, 4.0, 3.0))
    scanner = PetScanner(5.0, 0.1, 6.0)

    def noise(suv: float) -> np.ndarray:
        scene = np.full(grid.shape_kji, suv, np.float32)
        return scan_pet(scene, grid, grid, scanner, np.random.default_rng(3), Progress())[4:-4, 8:-8, 8:-8]

    low, high = noise(1.0), noise(4.0)
    assert low.mean() == pytest.approx(1.0, abs=0.03)
    assert low.std() == pytest.approx(0.1, rel=0.1)
    assert high.std() / low.std() == pytest.approx(2.0, rel=0.05)
    assert 0.3 < np.corrcoef(low[:, :, 1:].ravel(), low[:, :, :-1].ravel())[0, 1] < 0.8


def test_outside_of_the_scene_there_is_nothing_but_faint_noise():
    source, target = geometry((10, 20, 20), (3.0, 3.0, 3.0)), geometry((20, 40, 40), (4.0, 4.0, 4.0))
    image = scan_pet(
        np.full(source.shape_kji, 2.0, np.float32),
        source,
        target,
        PetScanner(5.0, 0.1, 5.0),
        np.random.default_rng(0),
        Progress(),
    )
    assert image[0].max() < 0.05
    assert image[10, 20, 20] > 1.5


def test_breathing_blurs_along_the_body_what_moves_and_keeps_its_place():
    scene = np.zeros((41, 8, 8), np.float32)
    scene[20] = 100
    moving = np.zeros_like(scene)
    moving[:, :, :4] = 1
    out = breathe(scene, np.full(41, 12.0, np.float32), 3.0, moving)
    np.testing.assert_array_equal(out[:, :, 4:], scene[:, :, 4:])
    profile = out[:, 0, 0]
    assert profile.sum() == pytest.approx(100, rel=1e-5)
    assert (np.arange(41) * profile).sum() / profile.sum() == pytest.approx(20, abs=1e-4)
    assert 3.5 < np.ptp(np.flatnonzero(profile > 0)) <= 6
    still = breathe(scene, np.zeros(41, np.float32), 3.0, moving)
    np.testing.assert_allclose(still, scene)


def test_a_scanner_without_sense_is_refused():
    with pytest.raises(UsageError):
        PetScanner(-1.0, 0.1, 5.0)
