"""Wilson's interval against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.evaluation.metrics.proportions import wilson_interval
from scipy.stats import binomtest


@settings(deadline=None)
@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from((0.9, 0.95)))
def test_against_scipy(counts, confidence):
    expected = binomtest(*counts).proportion_ci(confidence, method="wilson")
    assert wilson_interval(*counts, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_arrays_and_nothing():
    low, high = wilson_interval([0, 5, 0], [10, 10, 0])
    assert low[0] == 0
    assert 0.2 < high[0] < 0.3
    assert low[1] + high[1] == pytest.approx(1)
    assert np.isnan([low[2], high[2]]).all()
