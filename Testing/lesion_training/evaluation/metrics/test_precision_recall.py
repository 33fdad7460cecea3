"""Average precision against COCO's own program, scikit-learn and a plain loop, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.precision_recall import (
    IOU_THRESHOLDS,
    mean_average_precision,
    precision_recall,
)
from sklearn.metrics import precision_recall_curve

MARKS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=40)
"""Scores from few values, so that ties are common; and whether each is a hit."""


def split(marks):
    return [score / 10 for score, _ in marks], [hit for _, hit in marks]


def test_by_hand():
    curve = precision_recall([0.9, 0.8, 0.7, 0.7, 0.2], [1, 0, 1, 0, 1], lesions=4)
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.2]
    assert curve.precision.tolist() == [1, 1 / 2, 2 / 4, 3 / 5]
    assert curve.recall.tolist() == [1 / 4, 1 / 4, 2 / 4, 3 / 4]
    # From 0 to 1/4 precision 1; to 3/4 the best from there on, 3/5; beyond, nothing.
    assert curve.average_precision() == pytest.approx(1 / 4 + 3 / 5 / 2)
    # Of the recalls 0, .01, ..., 1, 26 are at most 1/4, 50 more at most 3/4.
    assert curve.coco_average_precision() == pytest.approx((26 + 50 * 3 / 5) / 101)


def test_at_a_threshold():
    curve = precision_recall([0.9, 0.8, 0.7, 0.7, 0.2], [1, 0, 1, 0, 1], lesions=4)
    assert curve.at(0.75) == (1 / 2, 1 / 4)
    assert curve.at(0.7) == (2 / 4, 2 / 4)
    assert curve.at(-1) == (3 / 5, 3 / 4)
    precision, recall = curve.at(0.95)
    assert np.isnan(precision)
    assert recall == 0


def test_the_figure_of_cocos_own_program():
    """pycocotools 2.0.11, maximum of marks lifted, on boxes that are hits and misses as here: 120 marks, 80 lesions, 62
    of them hit."""
    scores = [(i * 7919 % 1009) / 1009 for i in range(120)]
    hits = [i * i % 7 in (1, 2) and scores[i] > 0.1 for i in range(120)]
    assert sum(hits) == 62
    assert precision_recall(scores, hits, 80).coco_average_precision() == pytest.approx(0.4703076452295492, abs=1e-12)


@settings(deadline=None)
@given(MARKS)
def test_against_scikit_learn_where_no_lesion_is_missed(marks):
    scores, hits = split(marks)
    if not any(hits):
        return
    curve = precision_recall(scores, hits, sum(hits))
    precision, recall, thresholds = precision_recall_curve(hits, scores)
    assert np.allclose(curve.precision, precision[-2::-1])
    assert np.allclose(curve.recall, recall[-2::-1])
    assert np.allclose(curve.thresholds, thresholds[::-1])


@settings(deadline=None)
@given(MARKS, st.integers(0, 5))
def test_against_a_plain_loop(marks, missed):
    scores, hits = split(marks)
    lesions = sum(hits) + missed
    curve = precision_recall(scores, hits, lesions)
    if not lesions:
        assert np.isnan(curve.average_precision())
        assert np.isnan(curve.coco_average_precision())
        return
    points = []
    for threshold in sorted(set(scores), reverse=True):
        shown = [hit for score, hit in zip(scores, hits, strict=True) if score >= threshold]
        points.append((sum(shown) / lesions, sum(shown) / len(shown)))
    area, before = 0.0, 0.0
    for recall, _ in points:
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    read = [max((p for r, p in points if r >= step), default=0) for step in np.linspace(0, 1, 101)]
    assert curve.average_precision() == pytest.approx(area)
    assert curve.coco_average_precision() == pytest.approx(np.mean(read))


@settings(deadline=None)
@given(MARKS, st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_order_of_the_marks_means_nothing(marks, missed, random):
    scores, hits = split(marks)
    lesions = sum(hits) + missed + 1
    shuffled = list(marks)
    random.shuffle(shuffled)
    ours = precision_recall(scores, hits, lesions)
    again = precision_recall(*split(shuffled), lesions)
    assert ours.coco_average_precision() == again.coco_average_precision()
    assert 0 <= ours.average_precision() <= 1


def test_perfect_and_empty():
    perfect = precision_recall([0.9, 0.8, 0.1], [1, 1, 0], 2)
    assert (perfect.average_precision(), perfect.coco_average_precision()) == (1, 1)
    nothing = precision_recall([], [], 3)
    assert (nothing.average_precision(), nothing.coco_average_precision()) == (0, 0)


def test_mean_over_overlaps():
    scores = [0.9, 0.8, 0.7]
    hits = np.zeros((9, 3), bool)
    hits[:, 0] = True
    hits[:5, 1] = True  # to an IoU of .3
    found = mean_average_precision(scores, hits, 2)
    half = 51 / 101  # recalls up to 1/2
    assert found.iou == IOU_THRESHOLDS
    assert found.average_precisions == pytest.approx([1] * 5 + [half] * 4)
    assert found.at(0.1) == 1
    assert found.at(0.5) == pytest.approx(half)
    assert found.mean == pytest.approx((5 + 4 * half) / 9)
    with pytest.raises(ValueError, match=r"0\.75"):
        found.at(0.75)


@pytest.mark.parametrize(
    ("scores", "hits", "lesions", "said"),
    [
        ([0.5, np.nan], [1, 0], 2, "1 of the 2 scores are not finite"),
        ([0.5, np.inf], [1, 0], 2, "not finite"),
        ([0.5], [1, 0], 2, "1 and 2 scores and hits"),
        ([0.5, 0.4], [1, 1], 1, "2 marks hit 1 lesions"),
        ([0.5, 0.4], [1, 2], 3, "yes and no"),
        ([[0.5, 0.4]], [1, 0], 3, "plain list"),
    ],
)
def test_what_is_refused(scores, hits, lesions, said):
    with pytest.raises(InputError, match=said):
        precision_recall(scores, hits, lesions)


def test_hits_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"\(2, 3\) do not fit 9 overlap thresholds and 3 scores"):
        mean_average_precision([0.1, 0.2, 0.3], np.zeros((2, 3), bool), 4)
