"""The focal loss is the published one; what is ignored changes nothing; no logit is too large for it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.learning.losses.focal import IGNORED, FocalSettings, focal_loss
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss


@given(st.integers(0, 10**6), st.sampled_from([0.25, 0.5, 0.9]), st.sampled_from([0.0, 1.0, 2.0, 3.5]))
def test_it_is_the_published_loss(seed, alpha, gamma):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(3, 7, generator=generator)
    labels = torch.randint(-1, 2, (3, 7), generator=generator, dtype=torch.int8)
    found = focal_loss(logits, labels, FocalSettings(alpha, gamma), weight=0.7)
    known = labels != IGNORED
    expected = sigmoid_focal_loss(logits[known], labels[known].float(), alpha, gamma, "sum")
    assert float(found.total) == pytest.approx(0.7 * float(expected), rel=1e-4, abs=1e-6)
    assert float(found.count) == (labels == 1).sum()


def test_without_gamma_it_is_half_the_cross_entropy():
    logits, labels = torch.tensor([2.0, -1.0]), torch.tensor([1, 0])
    found = focal_loss(logits, labels, FocalSettings(0.5, 0.0))
    expected = functional.binary_cross_entropy_with_logits(logits, labels.float(), reduction="sum")
    assert float(found.total) == pytest.approx(float(expected) / 2)


def test_what_is_ignored_has_no_slope():
    logits = torch.tensor([1.0, 2.0, -3.0], requires_grad=True)
    focal_loss(logits, torch.tensor([1, IGNORED, 0], dtype=torch.int8), FocalSettings()).total.backward()
    assert logits.grad[1] == 0
    assert logits.grad[0] < 0 < logits.grad[2]


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_no_logit_is_too_large(kind):
    logits = torch.tensor([300.0, -300.0, 300.0, -300.0], dtype=kind, requires_grad=True)
    found = focal_loss(logits, torch.tensor([1, 1, 0, 0]), FocalSettings())
    found.total.backward()
    assert float(found.total.detach()) == pytest.approx(300 * 0.25 + 300 * 0.75, rel=0.01)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(("alpha", "gamma"), [(1.5, 2.0), (0.25, -1.0), (0.25, float("inf"))])
def test_settings_that_make_no_sense_are_refused(alpha, gamma):
    with pytest.raises(UsageError, match="focal"):
        FocalSettings(alpha, gamma)
