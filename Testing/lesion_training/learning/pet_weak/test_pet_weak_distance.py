"""The distance loss against the plain one, its gradient, and what it must not do."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.learning.pet_weak.distance_loss import distance_loss, mean_distances, plain_distance_loss

NAN = math.nan


def a_map(seed, shape=(4, 3)):
    return np.maximum(np.random.default_rng(seed).normal(size=shape), 0)


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


@given(seed=st.integers(0, 99), factor=st.floats(0.01, 100), row=st.floats(0, 63), column=st.floats(0, 47))
def test_it_lies_between_0_and_1_and_does_not_fade_with_the_map(seed, factor, row, column):
    made, point = torch.from_numpy(a_map(seed)), torch.tensor([[row, column]])
    found = float(distance_loss(made[None], point)[0])
    assert 0 <= found <= 1
    assert float(distance_loss(factor * made[None], point)[0]) == pytest.approx(found, rel=1e-6)


def test_a_map_at_the_point_costs_nothing():
    made = torch.zeros(1, 4, 3)
    made[0, 2, 1] = 0.3
    # The third place of 16 pixels has its middle between the pixels 39 and 40.
    assert float(distance_loss(made, torch.tensor([[39.5, 23.5]]))[0]) == 0
    assert float(mean_distances(made, torch.tensor([[36.5, 19.5]]))[0]) == pytest.approx(5)
    assert float(mean_distances(made, torch.tensor([[2.0, 1.0]]), stride=1)[0]) == 0


def test_its_gradient_is_that_of_differences():
    points = torch.tensor([[10.0, 20.0], [50.0, 2.0]])
    made = torch.from_numpy(np.stack([a_map(1), a_map(2)]) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda maps: distance_loss(maps, points), (made,))


def test_going_down_brings_a_map_to_the_point():
    point = torch.tensor([[55.5, 39.5]])
    activations = torch.zeros(1, 4, 3, requires_grad=True)
    for _ in range(40):
        loss = distance_loss(torch.sigmoid(activations), point).sum()
        (gradient,) = torch.autograd.grad(loss, activations)
        activations = (activations - 20 * gradient).detach().requires_grad_()
    made = torch.sigmoid(activations)[0].detach()
    assert int(made.argmax()) == 11  # the last place, where the point is
    assert float(made[0, 0]) < 0.3 < 0.6 < float(made[3, 2])


@pytest.mark.parametrize(
    ("made", "point"),
    [(torch.rand(1, 4, 3), (NAN, NAN)), (torch.zeros(1, 4, 3), (5.0, 5.0))],
    ids=["no tumour", "no map"],
)
def test_where_there_is_nothing_to_tell_it_is_0_and_so_is_its_gradient(made, point):
    made = made.clone().requires_grad_()
    found = distance_loss(made, torch.tensor([point]))
    assert float(found[0].detach()) == 0
    (gradient,) = torch.autograd.grad(found.sum(), made)
    assert torch.equal(gradient, torch.zeros(1, 4, 3))
    assert bool(mean_distances(made, torch.tensor([point])).isnan().all())
