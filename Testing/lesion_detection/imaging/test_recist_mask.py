"""Masks from two diameters, in one slice: where they begin, what GrabCut makes of it, what is chosen and why."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.imaging import recist_start
from LesionDetectionLib.imaging.recist_choice import Look, doubt_after, doubt_before
from LesionDetectionLib.imaging.recist_grabcut import GrabCutSettings, grabcut
from LesionDetectionLib.imaging.recist_mask import BEST, DILATED, ELLIPSE, GRABCUT, WAYS, Diameters, recist_slice_mask

SHAPE = (60, 70)
ALL = slice(0, SHAPE[0]), slice(0, SHAPE[1])
SQUARE_PIXELS = (0.8, 0.8)


def cross(center=(35.3, 28.6), long_px=24.0, short_px=16.0, degrees=30.0):
    """Diameters that cross in the middle of both, at right angles."""
    u = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
    v = np.array([-u[1], u[0]])
    ends = [np.add(center, s * d * n / 2) for d, n in ((u, long_px), (v, short_px)) for s in (-1, 1)]
    a, b, c, d = (tuple(map(float, end)) for end in ends)
    return Diameters((a, b), (c, d))


def disc_plane(inside, around, noise=10.0, diameters=None, seed=0):
    """A slice with an elliptic lesion, and its true mask."""
    truth = recist_start.ellipse(diameters or cross(), *ALL)
    plane = np.where(truth, inside, around) + np.random.default_rng(seed).normal(0, noise, SHAPE)
    return plane, truth


def whole(found):
    full = np.zeros(SHAPE, dtype=bool)
    x, y = found.start_xy
    height, width = found.voxels.shape
    full[y : y + height, x : x + width] = found.voxels
    return full


def overlap(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


coordinate = st.floats(8, 50)
point = st.tuples(coordinate, coordinate)


@given(points=st.tuples(point, point, point, point))
@settings(max_examples=30)
def test_the_quadrilateral_holds_the_pixels_that_a_plain_crossing_number_finds(points):
    a, b, c, d = points
    diameters = Diameters((a, b), (c, d))
    found = recist_start.quadrilateral(diameters, *ALL)
    middle = np.mean(points, axis=0)
    corners = sorted(points, key=lambda p: math.atan2(p[1] - middle[1], p[0] - middle[0]))
    for y in range(7, 52, 3):
        for x in range(7, 52, 3):
            crossings, near = 0, False
            for (px, py), (qx, qy) in zip(corners, [*corners[1:], corners[0]], strict=True):
                near |= abs((qx - px) * (y - py) - (qy - py) * (x - px)) < 1e-3
                if (py > y) != (qy > y):
                    crossings += x < px + (y - py) * (qx - px) / (qy - py)
            if not near:  # on the border both answers are right
                assert found[y, x] == (crossings % 2 == 1)


def test_the_quadrilateral_does_not_cross_itself_whatever_the_order_of_the_ends():
    found = recist_start.quadrilateral(Diameters(((10, 20), (30, 20)), ((20, 10), (20, 30))), *ALL)
    assert np.count_nonzero(found) == 221  # |x - 20| + |y - 20| <= 10, its border included
    assert found[20, 10]
    assert found[10, 20]
    assert not found[12, 12]


@given(degrees=st.floats(0, 180), long_px=st.floats(10, 40), ratio=st.floats(0.3, 1))
@settings(max_examples=30)
def test_the_ellipse_has_the_diameters_for_axes(degrees, long_px, ratio):
    diameters = cross(long_px=long_px, short_px=ratio * long_px, degrees=degrees)
    found = recist_start.ellipse(diameters, *ALL)
    assert np.count_nonzero(found) == pytest.approx(math.pi / 4 * long_px**2 * ratio, abs=2 * long_px**0.67)
    rows, columns = np.nonzero(found)
    off = np.column_stack([columns, rows]) - diameters.ends.mean(axis=0)
    assert np.linalg.norm(off, axis=1).max() <= long_px / 2 + 1e-6
    assert not (recist_start.quadrilateral(diameters, *ALL) & ~found).any()
    smaller = recist_start.ellipse(diameters, *ALL, scale=0.5)
    assert not (smaller & ~found).any()
    assert smaller.sum() < 0.5 * found.sum()


def test_dilated_diameters_are_what_lies_near_a_line():
    diameters = cross(short_px=20.0)
    found = recist_start.dilated(diameters, *ALL)
    reach = 2.0  # a tenth of the short diameter
    for y in range(5, 55, 2):
        for x in range(5, 65, 2):
            away = []
            for p, q in (diameters.long_xy, diameters.short_xy):
                steps = np.linspace(p, q, 2000)
                away.append(np.hypot(*(steps - (x, y)).T).min())
            if abs(min(away) - reach) > 0.02:
                assert found[y, x] == (min(away) < reach)


def test_a_box_reaches_five_pixels_beyond_the_ends_and_holds_their_pixels():
    assert recist_start.extent_box(Diameters(((10, 20), (30, 20)), ((20, 12), (20, 27)))) == (5, 7, 36, 33)
    rows, columns = recist_start.pixels_of((5.2, -4, 36, 33), SHAPE)
    assert (rows, columns) == (slice(0, 33), slice(5, 36))


@pytest.mark.parametrize("way", [BEST, GRABCUT])
@pytest.mark.parametrize(("inside", "around"), [(40, -850), (100, 30), (30, 110)])
def test_grabcut_finds_a_lesion_that_stands_out(way, inside, around):
    plane, truth = disc_plane(inside, around)
    found = recist_slice_mask(plane, cross(), SQUARE_PIXELS, way)
    assert found.way == GRABCUT
    assert overlap(whole(found), truth) > 0.93


def test_grabcut_mends_diameters_that_are_too_short_but_keeps_to_the_box():
    plane, truth = disc_plane(60, -100)
    drawn = cross(long_px=20.0, short_px=13.0)
    assert overlap(recist_start.ellipse(drawn, *ALL), truth) < 0.72
    assert overlap(whole(recist_slice_mask(plane, drawn, SQUARE_PIXELS)), truth) > 0.93
    box = (26.0, 20.0, 45.0, 37.0)
    rows, columns = np.nonzero(whole(recist_slice_mask(plane, drawn, SQUARE_PIXELS, GRABCUT, box)))
    outside = (columns < 26) | (columns >= 45) | (rows < 20) | (rows >= 37)
    beyond_diameters = ~recist_start.quadrilateral(drawn, *ALL)[rows, columns]
    assert not (outside & beyond_diameters).any()


def test_the_dilated_diameters_begin_another_cut():
    plane, truth = disc_plane(60, -100)
    found = recist_slice_mask(plane, cross(), SQUARE_PIXELS, DILATED)
    assert found.way == DILATED
    assert "dilated" in found.reason
    assert overlap(whole(found), truth) > 0.9


def test_without_contrast_the_ellipse_is_used_and_the_reason_has_the_figures():
    plane, truth = disc_plane(62, 50, noise=15.0)
    found = recist_slice_mask(plane, cross(), SQUARE_PIXELS)
    assert found.way == ELLIPSE
    assert np.array_equal(whole(found), truth)
    assert found.reason.startswith("The ellipse is used: the lesion stands out from its surroundings by only 1")
    assert "HU at a noise of 1" in found.reason


def test_a_tiny_lesion_is_an_ellipse_and_never_empty():
    plane, _ = disc_plane(60, -800)
    found = recist_slice_mask(plane, cross(long_px=4.0, short_px=3.0), SQUARE_PIXELS)
    assert found.way == ELLIPSE
    assert "only 3.5 pixels" in found.reason
    for way in WAYS:
        tiny = recist_slice_mask(plane, cross(center=(35.5, 28.5), long_px=0.6, short_px=0.3), SQUARE_PIXELS, way)
        assert tiny.voxels.any()


def test_a_cut_that_ran_out_or_gave_up_is_told():
    plain = np.zeros((20, 20), dtype=bool)
    plain[5:15, 5:15] = True
    assert doubt_after(plain, plain) == ""
    assert "ran out" in doubt_after(np.ones((20, 20), dtype=bool), plain)
    assert "left out" in doubt_after(plain & (np.arange(20) < 9), plain)


@given(contrast=st.floats(0, 500), noise=st.floats(0.1, 100))
def test_a_doubt_is_one_of_contrast_over_noise(contrast, noise):
    seen = Look(50.0 + contrast, 50.0, noise)
    # What is as large as the thresholds' rounding is not asked for.
    ratio = seen.contrast / noise
    if abs(ratio - 2.5) > 1e-6:
        assert bool(doubt_before(seen, cross(), " HU")) == (ratio < 2.5)


def test_the_mask_is_the_same_each_time_and_wherever_it_lies():
    plane, _ = disc_plane(60, -100, noise=30.0)
    first = recist_slice_mask(plane, cross(), SQUARE_PIXELS)
    cv2.setRNGSeed(99)
    again = recist_slice_mask(plane, cross(), SQUARE_PIXELS)
    assert np.array_equal(first.voxels, again.voxels)
    assert first.start_xy == again.start_xy
    wide = np.pad(plane, ((40, 40), (30, 30)), mode="edge")
    moved = recist_slice_mask(wide, cross(center=(65.3, 68.6)), SQUARE_PIXELS)
    assert np.array_equal(first.voxels, moved.voxels)
    assert moved.start_xy == (first.start_xy[0] + 30, first.start_xy[1] + 40)


def test_a_lesion_at_the_edge_of_the_slice_has_a_mask():
    plane, _ = disc_plane(60, -100, diameters=cross(center=(6.0, 5.0), long_px=11, short_px=9))
    found = recist_slice_mask(plane, cross(center=(6.0, 5.0), long_px=11, short_px=9), SQUARE_PIXELS)
    assert 60 < np.count_nonzero(found.voxels) < 100


def test_nothing_to_decide_leaves_what_is_sure():
    sure = np.zeros((12, 12), dtype=bool)
    sure[4:8, 4:8] = True
    values = np.random.default_rng(0).normal(size=(12, 12))
    assert np.array_equal(grabcut(values, sure, sure), sure)
    assert np.array_equal(grabcut(values, sure, np.ones((12, 12), dtype=bool)), sure)


def test_a_large_lesion_is_cut_at_half_resolution_to_almost_the_same_mask():
    plane, _ = disc_plane(60, -100, noise=20.0, diameters=cross(long_px=40, short_px=30))
    sure = recist_start.quadrilateral(cross(long_px=40, short_px=30), *ALL)
    possible = np.zeros(SHAPE, dtype=bool)
    possible[5:55, 5:65] = True
    full = grabcut(plane, sure, possible, GrabCutSettings(most_px=100))
    half = grabcut(plane, sure, possible, GrabCutSettings(most_px=40))
    assert not (half & ~possible).any()
    assert overlap(full, half) > 0.93


@pytest.mark.parametrize(
    ("diameters", "way", "words"),
    [
        (cross(), "magic", "no way “magic”"),
        (Diameters(((10, 10), (10, 10)), ((5, 10), (15, 10))), BEST, "length 0"),
        (Diameters(((10, 10), (math.nan, 10)), ((5, 10), (15, 10))), BEST, "finite"),
        (cross(center=(69.0, 20.0)), ELLIPSE, "outside the image"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(diameters, way, words):
    with pytest.raises(UsageError, match=words):
        recist_slice_mask(np.zeros(SHAPE), diameters, SQUARE_PIXELS, way)


def test_values_that_are_not_numbers_are_refused():
    plane, _ = disc_plane(60, -100)
    plane[28, 35] = math.nan
    with pytest.raises(InputError, match="not numbers"):
        recist_slice_mask(plane, cross(), SQUARE_PIXELS)


def test_where_pixels_are_not_square_the_ellipse_is_one_in_mm():
    """A disc of 40 x 24 mm at 30 degrees, in pixels twice as high as wide."""
    mm, drawn = np.array([1.0, 2.0]), cross((40.0, 56.0), 40.0, 24.0)
    squeezed = Diameters(
        *(tuple(tuple(np.array(end) / mm) for end in line) for line in (drawn.long_xy, drawn.short_xy))
    )
    y, x = np.indices((56, 90)) * mm[::-1, None, None]
    u = np.array([math.cos(math.radians(30)), math.sin(math.radians(30))])
    along, across = (x - 40) * u[0] + (y - 56) * u[1], (y - 56) * u[0] - (x - 40) * u[1]
    truth = (along / 20) ** 2 + (across / 12) ** 2 <= 1
    found = recist_slice_mask(np.zeros((56, 90)), squeezed, (1.0, 2.0), ELLIPSE)
    i, j = found.start_xy
    mask = np.zeros(truth.shape, bool)
    mask[j : j + found.voxels.shape[0], i : i + found.voxels.shape[1]] = found.voxels
    np.testing.assert_array_equal(mask, truth)


def test_a_real_key_slice_is_cut_better_than_the_ellipse(real_data):
    folder: Path = real_data("deeplesion")
    (path,) = folder.glob("CT_Lesion_000001_02_01_*.npz")
    truth = np.load(path)["gts"][9].T > 0
    plane = cv2.imread(str(folder / "Images_png/000001_02_01/017.png"), cv2.IMREAD_UNCHANGED).astype(float) - 32768
    diameters = Diameters(((271.323, 319.763), (245.522, 262.371)), ((233.412, 304.494), (279.221, 287.118)))

    def reached(way):
        found = recist_slice_mask(plane, diameters, (0.314453, 0.314453), way)
        x, y = found.start_xy
        full = np.zeros(truth.shape, dtype=bool)
        full[y : y + found.voxels.shape[0], x : x + found.voxels.shape[1]] = found.voxels
        return overlap(full, truth)

    assert reached(ELLIPSE) == pytest.approx(0.91, abs=0.01)
    assert reached(BEST) == reached(GRABCUT) > 0.93
