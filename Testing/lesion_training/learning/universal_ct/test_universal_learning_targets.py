"""What anchors are taught: by their overlap with lesions, nothing between the two limits, nothing in what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.imaging.rectangles import iou
from LesionDetectionLib.methods.universal_ct.anchors import anchor_boxes, decode
from LesionTrainingLib.learning.universal_ct.settings import MatchingSettings
from LesionTrainingLib.learning.universal_ct.targets import assign, targets_of
from universal_cases import TINY

ANCHORS = anchor_boxes(TINY, 64, 64)
NONE = torch.zeros(0, 4)


def drawn(seed, count):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 50, (count, 2))
    return torch.from_numpy(np.concatenate([low, low + random.uniform(4, 40, (count, 2))], axis=1)).float()


@given(st.integers(0, 10**6), st.integers(0, 4), st.booleans())
def test_labels_are_those_of_the_overlap(seed, count, best):
    boxes = drawn(seed, count)
    labels, lesion = assign(ANCHORS, boxes, NONE, MatchingSettings(match_best=best))
    overlaps = iou(ANCHORS.numpy(), boxes.numpy())
    highest = overlaps.max(axis=1, initial=0)
    clear = (np.abs(highest - 0.5) > 1e-5) & (np.abs(highest - 0.4) > 1e-5)
    expected = np.where(highest >= 0.5, 1, np.where(highest >= 0.4, -1, 0))
    given_best = overlaps.argmax(axis=0) if best else []
    clear[given_best] = False
    assert np.array_equal(labels.numpy()[clear], expected[clear])
    assert (labels.numpy()[given_best] == 1).all()
    positive = np.flatnonzero((labels.numpy() == 1) & clear)
    assert np.allclose(overlaps[positive, lesion.numpy()[positive]], highest[positive], atol=1e-5)


def test_the_best_anchor_of_a_lesion_is_its_own():
    # Twice as wide as the largest anchor that lies so, and one that an anchor reaches.
    boxes = torch.tensor([[0.0, 30.0, 64.0, 36.0], [20.0, 20.0, 36.0, 36.0]])
    without, _ = assign(ANCHORS, boxes, NONE, MatchingSettings())
    labels, lesion = assign(ANCHORS, boxes, NONE, MatchingSettings(match_best=True))
    assert set(lesion[labels == 1].tolist()) == {0, 1}
    more = torch.nonzero((labels == 1) & (without != 1)).flatten()
    assert lesion[more].tolist() == [0]


def test_in_what_is_left_out_nothing_is_taught_but_lesions():
    boxes, ignored = torch.tensor([[20.0, 20.0, 36.0, 36.0]]), torch.tensor([[0.0, 0.0, 40.0, 64.0]])
    plain, _ = assign(ANCHORS, boxes, NONE, MatchingSettings())
    labels, _ = assign(ANCHORS, boxes, ignored, MatchingSettings())
    assert torch.equal(labels == 1, plain == 1)
    inside = (ANCHORS[:, 0] >= 0) & (ANCHORS[:, 2] <= 40) & (ANCHORS[:, 1] >= 0) & (ANCHORS[:, 3] <= 64)
    assert (labels[inside & (plain != 1)] == -1).all()
    assert inside.any()
    beyond = ANCHORS[:, 0] >= 40
    assert torch.equal(labels[beyond], plain[beyond])


def test_offsets_lead_from_anchors_to_lesions():
    boxes = [drawn(1, 3), NONE, drawn(2, 2)]
    found = targets_of(ANCHORS, boxes, [NONE] * 3, replace(MatchingSettings(), match_best=True))
    assert found.labels.shape == (3, len(ANCHORS))
    assert not (found.labels[1] == 1).any()
    assert set(found.samples.tolist()) == {0, 2}
    assert len(found.anchors) == (found.labels == 1).sum()
    for sample, anchor, offset in zip(found.samples, found.anchors, found.offsets, strict=True):
        back = decode(offset, ANCHORS[anchor])
        assert (back - boxes[sample]).abs().amax(dim=1).min() < 1e-3
