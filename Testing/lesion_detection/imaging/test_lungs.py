"""Lungs are found where they are, and nothing else is taken for them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.imaging.lungs import LungMask, LungSettings, find_lungs, search_region

SPACING = np.array([1.0, 1.0, 2.5])
SIZE_IJK = np.array([200, 160, 36])


class Phantom:
    """Ellipsoids and boxes of Hounsfield units, painted over one another; millimetres from the middle."""

    def __init__(self):
        self.matrix = np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0])
        self.matrix[:3, 3] = -np.diag(self.matrix)[:3] * (SIZE_IJK - 1) / 2
        k, j, i = np.indices(SIZE_IJK[::-1])
        self.ras = np.stack([i, j, k], axis=-1) @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        self.hu = np.full(SIZE_IJK[::-1], -1000.0)

    def ellipsoid(self, center, diameters, hu):
        self.hu[((2 * (self.ras - center) / diameters) ** 2).sum(axis=-1) < 1] = hu
        return self

    def box(self, center, sides, hu):
        self.hu[(np.abs(2 * (self.ras - center)) < sides).all(axis=-1)] = hu
        return self

    def chest(self):
        self.ellipsoid((0, 0, 0), (170, 130, 1e4), 0)
        return self.ellipsoid((35, 0, 0), (60, 90, 80), -850).ellipsoid((-35, 0, 0), (60, 90, 80), -850)

    def image(self, seed=0):
        noisy = self.hu + np.random.default_rng(seed).normal(0, 60, self.hu.shape)
        return Image(np.clip(np.round(noisy), -1024, 3071).astype(np.int16), self.matrix, CT, HU, "phantom")


def at(mask, *ras):
    k, j, i = np.round(mask.geometry.ijk_from_ras(ras)).astype(int)[::-1]
    inside = np.all((np.array((k, j, i)) >= 0) & (np.array((k, j, i)) < mask.voxels.shape))
    return bool(inside and mask.voxels[k, j, i])


ELLIPSOID_ML = np.pi / 6 * 60 * 90 * 80 / 1000


def test_volume_and_place():
    lungs = find_lungs(Phantom().chest().image())
    assert lungs.volume_ml == pytest.approx(2 * ELLIPSOID_ML, rel=0.08)
    assert at(lungs, 35, 0, 0)
    assert at(lungs, -35, 0, 0)
    assert not at(lungs, 0, 0, 0)


@pytest.mark.parametrize("hu", [-940, -900, -850, -750, -650])
def test_of_every_density(hu):
    phantom = Phantom().chest()
    phantom.hu[phantom.hu == -850] = hu
    assert find_lungs(phantom.image()).volume_ml == pytest.approx(2 * ELLIPSOID_ML, rel=0.1)


def test_table_airway_and_bowel_are_no_lungs():
    phantom = Phantom().chest()
    phantom.box((0, -75, 0), (150, 6, 1e4), -300)  # table top, air below it
    phantom.ellipsoid((0, -52, 0), (16, 16, 1e4), -1000)  # trachea
    phantom.ellipsoid((0, 54, -20), (50, 16, 40), -1000)  # stomach
    lungs = find_lungs(phantom.image())
    assert lungs.volume_ml == pytest.approx(2 * ELLIPSOID_ML, rel=0.1)
    assert not at(lungs, 0, -52, 0)
    assert not at(lungs, 0, 54, -20)


def test_a_tight_field_of_view_that_cuts_the_lungs():
    image = Phantom().chest().image()
    crop = image.crop((30, 40, 8), (70, 80, 20))
    lungs = find_lungs(crop)
    truth = (crop.voxels < -400).sum() * crop.geometry.voxel_volume_mm3 / 1000
    assert lungs.volume_ml == pytest.approx(truth, rel=0.1)


@pytest.mark.parametrize(("padding", "radius_mm"), [(-2000, 60.0), (-3024, 45.0), (-32768, 60.0)])
def test_a_round_field_of_view_that_cuts_the_lungs(padding, radius_mm):
    """What scanners write in its corners is no lung, and no gas that the lung is a part of."""
    phantom = Phantom().chest()
    image, beyond = phantom.image(), np.hypot(phantom.ras[..., 0], phantom.ras[..., 1]) > radius_mm
    lungs = find_lungs(image.with_voxels(np.where(beyond, np.int16(padding), image.voxels)))
    truth = ((phantom.hu == -850) & ~beyond).sum() * image.geometry.voxel_volume_mm3 / 1000
    assert lungs.volume_ml == pytest.approx(truth, rel=0.1)
    assert not at(lungs, 90, 70, 0)


def test_air_around_a_body_in_a_round_field_of_view_is_no_lung():
    """Padding all around it, it touches no edge of the image; artefacts lift it to the values of lung."""
    phantom = Phantom().chest()
    phantom.hu[phantom.hu == -1000] = -880
    image, beyond = phantom.image(), np.hypot(phantom.ras[..., 0], phantom.ras[..., 1]) > 95
    padded = image.with_voxels(np.where(beyond, np.int16(-3024), image.voxels))
    lungs = find_lungs(padded.crop((2, 0, 0), (196, 160, 36)), LungSettings(whole_mm=150.0))
    assert lungs.volume_ml == pytest.approx(2 * ELLIPSOID_ML, rel=0.1)


@pytest.mark.parametrize(("whole_mm", "found"), [(150.0, True), (400.0, False)])
def test_air_outside_that_artefacts_lift_to_the_values_of_lung(whole_mm, found):
    """In a field of view that holds the whole chest it is outside all the same."""
    phantom = Phantom().chest()
    phantom.hu[phantom.hu == -1000] = -880
    lungs = find_lungs(phantom.image(), LungSettings(whole_mm=whole_mm))
    assert (lungs.volume_ml == pytest.approx(2 * ELLIPSOID_ML, rel=0.1)) is found


def test_the_search_region_takes_in_a_pleural_nodule():
    phantom = Phantom().chest().ellipsoid((62, 0, 0), (20, 20, 20), 40)
    lungs = find_lungs(phantom.image())
    assert not at(lungs, 58, 0, 0)
    assert at(search_region(lungs, closing_mm=12, margin_mm=5), 62, 0, 0)
    assert at(search_region(lungs, closing_mm=12, margin_mm=0), 56, 0, 0)
    assert not at(search_region(lungs, closing_mm=1, margin_mm=0), 57, 0, 0)


def test_the_search_region_grows_by_the_margin_and_stays_in_the_scan():
    image = Phantom().chest().image()
    lungs = find_lungs(image)
    for margin in (0, 5, 10):
        region = search_region(lungs, closing_mm=12, margin_mm=margin)
        edge = max(x for x in np.arange(55, 85, 0.5) if at(region, x, 0, 0))
        assert edge == pytest.approx(65 + margin, abs=2.5)
        size = np.array(region.geometry.shape_kji[::-1])
        for corner in ([0, 0, 0], size - 1):
            assert image.geometry.contains_ras(region.geometry.ras_from_ijk(corner))


@pytest.mark.parametrize(
    ("hu", "text"),
    [(0, "No lungs were found in “phantom”"), (-1000, "No lungs were found")],
)
def test_no_lungs(hu, text):
    with pytest.raises(InputError, match=text):
        find_lungs(Phantom().ellipsoid((0, 0, 0), (170, 130, 1e4), 0).ellipsoid((20, 0, 0), (60, 60, 60), hu).image())


def test_axes_in_any_order():
    image = Phantom().chest().ellipsoid((35, 20, 10), (30, 30, 30), 40).image()
    straight = find_lungs(image)
    matrix = np.array(image.ijk_to_ras)[:, [2, 1, 0, 3]]
    turned = find_lungs(dataclasses.replace(image, voxels=image.voxels.transpose(2, 1, 0), ijk_to_ras=matrix))
    np.testing.assert_array_equal(turned.voxels, straight.voxels)
    np.testing.assert_allclose(turned.geometry.ijk_to_ras, straight.geometry.ijk_to_ras)


def test_the_input_is_not_changed():
    image = Phantom().chest().image()
    before = image.voxels.copy()
    search_region(find_lungs(image), 12, 5)
    np.testing.assert_array_equal(image.voxels, before)


def test_on_another_grid():
    mask = LungMask(np.zeros((4, 4, 4), dtype=bool), Geometry((4, 4, 4), np.diag([2.0, 2.0, 2.0, 1.0])))
    mask.voxels[1, 2, 3] = True  # centre at 6, 4, 2 mm
    fine = np.diag([1.0, 1.0, 1.0, 1.0])
    fine[:3, 3] = (2.6, 2.6, -0.4)
    taken = mask.on_grid(Geometry((9, 9, 9), fine))
    ras = np.argwhere(taken)[:, ::-1] + fine[:3, 3]
    assert len(ras) == 8
    assert np.all(np.abs(ras - (6, 4, 2)) <= 1)
    away = fine.copy()
    away[0, 3] = 100
    assert not mask.on_grid(Geometry((3, 3, 3), away)).any()


def test_a_real_chest(real_data):
    """The lungs of a patient, in whom one upper lobe has collapsed; the nodule is in the region to search."""
    sitk = pytest.importorskip("SimpleITK")
    scan = sitk.ReadImage(str(real_data("lidc-0314/ct.nrrd")))
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(scan.GetSpacing())
    matrix[:3, 3] = scan.GetOrigin()
    image = Image(sitk.GetArrayViewFromImage(scan), np.diag([-1, -1, 1, 1]) @ matrix, CT, HU)
    lungs = find_lungs(image)
    assert 2300 < lungs.volume_ml < 3300
    region = search_region(lungs, 12, 5)
    assert at(region, 57.44, -131.23, -520.36)
    assert region.volume_ml < 1.5 * lungs.volume_ml
    # The trachea in the neck is left out.
    top = image.geometry.ras_from_ijk([0, 0, 270])[2]
    assert region.geometry.ras_from_ijk([0, 0, region.voxels.shape[0] - 1])[2] < top
