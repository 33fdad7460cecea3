"""Rows of what was drawn, and noise that follows from each sample's own seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from LesionTrainingLib.learning.augmentation.drawn import Drawn, chance, noise, seeds, uniform
from LesionTrainingLib.learning.engine.task import Share
from scipy.stats import kstest


@dataclass(frozen=True, eq=False)
class Pair(Drawn):
    """Two values a sample and one for all."""

    first: torch.Tensor
    second: torch.Tensor
    common: float


@pytest.fixture
def pair():
    return Pair(torch.arange(5), torch.arange(10).reshape(5, 2), 0.5)


@pytest.mark.parametrize(
    "rows", [slice(1, None, 2), [3, 1], torch.tensor([3, 1]), np.array([3, 1]), torch.arange(5) > 2, np.arange(5) > 2]
)
def test_rows(pair, rows):
    expected = np.arange(5)[rows.numpy() if isinstance(rows, torch.Tensor) else rows]
    assert pair[rows].first.tolist() == expected.tolist()
    assert pair[rows].second[:, 0].tolist() == (2 * expected).tolist()
    assert pair[rows].common == 0.5
    assert len(pair[rows]) == len(expected)


def test_a_share_is_rows(pair):
    assert Share(1, 2).of(pair).first.tolist() == [1, 3]


def test_noise_is_normal_and_each_samples_own():
    own = seeds(20, torch.Generator().manual_seed(0))
    field = noise(own, (4, 10, 25), torch.device("cpu"))
    assert kstest(field.double().numpy().ravel(), "norm").pvalue > 0.01
    assert torch.equal(noise(own[[7, 3]], (4, 10, 25), torch.device("cpu")), field[[7, 3]])
    flat = field.flatten(1)
    alike = torch.corrcoef(flat) - torch.eye(20)
    assert alike.abs().max() < 0.15


def test_evenly_and_by_chance():
    generator = torch.Generator().manual_seed(4)
    assert kstest(uniform(4000, 2.0, 5.0, generator).double().numpy(), "uniform", (2, 3)).pvalue > 0.01
    assert float(chance(4000, 0.3, generator).float().mean()) == pytest.approx(0.3, abs=0.03)
