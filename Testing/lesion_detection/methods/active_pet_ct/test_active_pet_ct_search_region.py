"""Where lesions are looked for: the lungs' hull on any grid, without heart, liver and spleen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.imaging.lungs import LungMask, find_lungs
from LesionDetectionLib.imaging.lungs_hull import between_base_and_apex
from LesionDetectionLib.methods.active_pet_ct.coarse_ct import CoarseCt, on_grid
from LesionDetectionLib.methods.active_pet_ct.organs import thick_organs
from LesionDetectionLib.methods.active_pet_ct.search_region import SearchRegion, search_region
from LesionDetectionLib.methods.active_pet_ct.settings import ActivePetCtSettings
from scipy.spatial.transform import Rotation

from .conftest import Patient, grid

HEART, LIVER, SPLEEN = (-45, 35, 20), (80, 5, -10), (-95, -25, -25)
HILUM, PLEURAL, ABUTTING = (-25, 0, 100), (-128, 0, 70), (-75, 60, 95)


def at(mask, ras):
    i, j, k = np.round(mask.geometry.ijk_from_ras(ras)).astype(int)
    return bool(mask.voxels[k, j, i])


@pytest.fixture(scope="module")
def chest():
    """With a mass of 50 mm that touches the heart, and one of 80 mm in the right lung."""
    ct = Patient().with_lesion(ABUTTING, 50, 6.0).with_lesion((85, 10, 100), 80, 6.0).ct()
    return ct, find_lungs(ct)


@pytest.fixture(scope="module")
def region(chest):
    return search_region(*chest, ActivePetCtSettings())


def test_the_hull_holds_the_heart_and_the_organs_take_it_out(region):
    for place in (HEART, (-80, 32, 20)):
        assert at(region.hull, place)
        assert at(region.organs, place)
    for place in (LIVER, SPLEEN):
        assert at(region.organs, place)


@pytest.mark.parametrize("place", [HILUM, PLEURAL, (85, 10, 100), (45, 10, 100), (-90, 68, 100)])
def test_lesions_at_hila_mediastinum_wall_and_heart_stay(region, place):
    assert not at(region.organs, place)


def test_organs_are_tissue_with_their_margin_and_reach_into_the_abdomen(chest):
    ct, lungs = chest
    coarse, middle = CoarseCt.of(ct), between_base_and_apex(lungs, 0.05)
    bare = thick_organs(coarse, middle, 60.0, 0.0).voxels
    assert bare.any()
    assert (coarse.tissue[bare]).mean() > 0.97  # but for the noise of single voxels
    wide = thick_organs(coarse, middle, 60.0, 8.0).voxels
    assert (wide | ~bare).all()
    assert not thick_organs(coarse, middle, 0.0, 5.0).voxels.any()
    assert thick_organs(coarse, middle, 90.0, 0.0).voxels.sum() < bare.sum()


@pytest.mark.parametrize("lowest_mm", [30.0, -70.0])
def test_a_scan_that_ends_in_the_heart_still_leaves_it_out(chest, lowest_mm):
    ct, _ = chest
    first = int((lowest_mm - ct.ijk_to_ras[2, 3]) / 4)
    part = ct.crop((0, 0, first), (*ct.shape_kji[:0:-1], ct.shape_kji[0] - first))
    found = search_region(part, find_lungs(part), ActivePetCtSettings())
    assert at(found.organs, (-45, 35, 40))
    assert not at(found.organs, (85, 10, 100))


def test_a_heart_that_air_parts_from_the_abdomen_is_left_out_by_its_place():
    one = Patient()
    one.parts.append(((-20, 30, -42), (170, 150, 30), -850, 0.5))
    ct = one.ct()
    found = search_region(ct, find_lungs(ct), ActivePetCtSettings())
    assert at(found.organs, HEART)
    assert not at(found.organs, (-60, 30, -42))


@settings(max_examples=10)
@given(angles=st.tuples(*[st.integers(-180, 180)] * 3), seed=st.integers(0, 1000))
def test_a_mask_on_any_other_grid_is_that_of_the_nearest_voxel(angles, seed):
    random = np.random.default_rng(seed)
    mask = random.random((5, 6, 7)) > 0.5
    own = Geometry(mask.shape, np.diag([-3.0, -2.0, 4.0, 1.0]))
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * (2.0, 2.5, 3.0)
    matrix[:3, 3] = random.uniform(-12, 4, 3)
    other = Geometry((6, 6, 6), matrix)
    k, j, i = np.indices(other.shape_kji)
    ijk = own.ijk_from_ras(other.ras_from_ijk(np.stack([i, j, k], axis=-1)))
    nearest = np.floor(ijk + 0.5).astype(int)
    inside = ((nearest >= 0) & (nearest < (7, 6, 5))).all(axis=-1)
    clipped = np.clip(nearest, 0, (6, 5, 4))
    expected = inside & mask[clipped[..., 2], clipped[..., 1], clipped[..., 0]]
    clear = (np.abs(ijk + 0.5 - np.round(ijk + 0.5)) > 1e-6).all(axis=-1)  # half-way either will do
    np.testing.assert_array_equal(on_grid(mask, own, other)[clear], expected[clear])


def test_the_box_on_a_grid_holds_all_of_the_hull(region):
    for turn in (np.eye(3), Rotation.from_euler("xyz", (20, 30, -40), degrees=True).as_matrix()):
        matrix = np.eye(4)
        matrix[:3, :3] = turn * 7.0
        matrix[:3, 3] = -matrix[:3, :3] @ (40, 40, 40)
        whole = Geometry((80, 80, 80), matrix)
        box = region.box_on(whole, 0.0)
        outside = region.hull_on(whole)
        outside[box] = False
        assert not outside.any()
        assert region.seen_share(whole) == 1
    assert region.seen_share(Geometry((5, 5, 5), np.diag([4.0, 4.0, 4.0, 1.0]))) < 0.01
    with pytest.raises(InputError, match="lie outside the PET"):
        region.box_on(grid((4, 4, 4), (0, 0, 900), (20, 20, 920)), 0.0)


def test_lungs_of_one_slice_are_seen():
    """Whichever it is: a CT may have three slices, of which the middle one shows lung."""
    voxels = np.zeros((3, 9, 9), dtype=bool)
    voxels[1, 3:6, 3:6] = True
    mask = LungMask(voxels, Geometry(voxels.shape, np.diag([-2.5, -2.5, 5.0, 1.0])))
    assert SearchRegion(mask, mask).seen_share(mask.geometry) == 1
