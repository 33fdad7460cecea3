"""Suppression by the KD-tree equals the plain rule, read aloud."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from LesionDetectionLib.imaging.suppression import suppress_near


def plainly(points, scores, radii, most=None):
    left = sorted(range(len(points)), key=lambda n: -scores[n])
    kept = []
    while left and len(kept) != most:
        best = left.pop(0)
        kept.append(best)
        left = [n for n in left if np.linalg.norm(points[n] - points[best]) >= max(radii[n], radii[best])]
    return kept


@given(st.data())
def test_as_the_plain_rule(data):
    count = data.draw(st.integers(0, 25))
    points = data.draw(arrays(float, (count, 3), elements=st.integers(-6, 6).map(float)))
    scores = data.draw(arrays(float, count, elements=st.integers(0, 5).map(float)))
    radii = data.draw(arrays(float, count, elements=st.sampled_from([0.0, 1.0, 2.5, 7.0])))
    most = data.draw(st.sampled_from([None, 1, 3]))
    assert suppress_near(points, scores, radii, most).tolist() == plainly(points, scores, radii, most)


def test_as_the_plain_rule_on_many():
    random = np.random.default_rng(0)
    points, scores = random.uniform(0, 100, (1500, 3)), random.random(1500)
    kept = suppress_near(points, scores, 9.0)
    assert kept.tolist() == plainly(points, scores, np.full(1500, 9.0))
    assert 100 < len(kept) < 1500


def test_the_distance_itself_is_far_enough():
    points = [[0, 0, 0], [5, 0, 0], [4.999, 5, 0]]
    assert suppress_near(points, [3, 2, 1], 5.0).tolist() == [0, 1, 2]
    assert suppress_near(points, [3, 2, 1], 5.0001).tolist() == [0, 2]


@pytest.mark.parametrize("most", [None, 2])
def test_nothing(most):
    assert suppress_near(np.zeros((0, 3)), [], 5.0, most).tolist() == []
