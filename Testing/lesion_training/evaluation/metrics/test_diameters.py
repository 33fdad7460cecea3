"""Agreement of diameters by hand and against a plain computation."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.diameters import agreement_by_size, diameter_agreement

BANDS = ((0.0, 6.0), (6.0, 10.0), (10.0, float("inf")))


def test_by_hand():
    found = diameter_agreement([6.0, 9.0, 13.0], [5.0, 10.0, 10.0])  # +1, -1, +3
    assert found.count == 3
    assert found.bias_mm == pytest.approx(1)
    assert found.mean_absolute_mm == pytest.approx(5 / 3)
    assert found.deviation_mm == pytest.approx(2)
    assert (found.lower_limit_mm, found.upper_limit_mm) == pytest.approx((1 - 3.92, 1 + 3.92))
    assert found.sentence() == (
        "3 diameters: bias +1.00 mm, mean absolute error 1.67 mm, limits of agreement −2.92 mm to +4.92 mm."
    )


@given(st.lists(st.tuples(st.floats(1, 60), st.floats(1, 60)), min_size=2, max_size=30))
def test_against_the_standard_library(pairs):
    measured, true = zip(*pairs, strict=True)
    found = diameter_agreement(measured, true)
    differences = [a - b for a, b in pairs]
    assert found.bias_mm == pytest.approx(statistics.fmean(differences), abs=1e-9)
    assert found.deviation_mm == pytest.approx(statistics.stdev(differences), abs=1e-9)
    assert found.mean_absolute_mm == pytest.approx(statistics.fmean(map(abs, differences)))
    assert abs(found.bias_mm) <= found.mean_absolute_mm + 1e-12
    assert found.lower_limit_mm <= found.bias_mm <= found.upper_limit_mm


def test_by_size_of_the_truth():
    small, middle, large = agreement_by_size([7.0, 5.0, 9.0, 50.0], [5.0, 6.0, 9.9, 40.0], BANDS)
    assert (small.count, middle.count, large.count) == (1, 2, 1)
    assert small.bias_mm == 2
    assert middle.bias_mm == pytest.approx((-1 - 0.9) / 2)
    assert large.mean_absolute_mm == 10


def test_few_and_none():
    one = diameter_agreement([5.0], [4.0])
    assert one.bias_mm == 1
    assert np.isnan([one.deviation_mm, one.lower_limit_mm, one.upper_limit_mm]).all()
    assert one.sentence() == "1 diameter: bias +1.00 mm, mean absolute error 1.00 mm."
    none = diameter_agreement([], [])
    assert none.count == 0
    assert np.isnan(none.bias_mm)
    assert none.sentence() == "No diameter was measured."


@pytest.mark.parametrize(
    ("measured", "true", "said"),
    [
        ([np.nan, 4.0], [5.0, 5.0], "1 of the 2 measured diameters are not finite numbers; leave those out"),
        ([4.0], [np.inf], "true diameters are not finite"),
        ([4.0], [5.0, 5.0], "1 and 2 measured and true diameters"),
    ],
)
def test_what_is_refused(measured, true, said):
    with pytest.raises(InputError, match=said):
        diameter_agreement(measured, true)
    with pytest.raises(InputError, match=said):
        agreement_by_size(measured, true, BANDS)


def test_a_band_that_ends_before_it_begins():
    with pytest.raises(InputError, match="from 10 to 6 mm is empty"):
        agreement_by_size([5.0], [5.0], ((10.0, 6.0),))
