"""The uptake that a person points at, in a PET or on one of its projections."""

from __future__ import annotations

from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import BQ_PER_ML, CT, PET, SUV_BW, Image
from LesionDetectionLib.imaging.geometry import AxialOrder, to_axial
from LesionDetectionLib.imaging.pet_focus import VIEWS, FocusSettings, focus_at, point_through
from scipy import ndimage

ORDERS = list(permutations(range(3)))
FOCI = (((0.0, 0.0, 0.0), 24.0, 8.0), ((45.0, 10.0, 20.0), 16.0, 5.0))
"""Centre (RAS mm), diameter, SUV above a background of 1."""


@cache
def a_pet(foci=FOCI, background=1.0, noise=0.0, spacing=(4.0, 4.0, 3.0), order=(0, 1, 2), flips=(False,) * 3, **facts):
    size = np.array((46, 40, 44))
    directions = np.diag([-1.0, -1.0, 1.0])[:, order] * np.where(flips, -1, 1)
    matrix = np.eye(4)
    matrix[:3, :3] = directions * np.array(spacing)[list(order)]
    size = size[list(order)]
    matrix[:3, 3] = -matrix[:3, :3] @ ((size - 1) / 2)
    k, j, i = np.indices(size[::-1], sparse=True)
    suv = np.full(size[::-1], background)
    for center, diameter, above in foci:
        off = [row[0] * i + row[1] * j + row[2] * k + row[3] - c for row, c in zip(matrix[:3], center, strict=True)]
        suv += above * (sum(mm**2 for mm in off) < (diameter / 2) ** 2)
    suv = ndimage.gaussian_filter(suv, 2.5 / np.abs(matrix[:3, :3]).sum(axis=0)[::-1])
    suv *= 1 + noise * np.random.default_rng(0).standard_normal(suv.shape)
    return Image(suv.astype(np.float32), matrix, **{"modality": PET, "unit": SUV_BW, "name": "PET", **facts})


@pytest.fixture(scope="module")
def pet():
    return a_pet()


def peak_of(image, lesion):
    inside = np.where(lesion.mask.voxels, image.voxels[lesion.mask.slices_kji], -np.inf)
    kji = np.array(np.unravel_index(inside.argmax(), inside.shape))
    return image.geometry.ras_from_ijk(kji[::-1] + np.array(lesion.mask.start_ijk))


@pytest.mark.parametrize(("center", "diameter", "above"), FOCI)
def test_a_point_on_a_focus_gives_all_of_it_and_nothing_else(pet, center, diameter, above):
    lesion = focus_at(pet, np.add(center, (3, -2, 3)))
    values = pet.voxels[lesion.mask.slices_kji][lesion.mask.voxels]
    assert values.min() >= 0.4 * values.max()
    assert np.linalg.norm(np.array(lesion.center_ras_mm) - center) < 2
    # Blurred, at 40 % of the maximum with a background of 1: a little larger than it is.
    assert diameter < lesion.measurements["equivalent_diameter_mm"] < diameter + 6
    assert lesion.measurements["max_suvbw"] == pytest.approx(values.max())
    assert lesion.measurements["mtv_ml"] == pytest.approx(len(values) * 48 / 1000)
    assert lesion.score == 1
    assert lesion.method == "focus"


@settings(max_examples=15, deadline=None)
@given(
    order=st.sampled_from(ORDERS),
    flips=st.tuples(*[st.booleans()] * 3),
    where=st.tuples(*[st.floats(-4, 4)] * 3),
)
def test_however_the_image_lies_the_focus_is_the_same(order, flips, where):
    straight, turned = a_pet(), a_pet(order=order, flips=flips)
    expected, found = focus_at(straight, where), focus_at(turned, where)
    assert found.center_ras_mm == pytest.approx(expected.center_ras_mm, abs=1e-6)
    assert found.mask.count == expected.mask.count
    assert found.measurements == pytest.approx(expected.measurements, rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    order=st.sampled_from(ORDERS),
    flips=st.tuples(*[st.booleans()] * 3),
    view=st.sampled_from(VIEWS),
    seed=st.integers(0, 1000),
)
def test_the_point_behind_a_projection_is_the_hottest_of_its_ray(order, flips, view, seed):
    random = np.random.default_rng(seed)
    empty = a_pet((), order=order, flips=flips)
    pet = empty.with_voxels(random.random(empty.shape_kji).astype(np.float32))
    axial = to_axial(pet)
    along = {"coronal": 1, "sagittal": 2, "axial": 0}[view]
    kji = random.integers(0, axial.shape_kji)
    # Anywhere in the voxel, and along the ray anywhere at all.
    given_kji = kji + random.uniform(-0.49, 0.49, 3)
    given_kji[along] += 500
    found = axial.geometry.ijk_from_ras(point_through(pet, axial.geometry.ras_from_ijk(given_kji[::-1]), view))[::-1]
    expected = kji.astype(float)
    place = [int(n) for n in kji]
    place[along] = slice(None)
    expected[along] = np.argmax(axial.voxels[tuple(place)])
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_point_on_either_projection_moves_to_the_focus(pet):
    for center, diameter, _ in FOCI:
        r, a, s = center
        for view, point in (("coronal", (r, -70, s)), ("sagittal", (88, a, s)), ("axial", (r, a, -60))):
            lesion = focus_at(pet, point_through(pet, point, view))
            assert np.linalg.norm(np.array(lesion.center_ras_mm) - center) < 2, (view, diameter)


