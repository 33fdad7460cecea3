"""Filling polygons: against a plain point-in-polygon test, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.cohorts.dicom.contour_filling import fill
from matplotlib.path import Path as Outline

ROWS, COLUMNS = 12, 15


def plain(polygons, rows, columns):
    """The rule, one pixel and one edge at a time."""
    out = np.zeros((rows, columns), bool)
    for j in range(rows):
        for i in range(columns):
            for polygon in polygons:
                for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
                    if (y0 <= j) != (y1 <= j) and x0 + (j - y0) / (y1 - y0) * (x1 - x0) <= i:
                        out[j, i] = not out[j, i]
    return out


corners = st.tuples(st.integers(-30, 180), st.integers(-30, 150)).map(lambda p: (p[0] / 10 + 0.037, p[1] / 10 + 0.041))


@given(st.lists(st.lists(corners, min_size=3, max_size=9), max_size=3))
@settings(deadline=None, max_examples=60)
def test_any_polygons(lists):
    polygons = [np.array(polygon) for polygon in lists]
    assert np.array_equal(fill(polygons, ROWS, COLUMNS), plain(polygons, ROWS, COLUMNS))


@pytest.mark.parametrize("seed", range(5))
def test_a_smooth_outline_against_another_library(seed):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 60))
    radius = 20 + 6 * np.sin(3 * angle + seed)
    outline = np.stack([30.3 + radius * np.cos(angle), 28.1 + radius * np.sin(angle)], axis=1)
    places = np.stack(np.meshgrid(np.arange(64), np.arange(60)), axis=-1).reshape(-1, 2)
    expected = Outline(outline).contains_points(places).reshape(60, 64)
    assert np.array_equal(fill([outline], 60, 64), expected)


def test_centres_on_an_edge_belong_to_one_of_two_neighbours():
    left = np.array([(1, 1), (5, 1), (5, 8), (1, 8)], float)
    right = np.array([(5, 1), (9, 1), (9, 8), (5, 8)], float)
    first, second = fill([left], ROWS, COLUMNS), fill([right], ROWS, COLUMNS)
    assert not (first & second).any()
    assert np.array_equal(first | second, fill([np.array([(1, 1), (9, 1), (9, 8), (1, 8)], float)], ROWS, COLUMNS))
    assert first.sum() == 28


def test_an_inner_contour_and_a_keyhole_make_the_same_hole():
    outer = np.array([(0.5, 0.5), (10.5, 0.5), (10.5, 10.5), (0.5, 10.5)])
    inner = np.array([(3.5, 3.5), (7.5, 3.5), (7.5, 7.5), (3.5, 7.5)])
    keyhole = np.concatenate([outer, outer[:1], inner[::-1], inner[-1:]])
    filled = fill([outer, inner], ROWS, COLUMNS)
    assert filled.sum() == 100 - 16
    assert np.array_equal(fill([keyhole], ROWS, COLUMNS), filled)


def test_nothing_and_what_lies_outside():
    assert not fill([], 3, 4).any()
    assert not fill([np.array([(-9.0, -9), (-5, -9), (-5, -5)])], 3, 4).any()
    assert fill([np.array([(-9.0, -9), (90, -9), (90, 90), (-9, 90)])], 3, 4).all()
