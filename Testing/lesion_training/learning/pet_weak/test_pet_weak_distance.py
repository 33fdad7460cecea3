"""The distance loss against the plain one, its gradient, and what it must not do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.pet_weak.distance_loss import distance_loss, mean_distances, plain_distance_loss

NAN = math.nan


def a_map(seed, shape=(4, 3)):
    return np.random.default_rng(seed).normal(size=shape) * 3


@settings(max_examples=40)
@given(
    seed=st.integers(0, 99),
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    point=st.tuples(st.floats(-20, 90), st.floats(-20, 90)),
)
def test_it_is_the_plain_one(seed, rows, columns, point):
    made = a_map(seed, (rows, columns))
    found = distance_loss(torch.from_numpy(made)[None], torch.tensor([point]))
    assert float(found[0]) == pytest.approx(plain_distance_loss(made, point), rel=1e-5, abs=1e-7)


@settings(max_examples=40)
@given(seed=st.integers(0, 99), shift=st.floats(-30, 30), row=st.floats(0, 63), column=st.floats(0, 47))
def test_it_lies_between_0_and_1_and_every_place_gets_a_gradient(seed, shift, row, column):
    activations = torch.from_numpy(a_map(seed) + shift).requires_grad_()
    found = distance_loss(activations[None], torch.tensor([[row, column]]))[0]
    assert 0 <= float(found.detach()) <= 1
    (gradient,) = torch.autograd.grad(found, activations)
    assert bool(gradient.isfinite().all())
    # What is nearer than the mean shall rise, what is farther shall fall, wherever the map is positive now.
    assert float(gradient.min()) < 0 < float(gradient.max())


def test_a_map_at_the_point_costs_nothing():
    made = torch.full((1, 4, 3), -60.0)
    made[0, 2, 1] = 60.0
    # The third place of 16 pixels has its middle between the pixels 39 and 40.
    assert float(distance_loss(made, torch.tensor([[39.5, 23.5]]))[0]) == pytest.approx(0, abs=1e-6)
    assert float(mean_distances(made.relu(), torch.tensor([[36.5, 19.5]]))[0]) == pytest.approx(5)
    assert float(mean_distances(made.relu(), torch.tensor([[2.0, 1.0]]), stride=1)[0]) == 0


def test_its_gradient_is_that_of_differences():
    points, step = torch.tensor([[10.0, 20.0], [50.0, 2.0]]), 1e-4
    made = torch.from_numpy(np.stack([a_map(1), a_map(2)])).requires_grad_()
    (gradient,) = torch.autograd.grad(distance_loss(made, points).sum(), made)
    for place in np.ndindex(2, 4, 3):
        moved = torch.zeros_like(made)
        moved[place] = step
        rise = (distance_loss(made + moved, points) - distance_loss(made - moved, points)).sum() / (2 * step)
        assert float(rise.detach()) == pytest.approx(float(gradient[place]), rel=1e-4, abs=1e-8)


def test_going_down_brings_a_map_to_the_point_from_where_it_is_empty():
    point = torch.tensor([[55.5, 39.5]])
    activations = torch.full((1, 4, 3), -1.0)
    activations[0, 0, 0] = 1.0
    for _ in range(300):
        activations.requires_grad_()
        (gradient,) = torch.autograd.grad(distance_loss(activations, point).sum(), activations)
        activations = (activations - 20 * gradient).detach()
    assert int(activations.argmax()) == 11  # the last place, where the point is
    assert activations[0, 3, 2] > 0 > activations[0, 0, 0]


def test_where_nobody_marked_a_tumour_it_is_0_and_so_is_its_gradient():
    made, point = torch.rand(1, 4, 3).requires_grad_(), torch.tensor([[NAN, NAN]])
    found = distance_loss(made, point)
    assert float(found[0].detach()) == 0
    (gradient,) = torch.autograd.grad(found.sum(), made)
    assert torch.equal(gradient, torch.zeros(1, 4, 3))
    assert bool(mean_distances(made, point).isnan().all())
    assert bool(mean_distances(torch.zeros(1, 4, 3), torch.tensor([[5.0, 5.0]])).isnan().all())
