"""Active and inactive lesions: alike in size, place and mean attenuation, unlike in texture, margin and uptake."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms import petct_uptake
from LesionTrainingLib.cohorts.phantoms.chest_site import Site
from LesionTrainingLib.cohorts.phantoms.fields import Grid, ellipsoid
from LesionTrainingLib.cohorts.phantoms.nodules import StarShape
from LesionTrainingLib.cohorts.phantoms.petct_lesions import add_lesions, draw_activity, plan_lesions
from LesionTrainingLib.cohorts.phantoms.petct_settings import LesionSettings
from LesionTrainingLib.cohorts.phantoms.petct_shapes import draw_outline
from LesionTrainingLib.cohorts.phantoms.phantom import random_stream
from scipy import ndimage, stats

LUNG_HU = -850.0


def a_grid(shape=(40, 110, 110), spacing=(1.0, 1.0, 3.0)) -> Grid:
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ (np.array(shape[::-1]) - 1) / 2
    return Grid(Geometry(shape, matrix))


def a_site(grid: Grid) -> Site:
    """A lung that is an ellipsoid within a wall, of which one side is the mediastinum's."""
    lung = ellipsoid(grid, (0.0, 0.0, 0.0), (50.0, 50.0, 56.0))
    wall = np.maximum(lung, -grid.coarse[0] - 60).astype(np.float32)
    wall = np.where(grid.coarse[0] < 0, lung - 40, wall).astype(np.float32)
    volume = np.full(grid.geometry.shape_kji, LUNG_HU, dtype=np.float32)
    return Site(grid, volume, np.zeros(volume.shape, np.uint8), SimpleNamespace(lung=lung, wall=wall), None, None)


@pytest.fixture(scope="module")
def planned():
    """Sizes, mean attenuation and activity of the lesions of 300 seeds, as they are drawn."""
    site, settings = a_site(a_grid()), LesionSettings()
    rows, scans = [], []
    for seed in range(300):
        plan = plan_lesions(site, settings, random_stream(seed, "lesions"))
        activity = draw_activity(len(plan), settings, random_stream(seed, "activity"))
        scans.append(any(activity))
        rows += [(one.diameter_mm, one.hu, one.place, active) for one, active in zip(plan, activity, strict=True)]
    return rows, scans


@pytest.mark.parametrize("what", [0, 1])
def test_size_and_attenuation_are_drawn_alike(planned, what):
    rows, _ = planned
    active, inactive = ([row[what] for row in rows if row[3] == wanted] for wanted in (True, False))
    assert min(len(active), len(inactive)) > 150
    assert stats.ks_2samp(active, inactive).pvalue > 0.05


def test_places_are_drawn_alike(planned):
    rows, _ = planned
    places = sorted({row[2] for row in rows})
    assert places == ["mediastinum", "parenchyma", "wall"]
    table = [[sum(row[2] == p and row[3] == wanted for row in rows) for p in places] for wanted in (True, False)]
    assert stats.chi2_contingency(table).pvalue > 0.05


def test_all_bands_of_size_occur_and_a_third_of_the_scans_has_no_active_lesion(planned):
    rows, scans = planned
    sizes = np.array([row[0] for row in rows])
    assert sizes.min() >= 8
    assert sizes.max() <= 60
    assert 17 < np.median(sizes) < 25
    bands = np.histogram(sizes, (0, 15, 25, 40, 60))[0] / len(sizes)
    assert bands.min() > 0.04
    assert np.mean(scans) == pytest.approx(0.7, abs=0.07)


@pytest.mark.parametrize(("active", "expected"), [("yes", True), ("no", False)])
def test_activity_can_be_asked_for(active, expected):
    settings = LesionSettings(active=active, active_share=0.1)
    drawn = [draw_activity(3, settings, np.random.default_rng(seed)) for seed in range(50)]
    assert all(any(one) == expected for one in drawn)
    assert draw_activity(0, settings, np.random.default_rng(0)) == []


def _only_in_the_middle(site: Site) -> None:
    """Lung everywhere, but deep enough for a lesion in the middle of the grid only."""
    r, a, s = site.grid.coarse
    site.body.lung[...] = np.where(r**2 + a**2 + s**2 < 8.0**2, -30, -5)


