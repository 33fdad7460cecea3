"""Positives have their share, kinds their weight, images the same say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionTrainingLib.learning.engine.task import Share
from LesionTrainingLib.learning.sampling.oversampling import (
    pick_by_weight,
    pick_per_group,
    positive_count,
    positive_mask,
)
from scipy.stats import chisquare


def random(seed=5):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("size", "share", "count"), [(2, 0.33, 1), (12, 1 / 3, 4), (128, 0.25, 32), (2, 0.01, 1), (8, 0.0, 0), (3, 1.0, 3)]
)
def test_positives_have_their_share_and_are_at_least_one(size, share, count):
    assert positive_count(size, share) == positive_mask(size, share).sum() == count


@given(size=st.integers(1, 64), share=st.floats(0, 1), parts=st.integers(1, 4))
def test_each_part_of_a_batch_has_its_positives(size, share, parts):
    mask = positive_mask(size, share)
    counts = [int(Share(index, parts).of(mask).sum()) for index in range(parts)]
    assert sum(counts) == positive_count(size, share)
    assert max(counts) - min(counts) <= 1


def test_a_share_that_is_none():
    with pytest.raises(UsageError, match="between 0 and 1"):
        positive_count(4, 1.5)


def test_kinds_come_by_weight_and_their_samples_evenly():
    weights, available = {"lung": 1.0, "vessel": 3.0, "wall": 0.0}, {"lung": 4, "vessel": 5, "wall": 9}
    picked = pick_by_weight(weights, available, 8000, random())
    assert chisquare(np.bincount(picked.kinds), [2000, 6000]).pvalue > 0.01
    for kind, number in ((0, 4), (1, 5)):
        counts = np.bincount(picked.places[picked.kinds == kind], minlength=number)
        assert len(counts) == number
        assert chisquare(counts).pvalue > 0.01


def test_the_weight_of_an_empty_kind_falls_to_the_others():
    picked = pick_by_weight({"mined": 8.0, "lung": 1.0, "vessel": 3.0}, {"lung": 4, "vessel": 5}, 4000, random())
    counts = np.bincount(picked.kinds, minlength=3)
    assert counts[0] == 0
    assert chisquare(counts[1:], [1000, 3000]).pvalue > 0.01


def test_nothing_to_pick_from():
    with pytest.raises(InputError, match="no samples of any of these kinds: mined"):
        pick_by_weight({"mined": 1.0}, {}, 3, random())
    assert len(pick_by_weight({"mined": 1.0}, {}, 0, random()).kinds) == 0
    with pytest.raises(UsageError, match="negative"):
        pick_by_weight({"mined": -1.0}, {"mined": 2}, 3, random())


def test_images_have_the_same_say_however_many_lesions_they_have():
    groups, members = pick_per_group([100, 0, 2, 1], 6000, random())
    counts = np.bincount(groups, minlength=4)
    assert counts[1] == 0
    assert chisquare(counts[[0, 2, 3]]).pvalue > 0.01
    assert chisquare(np.bincount(members[groups == 0], minlength=100)).pvalue > 0.01
    assert set(members[groups == 2]) == {0, 1}


def test_images_without_any_lesion():
    with pytest.raises(InputError, match="nothing to learn"):
        pick_per_group([0, 0], 2, random())
    assert [len(part) for part in pick_per_group([], 0, random())] == [0, 0]
