"""The signed-rank test against SciPy, all signs one by one, and printed tables."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.wilcoxon import wilcoxon
from scipy import stats


@settings(deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_exact_with_ties_against_all_signs(differences):
    """Every way to give the ranks signs, counted one by one."""
    values = np.array(differences, float)
    signed = values[values != 0]
    assume(signed.size)
    ranks = stats.rankdata(np.abs(signed))
    ours = min(ranks[signed > 0].sum(), ranks[signed < 0].sum())
    sums = [min(r := ranks @ np.array(signs), ranks.sum() - r) for signs in product((0, 1), repeat=len(ranks))]
    found = wilcoxon(values, np.zeros_like(values))
    assert found.exact
    assert found.rank_sum == ours
    assert found.p_value == pytest.approx(np.mean(np.array(sums) <= ours + 1e-9))


@settings(deadline=None)
@given(st.lists(st.integers(-10_000, 10_000).filter(bool), min_size=1, max_size=50, unique_by=abs))
def test_exact_without_ties_against_scipy(differences):
    values = np.array(differences, float)
    found = wilcoxon(values, np.zeros_like(values))
    expected = stats.wilcoxon(values, method="exact")
    assert found.rank_sum == expected.statistic
    assert found.p_value == pytest.approx(expected.pvalue)


def test_many_cases_against_scipy():
    random = np.random.default_rng(1)
    first, second = random.normal(0.2, 1, 80).round(2), random.normal(0, 1, 80).round(2)
    found = wilcoxon(first, second)
    expected = stats.wilcoxon((first - second).round(2), correction=True, method="asymptotic")
    assert not found.exact
    assert found.rank_sum == expected.statistic
    assert found.p_value == pytest.approx(expected.pvalue)


def test_exact_and_approximate_agree_where_they_meet():
    values = np.random.default_rng(3).normal(0.3, 1, 50)
    approximate = stats.wilcoxon(values, correction=True, method="asymptotic").pvalue
    assert wilcoxon(values, np.zeros(50)).p_value == pytest.approx(approximate, rel=0.05)


def test_a_printed_table():
    """Wilcoxon's critical values, two-tailed 5 %: a rank sum of 8 for 10 pairs reaches it, 9 does not."""
    ranks = np.arange(1.0, 11)

    def p(smaller):
        return wilcoxon(np.where(np.isin(ranks, smaller), -ranks, ranks), np.zeros(10)).p_value

    assert p([8]) == pytest.approx(50 / 1024)  # 25 sets of ranks 1 to 10 add up to 8 or less
    assert p([9]) == pytest.approx(66 / 1024)
    assert p([8]) < 0.05 < p([9])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=30))
def test_properties(pairs):
    first, second = (np.array(side) / 20 for side in zip(*pairs, strict=True))
    there, back = wilcoxon(first, second), wilcoxon(second, first)
    assert there.p_value == pytest.approx(back.p_value)
    assert 0 < there.p_value <= 1
    assert (there.higher, there.lower) == (back.lower, back.higher)
    assert there.median_difference == pytest.approx(-back.median_difference)


def test_rounding_errors_break_no_ties():
    """0.9 - 0.8 and 0.3 - 0.2 differ in the last digit, 0.1 + 0.2 - 0.3 is not quite 0."""
    found = wilcoxon([0.9, 0.3, 0.1 + 0.2, 0.5], [0.8, 0.2, 0.3, 0.6])
    assert (found.higher, found.lower) == (2, 1)
    assert found.rank_sum == 2.0  # three ties of rank 2
    assert found.p_value == 1.0


def test_the_sentence():
    found = wilcoxon(
        [0.8, 0.9, 0.7, 0.9, 0.8, 0.6, 0.9, 0.5], [0.7, 0.7, 0.4, 0.5, 0.3, 0.0, 0.2, 0.5], ("full", "size")
    )
    assert found.sentence() == (
        "“full” is higher than “size” in 7 of 8 cases and lower in 0 (median difference +0.35); two-tailed Wilcoxon "
        "signed-rank test, exact: p = 0.016."
    )


def test_few_and_equal_cases():
    few = wilcoxon([1.0, 2.0, 3.0], [0.5, 1.0, 1.5], ("a-0", "b"))
    assert few.p_value == pytest.approx(2 / 8)
    assert few.sentence().endswith("p = 0.25. 3 cases that differ are too few to reach p < 0.05.")
    assert few.sentence().startswith("“a-0” is higher")
    equal = wilcoxon([0.5, 0.7], [0.5, 0.7], ("a", "b"))
    assert equal.p_value == 1
    assert equal.sentence() == "“a” and “b” are equal in all 2 cases."
    zeros = wilcoxon([0.0], [0.0])
    assert zeros.p_value == 1


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([np.nan, 1.0], [1.0, 1.0], "1 of the 2 first values are not finite"),
        ([1.0], [1.0, 2.0], "1 and 2 first and second values"),
        ([], [], "no cases to compare"),
    ],
)
def test_what_is_refused(first, second, said):
    with pytest.raises(InputError, match=said):
        wilcoxon(first, second)