def _painted(seed: int, active: str):
    settings = LesionSettings(number=(1, 1), active=active, diameter_mm=(14.0, 26.0), places=(("parenchyma", 1.0),))
    site = a_site(a_grid(shape=(28, 76, 76)))
    _only_in_the_middle(site)
    (one,) = add_lesions(site, settings, seed, Progress())
    inner = ndimage.binary_erosion(one.covered.share > 0.99, iterations=1)
    texture = site.volume[one.covered.slices_kji][inner].std()
    # Within the slice through the middle: how far the outline is from a circle's.
    middle = one.covered.share[one.covered.share.shape[0] // 2] > 0.5
    edge = middle & ~ndimage.binary_erosion(middle)
    distance = np.linalg.norm(np.argwhere(edge) - np.argwhere(middle).mean(axis=0), axis=1)
    return one, float(texture), float(distance.std() / distance.mean())


def test_only_texture_margin_and_uptake_tell_them_apart():
    for seed in range(7):
        (active, texture, margin), (other, plain, even) = _painted(seed, "yes"), _painted(seed, "no")
        assert (active.active, other.active) == (True, False)
        assert active.lesion.diameter_mm == pytest.approx(other.lesion.diameter_mm, rel=0.04)
        for one in (active, other):
            weights = one.covered.share / one.covered.share.sum()
            assert one.lesion.measurements["painted_hu"] == pytest.approx(active.lesion.measurements["painted_hu"])
            assert np.linalg.norm(np.subtract(one.lesion.center_ras_mm, active.lesion.center_ras_mm)) < 1.5
            assert (weights * one.uptake).sum() > 0
        assert texture > 15 > 6 > plain
        assert active.lesion.measurements["painted_suvbw"] >= 3.5
        assert 0.8 <= other.lesion.measurements["painted_suvbw"] <= 2.0
        assert margin > 1.15 * even  # the ellipsoid below is the same


def test_the_mean_attenuation_is_what_was_drawn():
    settings = LesionSettings(number=(1, 1), active="yes", diameter_mm=(24.0, 26.0), necrotic=1.0)
    site = a_site(a_grid(shape=(28, 76, 76)))
    _only_in_the_middle(site)
    site.volume[...] = 0
    (one,) = add_lesions(site, settings, 4, Progress())
    box = site.volume[one.covered.slices_kji]
    inside = one.covered.share > 0.999  # no strand of the surroundings
    assert one.lesion.measurements["necrotic_share"] > 0.03
    assert one.uptake[inside].min() < 1.5 < one.uptake.max()
    weights = one.covered.share / one.covered.share.sum()
    assert float((weights[inside] * box[inside]).sum() / weights[inside].sum()) == pytest.approx(
        one.lesion.measurements["painted_hu"], abs=4
    )


def test_the_fast_radius_is_the_plain_one():
    rng = np.random.default_rng(2)
    outline = draw_outline(rng, True, 12.0, (3.0, 8.0))
    directions = rng.standard_normal((500, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    np.testing.assert_allclose(outline.radius(directions), StarShape.radius(outline, directions), rtol=1e-4)


@pytest.mark.parametrize("spacing", [(1.5, 1.5, 2.5), (5.0, 4.5, 7.0)])
def test_the_scene_holds_what_the_lesion_holds(spacing):
    """Total uptake and centroid, whether the CT's voxels are finer or coarser than the scene's."""
    grid = a_grid(shape=(24, 40, 44), spacing=spacing)
    scene = Grid(Geometry((31, 60, 66), np.diag([-3.0, -3.0, 3.0, 1.0])))
    matrix = np.array(scene.geometry.ijk_to_ras)
    matrix[:3, 3] = -matrix[:3, :3] @ (np.array((66, 60, 31)) - 1) / 2 + (0.4, -0.9, 0.2)
    scene = Grid(Geometry((31, 60, 66), matrix))
    rng = np.random.default_rng(1)
    share = np.zeros((6, 8, 9), np.float32)
    share[1:-1, 1:-1, 1:-1] = rng.uniform(0.2, 1, (4, 6, 7))
    uptake = rng.uniform(1, 9, share.shape).astype(np.float32)
    where = (slice(9, 15), slice(16, 24), slice(18, 27))
    out = np.zeros(scene.geometry.shape_kji, np.float32)
    lesion = SimpleNamespace(covered=SimpleNamespace(share=share, slices_kji=where), uptake=uptake)
    petct_uptake.add_lesions(grid, scene, out, [lesion])
    held = (share * uptake).sum() * grid.geometry.voxel_volume_mm3
    assert out.sum() * scene.geometry.voxel_volume_mm3 == pytest.approx(held, rel=1e-4)

    def centroid(values, geometry, start=(0, 0, 0)):
        k, j, i = np.nonzero(values)
        places = geometry.ras_from_ijk(np.stack([i, j, k], axis=1) + np.array(start))
        return (places * values[k, j, i][:, None]).sum(axis=0) / values.sum()

    np.testing.assert_allclose(
        centroid(out, scene.geometry), centroid(share * uptake, grid.geometry, (18, 16, 9)), atol=0.02
    )
