"""Bins of regions beside torchvision's: whatever box, every bin holds the same."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.methods.liver_ct import proposals
from LesionDetectionLib.methods.liver_ct.engine_bins import Aligned, Largest, Product
from LesionDetectionLib.methods.liver_ct.proposals import PROPOSAL_IOU, best_proposals
from LesionDetectionLib.methods.liver_ct.regions import SAMPLES
from torch import nn
from torch.nn import functional
from torchvision.ops import nms, roi_align, roi_pool

HEIGHT, WIDTH = 5, 7
"""Places of C4."""


@st.composite
def boxes(draw):
    """Within 80 x 112 pixels, some of them on the border of places and some twice."""
    found = []
    for _ in range(draw(st.integers(0, 4))):
        x = sorted(
            draw(st.tuples(*[st.floats(0, 112, width=32) | st.sampled_from([0.0, 8.0, 16.0, 104.0, 112.0])] * 2))
        )
        y = sorted(draw(st.tuples(*[st.floats(0, 80, width=32) | st.sampled_from([0.0, 24.0, 72.0, 80.0])] * 2)))
        found.append([x[0], y[0], x[1], y[1]])
    return torch.tensor(found + found[:1], dtype=torch.float32).reshape(-1, 4)


@settings(max_examples=60, deadline=None)
@given(one=boxes(), other=boxes(), count=st.sampled_from([1, 2, 7, 14]), kind=st.sampled_from([Largest, Aligned]))
def test_every_bin_holds_what_torchvision_has(one, other, count, kind):
    torch.manual_seed(0)
    c4 = torch.randn(2, 3, HEIGHT, WIDTH).contiguous(memory_format=torch.channels_last)
    inner, short = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 6, 1, stride=2)
    with torch.inference_mode():
        bins = kind(count, c4, [one, other], Product(inner), Product(short))
        which = torch.arange(len(bins)) if bins.which is None else bins.which
        if kind is Largest:
            plain = roi_pool(c4, [one, other], count, 1 / 16)
        else:
            plain = roi_align(c4, [one, other], count, 1 / 16, SAMPLES)
        assert len(which) == len(one) + len(other)
        whole = slice(0, len(bins))
        if len(bins):
            found = bins.inner(whole)[which], bins.short(whole)[which]
            torch.testing.assert_close(found[0], functional.relu(inner(plain)), atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(found[1], short(plain), atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(bins.inner(slice(len(bins) - 1, len(bins)))[0], bins.inner(whole)[-1])


def test_regions_rounded_to_the_same_are_one():
    c4 = torch.randn(1, 3, HEIGHT, WIDTH)
    near = torch.tensor([[17.0, 17.0, 47.0, 47.0], [15.0, 16.5, 50.0, 48.0], [17.0, 17.0, 60.0, 47.0]])
    bins = Largest(4, c4, [near], Product(nn.Conv2d(3, 4, 1)), Product(nn.Conv2d(3, 6, 1)))
    assert len(bins) == 2
    assert bins.which.tolist()[0] == bins.which.tolist()[1] != bins.which.tolist()[2]


@pytest.mark.parametrize("count", [1, 5, 1000])
def test_the_best_of_some_are_the_best_of_all(count):
    torch.manual_seed(0)
    corners = torch.rand(400, 2) * 60
    candidates = torch.cat([corners, corners + 20 + torch.rand(400, 2) * 20], dim=1)
    logits = torch.randn(400)
    expected = candidates[nms(candidates, logits, PROPOSAL_IOU)[:count]]
    torch.testing.assert_close(best_proposals(logits, candidates, count), expected)
    assert len(expected) == min(count, len(expected)) < 400


def test_only_so_many_candidates(monkeypatch):
    monkeypatch.setattr(proposals, "CANDIDATES", 3)
    candidates = torch.tensor([[n * 50.0, 0.0, n * 50.0 + 20, 20.0] for n in range(6)])
    candidates[5, 2] = candidates[5, 0]  # nothing in it
    found = best_proposals(torch.tensor([1.0, 5, 2, 4, 3, 9]), candidates, 10)
    torch.testing.assert_close(found, candidates[[1, 3, 4]])
