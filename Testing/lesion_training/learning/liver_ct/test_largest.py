"""One box a slice is measured against the largest lesion, and hits any of them; an overlap that equals the limit is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.imaging.rectangles import iou
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings
from LesionTrainingLib.learning.liver_ct.largest import largest, mean_squared_error, rule, sensitivity, showing
from LesionTrainingLib.learning.slices.judged import JudgedSlice

METHOD = LiverSettings(size_px=100)


def judged(box, truth):
    truth = np.array(truth, dtype=float).reshape(-1, 4)
    return JudgedSlice("a", np.array([box], dtype=float), np.ones(1), np.ones(1), truth, np.full(len(truth), 9.0))


def drawn(random, count):
    low = random.uniform(0, 80, (count, 2))
    return np.concatenate([low, low + random.uniform(1, 20, (count, 2))], axis=1)


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_the_largest_has_no_larger_beside_it(seed, count):
    boxes = drawn(np.random.default_rng(seed), count)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    found = largest(boxes)
    assert (found[2] - found[0]) * (found[3] - found[1]) == areas.max()
    assert (boxes == found).all(axis=1).any()


@given(st.integers(0, 10**6))
def test_figures_are_over_the_slices_that_show_a_lesion(seed):
    random = np.random.default_rng(seed)
    slices = [judged(drawn(random, 1)[0], drawn(random, random.integers(0, 3))) for _ in range(5)]
    told = showing(slices)
    errors = [((one.boxes[0] - largest(one.truth)) / 100) ** 2 for one in told]
    hits = [iou(one.boxes, one.truth).max() > 0.1 for one in told]
    assert mean_squared_error(slices, METHOD) == pytest.approx(np.mean(errors) if told else math.nan, nan_ok=True)
    assert sensitivity(slices) == pytest.approx(np.mean(hits) if told else math.nan, nan_ok=True)


def test_an_overlap_must_be_above_the_limit():
    lesion = [0, 0, 20, 10]
    half, more = judged([0, 0, 10, 10], lesion), judged([0, 0, 10.01, 10], lesion)
    assert (sensitivity([half], 0.5), sensitivity([more], 0.5)) == (0, 1)
    assert rule(0.5).least_iou > 0.5


def test_any_lesion_may_be_hit():
    slices = [judged([0, 0, 10, 10], [[50, 50, 90, 90], [0, 0, 10, 10]]), judged([0, 0, 10, 10], [[50, 50, 90, 90]])]
    assert sensitivity(slices) == 0.5
    assert mean_squared_error(slices, METHOD) == pytest.approx((0.5**2 + 0.5**2 + 0.8**2 + 0.8**2) / 4)
