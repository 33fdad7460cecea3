"""LUNA16's rules on cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from LesionTrainingLib.evaluation.froc import (
    MISSED,
    cpm,
    false_positives_per_scan,
    froc,
    match_scan,
    sensitivity_at,
    sensitivity_by_size,
    threshold_at_rate,
)

NOTHING = np.zeros((0, 3))


def test_a_hit_is_nearer_than_the_radius():
    truth, diameter = [(0, 0, 0)], [10.0]
    assert match_scan([(4.99, 0, 0)], [0.9], truth, diameter).lesion_scores.tolist() == [0.9]
    on_the_radius = match_scan([(3, 4, 0)], [0.9], truth, diameter)
    assert on_the_radius.lesion_scores.tolist() == [MISSED]
    assert on_the_radius.lesion_marks.tolist() == [-1]
    assert on_the_radius.false_positive_scores.tolist() == [0.9]


def test_a_nodule_scores_its_best_mark_and_the_others_are_ignored():
    match = match_scan([(1, 0, 0), (0, 1, 0), (50, 0, 0)], [0.3, 0.8, 0.5], [(0, 0, 0), (90, 0, 0)], [10.0, 6.0])
    assert match.lesion_scores.tolist() == [0.8, MISSED]
    assert match.lesion_marks.tolist() == [1, -1]
    assert match.false_positive_scores.tolist() == [0.5]


def test_empty_scans():
    no_marks = match_scan(NOTHING, [], [(0, 0, 0)], [5.0])
    assert no_marks.lesion_scores.tolist() == [MISSED]
    no_truth = match_scan([(0, 0, 0)], [0.4], NOTHING, [])
    assert no_truth.false_positive_scores.tolist() == [0.4]
    assert np.isnan(froc([no_truth]).sensitivity).all()


@pytest.fixture
def two_scans():
    """Nodules: 0.9 (5 mm), 0.6 (12 mm), missed (30 mm); false positives: 0.8, 0.7, 0.6, 0.2 in two scans."""
    first = match_scan(
        [(0, 0, 0), (50, 0, 0), (60, 0, 0), (70, 0, 0)], [0.9, 0.8, 0.6, 0.2], [(0, 0, 0), (500, 0, 0)], [5.0, 30.0]
    )
    second = match_scan([(1, 0, 0), (90, 0, 0)], [0.6, 0.7], [(0, 0, 0)], [12.0])
    return [first, second]


def test_the_curve(two_scans):
    curve = froc(two_scans)
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.7, 0.6, 0.2]
    assert curve.false_positives_per_scan.tolist() == [0, 0, 0.5, 1.0, 1.5, 2.0]
    assert curve.sensitivity.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3])


def test_sensitivity_is_interpolated_and_stays_beyond_the_end(two_scans):
    curve = froc(two_scans)
    assert sensitivity_at(curve, 0) == pytest.approx(1 / 3)
    assert sensitivity_at(curve, 1.25) == pytest.approx(0.5)
    assert sensitivity_at(curve, 8) == pytest.approx(2 / 3)
    # 1/8, 1/4, 1/2, 1: a third each; 2, 4, 8: two thirds.
    assert cpm(curve) == pytest.approx((4 / 3 + 3 * 2 / 3) / 7)


@pytest.mark.parametrize(
    ("rate", "threshold"),
    [(0.0, 0.85), (0.5, 0.75), (1.0, 0.65), (1.49, 0.65), (1.5, 0.4), (2.0, 0.0), (9.0, 0.0)],
)
def test_thresholds_keep_to_their_rate(two_scans, rate, threshold):
    found = threshold_at_rate(two_scans, rate)
    assert found == pytest.approx(threshold)
    assert false_positives_per_scan(two_scans, found) <= rate


def test_a_threshold_above_every_mark_exists():
    only_false = [match_scan([(0, 0, 0)], [1.0], NOTHING, [])]
    assert false_positives_per_scan(only_false, threshold_at_rate(only_false, 0.0)) == 0


def test_size_bands(two_scans):
    assert sensitivity_by_size(two_scans, 0.5) == [(1, 1), (0, 0), (1, 1), (0, 1)]
    assert sensitivity_by_size(two_scans, 0.7) == [(1, 1), (0, 0), (0, 1), (0, 1)]


def test_upright_parts_are_read_at_their_top_or_foot():
    """One scan, false positives at 0.9 and 0.5, lesions at 0.8 and 0.7: at one false positive 0, then 1/2, then 1."""
    match = match_scan(
        [(50, 0, 0), (0, 0, 0), (20, 0, 0), (70, 0, 0)], [0.9, 0.8, 0.7, 0.5], [(0, 0, 0), (20, 0, 0)], [6, 6]
    )
    curve = froc([match])
    assert sensitivity_at(curve, 1) == 1
    assert sensitivity_at(curve, 1, upright="lowest") == 0
    assert sensitivity_at(curve, 9, upright="lowest") == 1


def test_lesions_that_no_mark_hits_are_missed_at_every_threshold():
    match = match_scan(NOTHING, [], [(0, 0, 0)], [7.0])
    assert sensitivity_by_size([match], float("-inf"))[1] == (0, 1)


def test_nothing_at_all():
    curve = froc([match_scan(NOTHING, [], NOTHING, [])])
    assert curve.thresholds.tolist() == [np.inf]
    assert np.isnan(cpm(curve))
