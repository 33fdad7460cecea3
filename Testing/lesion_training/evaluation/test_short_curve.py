"""A long curve in a few of its points."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.evaluation.froc import CPM_RATES, FrocCurve, cpm, froc, match_scan, sensitivity_at
from LesionTrainingLib.evaluation.short_curve import few_points


def scans(seed, count=40, false_per_scan=60):
    """Lesions 100 mm apart, most of them found; false marks that score less on the whole."""
    random = np.random.default_rng(seed)
    matches = []
    for _ in range(count):
        truth = [(100.0 * n, 0, 0) for n in range(5)]
        found = [place for place in truth if random.random() < 0.9]
        false = [(100.0 * n, 500.0, 0) for n in range(false_per_scan)]
        scores = np.concatenate([random.beta(5, 2, len(found)), random.beta(1, 6, len(false))])
        matches.append(match_scan([*found, *false], scores, truth, [10.0] * 5))
    return matches


def as_curve(points):
    table = np.array([[np.inf, 0.0, 0.0], *points])
    return FrocCurve(*table.T)


@given(st.integers(0, 1000))
def test_few_points_are_the_curves_own_and_read_like_it(seed):
    curve = froc(scans(seed, count=12))
    points = few_points(curve)
    assert 20 < len(points) <= 60
    thresholds = [point[0] for point in points]
    assert all(a > b for a, b in pairwise(thresholds))
    own = {
        (round(rate, 4), round(found, 4))
        for rate, found in zip(curve.false_positives_per_scan, curve.sensitivity, strict=True)
    }
    assert {(rate, found) for _, rate, found in points} <= own
    assert (points[-1][1], points[-1][2]) == (
        round(curve.false_positives_per_scan[-1], 4),
        round(curve.sensitivity[-1], 4),
    )
    short = as_curve(points)
    assert cpm(short) == pytest.approx(cpm(curve), abs=0.015)
    for rate in CPM_RATES:
        assert sensitivity_at(short, rate) == pytest.approx(sensitivity_at(curve, rate), abs=0.04)


def test_a_short_curve_stays_whole():
    curve = froc([match_scan([(0, 0, 0), (50, 0, 0)], [0.75, 0.25], [(0, 0, 0)], [8.0])])
    assert few_points(curve) == [[0.75, 0.0, 1.0], [0.25, 1.0, 1.0]]


def test_scores_that_hardly_differ_are_one_threshold_that_passes_both():
    curve = froc([match_scan([(0, 0, 0), (50, 0, 0)], [0.5000004, 0.5000001], [(0, 0, 0)], [8.0])])
    assert few_points(curve) == [[0.5, 1.0, 1.0]]


def test_no_marks_and_no_lesions_give_no_curve():
    assert few_points(froc([match_scan(np.zeros((0, 3)), [], [(0, 0, 0)], [8.0])])) == []
    assert few_points(froc([match_scan([(0, 0, 0)], [0.5], np.zeros((0, 3)), [])])) == []
