"""From maps to tumours: several, ghosts, neighbours, none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.pet_weak import components
from LesionDetectionLib.methods.pet_weak.back_projection import back_project
from LesionDetectionLib.methods.pet_weak.components import find_components
from LesionDetectionLib.methods.pet_weak.projections import network_views, project
from LesionDetectionLib.methods.pet_weak.settings import PetWeakSettings
from scipy import ndimage

BODY = ((0.0, 0.0, 0.0), (300.0, 200.0, 760.0), 1.0)
LEFT, RIGHT = ((-70.0, 40.0, 100.0), (32.0, 32.0, 32.0), 9.0), ((70.0, -40.0, 100.0), (32.0, 32.0, 32.0), 7.0)


def ball(center, diameter, suv):
    return (center, (diameter,) * 3, suv)


def found(pet, marked, settings=None, width_mm=25.0, progress=None):
    """What is found where maps point at places, RAS mm, each with its height."""
    settings = settings or PetWeakSettings(canvas_px=(64, 64))
    axial = to_axial(pet)
    projections = project(axial)
    views = network_views(projections, settings)
    h, w = views.inputs.shape[2:]
    rows, columns = np.mgrid[: h // 4, : w // 4] * 4 + 1.5
    maps = np.zeros((2, h // 4, w // 4), np.float32)
    for *point, height in marked:
        for own, (row, column) in zip(maps, views.pixel_of(point), strict=True):
            mm2 = ((rows - row) ** 2 + (columns - column) ** 2) * settings.pixel_mm**2
            np.maximum(own, height * np.exp2(-mm2 / width_mm**2), out=own)
    return axial, find_components(
        axial, projections, back_project(maps, views.placing), settings, progress or Progress()
    )


def centers(axial, result):
    return [axial.geometry.ras_from_ijk(one.peak_kji[::-1]) for one in result.components]


def test_a_tumour_is_what_has_a_share_of_its_peak_and_hangs_together(paint):
    axial, result = found(paint((BODY, RIGHT)), [(70.0, -40.0, 100.0, 1.0)])
    (one,) = result.components
    assert centers(axial, result)[0] == pytest.approx(RIGHT[0], abs=7)
    assert one.suvmax == axial.voxels[one.peak_kji] == axial.voxels.max()
    labels, _ = ndimage.label(axial.voxels >= 0.4 * one.suvmax, np.ones((3, 3, 3)))
    whole = np.zeros(axial.shape_kji, bool)
    k, j, i = one.start_kji
    nk, nj, ni = one.voxels.shape
    whole[k : k + nk, j : j + nj, i : i + ni] = one.voxels
    assert np.array_equal(whole, labels == labels[one.peak_kji])
    assert one.voxels.any(axis=(1, 2)).all()
    assert one.voxels.any(axis=(0, 1)).all()
    assert not one.goes_on


def test_each_of_several_tumours_is_told_and_no_crossing_of_their_shadows(paint):
    pet = paint((BODY, LEFT, RIGHT))
    marked = [(*LEFT[0], 1.0), (*RIGHT[0], 0.8)]
    axial, result = found(pet, marked)
    assert np.allclose(centers(axial, result), [LEFT[0], RIGHT[0]], atol=7)
    # Warm uptake at the crossings: hidden behind the tumours in both views, or, where hotter than one of them, told.
    ghosts = [ball((-70.0, -40.0, 100.0), 30.0, 3.0), ball((70.0, 40.0, 100.0), 30.0, 3.0)]
    axial, result = found(paint((BODY, LEFT, RIGHT, *ghosts)), marked)
    assert np.allclose(centers(axial, result), [LEFT[0], RIGHT[0]], atol=7)
    assert result.unexplained == 2
    hotter = [ball((-70.0, -40.0, 100.0), 30.0, 8.0)]
    assert len(found(paint((BODY, LEFT, RIGHT, *hotter)), marked)[1].components) == 3


def test_the_agreement_is_the_lower_map_at_the_peak_times_that_in_height(paint):
    (one,) = found(paint((BODY, RIGHT)), [(70.0, -40.0, 100.0, 0.9)])[1].components
    assert one.coronal == pytest.approx(0.9, abs=0.06)
    assert one.sagittal == pytest.approx(0.9, abs=0.06)
    assert one.in_height > 0.95
    assert one.agreement == min(one.coronal, one.sagittal) * one.in_height
    (beside,) = found(paint((BODY, RIGHT)), [(70.0, -40.0, 115.0, 0.9)])[1].components
    assert beside.agreement < one.agreement - 0.1


def test_two_peaks_are_two_tumours_where_there_is_a_valley(paint):
    far = (BODY, ball((50.0, 0, 100), 30.0, 8.0), ball((94.0, 0, 100), 30.0, 6.0))
    close = (BODY, ball((60.0, 0, 100), 30.0, 8.0), ball((84.0, 0, 100), 30.0, 8.0))
    marked = [(72.0, 0.0, 100.0, 1.0)]
    for parts, count in ((far, 2), (close, 1)):
        axial, result = found(paint(parts), marked, width_mm=45.0)
        assert len(result.components) == count
        taken = np.zeros(axial.shape_kji, int)
        for one in result.components:
            k, j, i = one.start_kji
            nk, nj, ni = one.voxels.shape
            taken[k : k + nk, j : j + nj, i : i + ni] += one.voxels
        assert taken.max() == 1


def test_a_hotter_organ_beside_the_place_takes_no_tumour_over(paint):
    """Its peak lies out of the map; without that they would be one, as the pass between them is high."""
    organ = ((0.0, 0.0, 100.0), (70.0, 70.0, 70.0), 9.0)
    tumour = ball((47.0, 0.0, 100.0), 24.0, 6.0)
    axial, result = found(paint((BODY, organ, tumour)), [(52.0, 0.0, 100.0, 1.0)], width_mm=12.0)
    (one,) = result.components
    assert centers(axial, result)[0][0] > 30
    assert one.suvmax < 8


def test_where_no_peak_counts_the_one_that_is_led_up_to_does_if_it_is_near(paint):
    pet = paint((BODY, ball((60.0, 0.0, 100.0), 40.0, 8.0)))
    axial, result = found(pet, [(60.0, 0.0, 122.0, 1.0)], width_mm=14.0)
    assert centers(axial, result)[0] == pytest.approx((60, 0, 100), abs=7)
    assert result.components[0].agreement < 0.5
    assert not found(pet, [(60.0, 0.0, 150.0, 1.0)], width_mm=14.0)[1].components


def test_a_tumour_larger_than_the_reach_is_cut_off_and_says_so(paint):
    pet = paint((BODY, ((60.0, 0.0, 100.0), (60.0, 60.0, 240.0), 8.0)))
    (one,) = found(pet, [(60.0, 0.0, 100.0, 1.0)])[1].components
    assert one.goes_on
    assert one.voxels.shape[0] * 5 == pytest.approx(2 * (25 + 32), abs=10)
    (whole,) = found(pet, [(60.0, 0.0, 100.0, 1.0)], PetWeakSettings(canvas_px=(64, 64), reach_mm=120.0))[1].components
    assert not whole.goes_on


@pytest.mark.parametrize(
    ("parts", "marked"),
    [
        ((BODY, RIGHT), []),
        ((BODY,), [(70.0, -40.0, 100.0, 1.0)]),
        ((BODY, RIGHT), [(-70.0, 40.0, -100.0, 1.0)]),
        ((BODY, RIGHT), [(70.0, -40.0, 100.0, 0.4)]),
    ],
    ids=["no map", "no uptake", "elsewhere", "a low map"],
)
def test_nothing_is_found_where_nothing_is(paint, parts, marked):
    assert found(paint(parts), marked)[1].components == ()


def test_where_too_much_counts_only_peaks_whose_end_is_known_are_told(paint, monkeypatch):
    pet, marked = paint((BODY, LEFT, RIGHT)), [(0.0, 0.0, 100.0, 1.0)]
    _, every = found(pet, marked, width_mm=300.0)
    monkeypatch.setattr(components, "MOST_VOXELS", 195)
    axial, hottest = found(pet, marked, width_mm=300.0)
    assert (len(every.components), every.least_suv) == (2, 0)
    (one,) = hottest.components
    assert centers(axial, hottest)[0] == pytest.approx(LEFT[0], abs=7)
    assert one.voxels.sum() in {other.voxels.sum() for other in every.components}
    assert 7 < hottest.least_suv <= one.suvmax


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_is_not_looked_at_plays_no_part(paint, seed):
    """In noise, with tumours anywhere: the same without the short cut."""
    random = np.random.default_rng(seed)
    places = random.uniform((-100, -50, 0), (100, 50, 200), (5, 3))
    parts = (BODY, *(ball(tuple(place), random.uniform(20, 50), random.uniform(2, 9)) for place in places))
    pet = paint(parts)
    pet = pet.with_voxels((pet.voxels * random.normal(1, 0.15, pet.shape_kji)).astype(np.float32))
    marked = [(*place, 1.0) for place in places[:3]]
    _, quick = found(pet, marked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "_lowest_peak", lambda *_: PetWeakSettings().least_suvmax)
        _, plain = found(pet, marked)
    assert [one.peak_kji for one in quick.components] == [one.peak_kji for one in plain.components]
    for one, other in zip(quick.components, plain.components, strict=True):
        assert np.array_equal(one.voxels, other.voxels)
        assert one.agreement == other.agreement


def test_it_can_be_cancelled(paint):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        found(paint((BODY, RIGHT)), [(70.0, -40.0, 100.0, 1.0)], progress=progress)
