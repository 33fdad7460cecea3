"""The mean in a sphere of 1 mL."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.imaging.suv_peak import SPHERE_MM3, sphere_weights, suv_peak


@pytest.mark.parametrize(
    "spacing", [(1.65, 1.65, 2.0), (4.0, 4.0, 3.0), (5.5, 5.5, 3.3), (12.0, 12.0, 12.0), (2.0, 2.0, 15.0)]
)
def test_the_weights_are_a_sphere_of_one_millilitre(spacing):
    weights = sphere_weights(spacing)
    assert sum(weight for _, weight in weights) == pytest.approx(1)
    # A voxel that lies in it wholly has its volume over the sphere's.
    middle = dict(weights)[0, 0, 0]
    if max(spacing) < 5:
        assert middle == pytest.approx(np.prod(spacing) / SPHERE_MM3, rel=0.02)
    steps = np.array([step for step, _ in weights]) * spacing[::-1]
    shares = np.array([weight for _, weight in weights])
    np.testing.assert_allclose(shares @ steps, 0, atol=1e-9)
    if max(spacing) < 6:
        # The mean square of a coordinate in a ball is R^2 / 5; on a grid, up to a voxel's own spread more.
        ball = (3 * SPHERE_MM3 / 4 / np.pi) ** (2 / 3) / 5
        spread = shares @ steps**2
        assert (spread > ball - 0.3).all()
        assert (spread < ball + np.array(spacing[::-1]) ** 2 / 6).all()


def test_it_is_the_highest_mean_of_all_spheres_around_the_lesion_s_voxels():
    suv = np.random.default_rng(0).gamma(2, 2, (9, 10, 11)).astype(np.float32)
    voxels = np.zeros((3, 4, 5), dtype=bool)
    voxels[1, 1:3, 1:4] = True
    spacing = (3.0, 3.0, 4.0)
    means = []
    for k, j, i in np.argwhere(voxels) + 3:
        means.append(sum(w * suv[k + a, j + b, i + c] for (a, b, c), w in sphere_weights(spacing)))
    assert suv_peak(suv, voxels, (3, 3, 3), spacing) == pytest.approx(max(means), rel=1e-5)


def test_a_flat_image_has_its_value_as_peak_also_at_the_edge():
    suv = np.full((4, 4, 4), 3.0, dtype=np.float32)
    assert suv_peak(suv, np.ones((1, 1, 1), dtype=bool), (0, 0, 3), (4, 4, 4)) == pytest.approx(3.0)


@pytest.mark.parametrize("corner", [(0, 0, 0), (5, 6, 7), (0, 6, 3)])
def test_beyond_the_edge_the_image_goes_on_as_it_ends(corner):
    suv = np.random.default_rng(2).gamma(2, 2, (6, 7, 8)).astype(np.float32)
    around, (k, j, i) = np.pad(suv, 3, mode="edge"), np.add(corner, 3)
    expected = sum(w * around[k + a, j + b, i + c] for (a, b, c), w in sphere_weights((4.0, 4.0, 3.0)))
    assert suv_peak(suv, np.ones((1, 1, 1), dtype=bool), corner, (4.0, 4.0, 3.0)) == pytest.approx(expected, rel=1e-5)


def test_noise_moves_it_less_than_the_maximum():
    random = np.random.default_rng(1)
    everywhere = np.ones((8, 8, 8), dtype=bool)
    peaks, highest = [], []
    for _ in range(20):
        suv = random.normal(5, 0.5, (12, 12, 12)).astype(np.float32)
        peaks.append(suv_peak(suv, everywhere, (2, 2, 2), (3.0, 3.0, 3.0)))
        highest.append(suv[2:10, 2:10, 2:10].max())
    assert np.std(peaks) < 0.6 * np.std(highest)
    assert np.mean(peaks) - 5 < 0.6 * (np.mean(highest) - 5)