def test_a_point_beside_a_focus_takes_it_and_one_far_from_any_takes_nothing(pet):
    assert focus_at(pet, (14.0, 0, 0)).center_ras_mm == pytest.approx((0, 0, 0), abs=2)
    with pytest.raises(InputError, match="Nothing stands out"):
        focus_at(pet, (-60.0, 30, -40))
    with pytest.raises(InputError, match="Nothing stands out"):
        focus_at(a_pet(noise=0.1), (-60.0, 30, -40))
    with pytest.raises(InputError, match="Nothing stands out"):
        focus_at(a_pet((), background=0.0), (0, 0, 0))


def test_two_that_touch_are_two_where_there_is_a_dip_between_them():
    pet = a_pet((((-14.0, 0, 0), 20.0, 6.0), ((14.0, 0, 0), 20.0, 9.0)))
    for side in (-14.0, 14.0):
        lesion = focus_at(pet, (side, 0, 0))
        assert abs(lesion.center_ras_mm[0] - side) < 3
        low, high = lesion.box_ras_mm
        assert (high[0] if side < 0 else low[0]) == pytest.approx(0, abs=5)


def test_dips_of_noise_divide_nothing():
    plain, noisy = (focus_at(a_pet((((0.0, 0, 0), 50.0, 8.0),), noise=noise), (10.0, 10, 0)) for noise in (0.0, 0.04))
    assert noisy.mask.count == pytest.approx(plain.mask.count, rel=0.15)


def test_a_tumour_that_is_dead_in_the_middle_is_found_from_there():
    shell = a_pet((((0.0, 0, 0), 60.0, 8.0), ((0.0, 0, 0), 36.0, -8.0)))
    lesion = focus_at(shell, (0.0, 0, 0))
    assert lesion.center_ras_mm == pytest.approx((0, 0, 0), abs=3)
    assert "lies beside it" in lesion.note
    assert "beside" not in focus_at(shell, (24.0, 0, 0)).note


def test_in_warm_surroundings_the_outline_is_raised_and_said_so():
    lesion = focus_at(a_pet((((0.0, 0, 0), 24.0, 3.0),), background=3.0), (0.0, 0, 0))
    assert lesion.measurements["equivalent_diameter_mm"] == pytest.approx(24, abs=5)
    assert "flows into what surrounds it" in lesion.note


def test_what_has_no_end_is_cut_off_and_said_so():
    row = a_pet(tuple(((0.0, 0, s), 24.0, 8.0) for s in range(-48, 49, 8)))
    cut = focus_at(row, (0, 0, 0), FocusSettings(reach_mm=35.0))
    assert "cut off" in cut.note
    (_, _, foot), (_, _, head) = cut.box_ras_mm
    assert head - foot == pytest.approx(70, abs=5)
    # Beyond the first look the rest is looked at, too.
    for large in (row, a_pet((((0.0, 0, 0), 100.0, 9.0),))):
        whole = focus_at(large, (0, 0, 0))
        assert whole.note == ""
        (_, _, foot), (_, _, head) = whole.box_ras_mm
        assert head - foot == pytest.approx(104, abs=8)


def test_a_single_slice_and_a_tumour_at_the_edge():
    pet = a_pet()
    k = pet.shape_kji[0] // 2
    thin = pet.crop((0, 0, k), (*pet.shape_kji[:0:-1], 1))
    assert "one slice" in focus_at(thin, thin.geometry.ras_from_ijk((22.5, 19.5, 0))).note
    half = pet.crop((0, 0, k), (*pet.shape_kji[:0:-1], pet.shape_kji[0] - k))
    assert "edge of the image" in focus_at(half, (0, 0, 3)).note


@pytest.mark.parametrize(
    ("facts", "point", "error", "text"),
    [
        ({"modality": CT, "unit": "HU"}, (0, 0, 0), ModalityError, "no PET"),
        ({"unit": BQ_PER_ML}, (0, 0, 0), ModalityError, "SUV"),
        ({"unit": "", "notes": ("Not converted to SUV: They are counts.",)}, (0, 0, 0), ModalityError, "are counts"),
        ({}, (500, 0, 0), UsageError, "does not lie"),
        ({}, (np.nan, 0, 0), UsageError, "three numbers"),
        ({}, (0, 0), UsageError, "three numbers"),
    ],
)
def test_what_cannot_be_is_said(facts, point, error, text):
    with pytest.raises(error, match=text):
        focus_at(a_pet(**facts), point)


def test_counts_are_not_taken_for_suv(pet):
    counts = pet.with_voxels(pet.voxels * 1000.0, unit="")
    center = FOCI[0][0]
    with pytest.raises(ModalityError, match="which cannot be SUV"):
        focus_at(counts, center)
    assert focus_at(pet.with_voxels(pet.voxels, unit=""), center).measurements["max_suvbw"] > 1


def test_voxels_that_are_no_numbers(pet):
    voxels = np.array(pet.voxels)
    order = AxialOrder.of(pet.geometry)
    assert order.is_identity
    voxels[:, 20, 22] = np.nan
    broken = pet.with_voxels(voxels)
    hole = broken.geometry.ras_from_ijk((22, 20, 22))
    with pytest.raises(InputError, match="no numbers"):
        focus_at(broken, hole)
    with pytest.raises(InputError, match="no numbers along"):
        point_through(broken, hole, "axial")
    assert np.isfinite(point_through(broken, hole, "coronal")).all()
    with pytest.raises(UsageError, match="no projection"):
        point_through(pet, (0, 0, 0), "oblique")


def test_settings_that_make_no_sense():
    for wrong in (
        {"share": 0.0},
        {"reach_mm": 0.0, "snap_mm": 0.0},
        {"snap_mm": 90.0},
        {"most_around": 1.5},
        {"above_around": 0.5},
    ):
        with pytest.raises(UsageError):
            FocusSettings(**wrong)
