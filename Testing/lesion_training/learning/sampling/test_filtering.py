"""Online sample filtering keeps the hard half and a random half of the rest."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.learning.sampling.filtering import FilterSettings, informative, select_informative
from scipy.stats import chisquare


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_papers_shares():
    losses = torch.arange(64, dtype=torch.float32)
    kept = select_informative(losses, FilterSettings(), generator()).tolist()
    assert kept[:32] == list(range(63, 31, -1))  # the hard half, hardest first
    assert len(kept) == 48
    assert set(kept[32:]) < set(range(32))


def test_easy_samples_are_drawn_at_random():
    losses = torch.arange(64, dtype=torch.float32)
    draws = {tuple(sorted(select_informative(losses, FilterSettings(), generator(s)).tolist())) for s in range(5)}
    assert len(draws) == 5
    first, again = (select_informative(losses, FilterSettings(), generator(3)) for _ in range(2))
    assert torch.equal(first, again)


@given(
    losses=st.lists(st.integers(0, 10_000), min_size=1, max_size=40, unique=True),
    hard=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    easy=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_no_index_comes_twice_and_what_is_dropped_is_not_hard(losses, hard, easy):
    tensor = torch.tensor(losses, dtype=torch.float32)
    kept = select_informative(tensor, FilterSettings(hard, easy), generator()).tolist()
    assert len(set(kept)) == len(kept)
    dropped = set(range(len(losses))) - set(kept)
    hardest = round(hard * len(losses))
    for index in dropped:
        assert sum(value > losses[index] for value in losses) >= min(hardest, 1)
    if hard == 1 or easy == 1:
        assert not dropped


def test_one_tenth_of_ten_is_one():
    kept = select_informative(torch.arange(10.0), FilterSettings(0.1, 0.0), generator())
    assert kept.tolist() == [9]


def test_the_gradient_comes_from_the_kept_samples_only():
    weight = torch.ones(8, requires_grad=True)
    losses = weight * torch.arange(8.0)
    kept = select_informative(losses, FilterSettings(0.5, 0.0), generator())
    losses[kept].mean().backward()
    assert weight.grad.tolist() == pytest.approx([0, 0, 0, 0, 1.0, 1.25, 1.5, 1.75])


def test_the_mask_says_the_same():
    losses = torch.rand(37, generator=generator(1))
    mask = informative(losses, FilterSettings(), generator(2))
    kept = select_informative(losses, FilterSettings(), generator(2))
    assert torch.nonzero(mask).flatten().tolist() == sorted(kept.tolist())


def test_each_easy_sample_is_as_likely():
    counts = torch.zeros(16)
    for seed in range(1000):
        counts += informative(torch.arange(16.0), FilterSettings(), generator(seed))
    assert torch.equal(counts[8:], torch.full((8,), 1000.0))
    assert chisquare(counts[:8]).pvalue > 0.01
