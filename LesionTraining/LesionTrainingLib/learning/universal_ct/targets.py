"""What each anchor is taught: which lesion's it is, that there is none, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from LesionDetectionLib.methods.universal_ct.anchors import encode
from torch import Tensor

from ..losses.focal import IGNORED
from .settings import MatchingSettings


@dataclass(frozen=True, eq=False)
class Targets:
    """Of n samples with a anchors each; p = positive anchors of all.

    Attributes:
        labels: [n, a] int8: 1 for a lesion's anchor, 0 for background, ``IGNORED`` for what is not learned from.
        samples, anchors: [p] int64, which anchors are positive.
        offsets: [p, 4] float32 from these to their lesions' boxes, see :func:`..methods.universal_ct.anchors.encode`.
    """

    labels: Tensor
    samples: Tensor
    anchors: Tensor
    offsets: Tensor


def targets_of(
    anchors: Tensor, boxes: Sequence[Tensor], ignored: Sequence[Tensor], settings: MatchingSettings
) -> Targets:
    """The targets of samples.

    Args:
        anchors: [a, 4] edges, on the device where the targets are wanted.
        boxes: of each sample, [k, 4] edges of the lesions.
        ignored: of each sample, [m, 4] edges of what is neither lesion nor background.
    """
    labels, samples, found, offsets = [], [], [], []
    for n, (own, neither) in enumerate(zip(boxes, ignored, strict=True)):
        own = own.to(anchors)
        label, lesion = assign(anchors, own, neither.to(anchors), settings)
        positive = torch.nonzero(label == 1).flatten()
        labels.append(label)
        found.append(positive)
        samples.append(torch.full_like(positive, n))
        offsets.append(encode(own[lesion[positive]], anchors[positive]))
    return Targets(torch.stack(labels), torch.cat(samples), torch.cat(found), torch.cat(offsets))


def assign(anchors: Tensor, boxes: Tensor, ignored: Tensor, settings: MatchingSettings) -> tuple[Tensor, Tensor]:
    """Of one sample: [a] int8 labels as in :class:`Targets`, and [a] int64 the lesion that overlaps an anchor most.

    Args:
        anchors: [a, 4]; boxes: [k, 4]; ignored: [m, 4]; all edges, on one device.
    """
    labels = torch.zeros(len(anchors), dtype=torch.int8, device=anchors.device)
    lesion = torch.zeros(len(anchors), dtype=torch.int64, device=anchors.device)
    if len(ignored):
        share = _shared(anchors, ignored).sum(dim=1) / _area(anchors)
        labels[share >= settings.ignored_share] = IGNORED
    if len(boxes):
        shared = _shared(anchors, boxes)
        overlaps = shared / (_area(anchors)[:, None] + _area(boxes) - shared)
        best, lesion = overlaps.max(dim=1)
        labels[best >= settings.negative_iou] = IGNORED
        labels[best >= settings.positive_iou] = 1
        if settings.match_best:
            highest, anchor = overlaps.max(dim=0)
            # A lesion's own anchor is its, even where it overlaps another one more.
            reached = highest > 0
            labels[anchor[reached]] = 1
            lesion[anchor[reached]] = torch.nonzero(reached).flatten()
    return labels, lesion


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _shared(first: Tensor, second: Tensor) -> Tensor:
    """[a, b] area that boxes share."""
    x0, y0, x1, y1 = (column[:, None] for column in first.unbind(1))
    width = torch.minimum(x1, second[:, 2]) - torch.maximum(x0, second[:, 0])
    height = torch.minimum(y1, second[:, 3]) - torch.maximum(y0, second[:, 1])
    return width.clamp_(min=0) * height.clamp_(min=0)
