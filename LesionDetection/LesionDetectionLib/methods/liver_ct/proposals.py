"""Faster R-CNN's first stage: anchors, what it learns from, and the boxes that it proposes (paper, section 4.3 and Eq. 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import nms

from .architecture import STRIDE, LiverArchitecture
from .boxes import Rectangle

CANDIDATES = 2000
"""Of all anchors so many, the most probable, can become proposals [choice]."""
PROPOSAL_IOU = 0.7
"""Of two proposals that overlap more, only the more probable is kept (Ren et al. 2015)."""
IGNORED_SHARE = 0.5
"""A box so much of which lies in what is neither lesion nor background is not learned from [choice], as in ``universal-ct``."""
_SMALLEST_PX = 1e-3


@dataclass(frozen=True)
class Sampling:
    """What Faster R-CNN learns from in each slice; the defaults are those of Ren et al. 2015 and torchvision.

    Attributes:
        anchor_positive_iou, anchor_negative_iou: with a lesion, from which on and below which an anchor is one of it, and
            background (section 4.3); the anchor that overlaps a lesion most is always one of it.
        anchors, positive_anchors: so many are drawn, and at most this share of them is of lesions.
        proposals: so many are compared with the lesions.
        box_iou: with a lesion, from which on a proposal is one of it; below, it is background.
        boxes, positive_boxes: so many proposals are drawn, and at most this share of them is of lesions.
    """

    anchor_positive_iou: float = 0.7
    anchor_negative_iou: float = 0.3
    anchors: int = 256
    positive_anchors: float = 0.5
    proposals: int = 2000
    box_iou: float = 0.5
    boxes: int = 128
    positive_boxes: float = 0.25


class Anchors(AnchorGenerator):  # type: ignore[misc]
    """torchvision's, whose sides are not rounded to whole pixels: 16 square pixels of ratio 2 are 11.3 x 22.6, not 12 x 22.

    Their centres lie at multiples of 16 pixels, where those of C4's places do (to half a pixel).
    """

    def generate_anchors(
        self,
        scales: Sequence[float],
        aspect_ratios: Sequence[float],
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> Tensor:
        sizes = torch.as_tensor(scales, dtype=dtype, device=device)
        stretch = torch.as_tensor(aspect_ratios, dtype=dtype, device=device).sqrt()[:, None]
        half = torch.stack([(sizes / stretch).flatten(), (sizes * stretch).flatten()], dim=1) / 2
        return torch.cat([-half, half], dim=1)


class ProposalNetwork(RegionProposalNetwork):  # type: ignore[misc]
    """torchvision's; nothing is learned from anchors in what is neither lesion nor background."""

    def __init__(self, channels: int, architecture: LiverArchitecture, sampling: Sampling) -> None:
        nowhere = {"training": CANDIDATES, "testing": CANDIDATES}
        super().__init__(
            Anchors((architecture.sizes,), (architecture.ratios,)),
            RPNHead(channels, architecture.anchors),
            sampling.anchor_positive_iou,
            sampling.anchor_negative_iou,
            sampling.anchors,
            sampling.positive_anchors,
            nowhere,
            nowhere,
            PROPOSAL_IOU,
        )

    def anchors(self, c4: Tensor, device: torch.device) -> Tensor:
        """[a, 4] edges of the anchors of a slice, row by row, on the device; some reach beyond it.

        In float32, whatever C4's format: the anchor generator takes that of its map, and in bfloat16 edges would be up to two pixels
        off.
        """
        rows, columns = c4.shape[2:]
        size = (STRIDE * rows, STRIDE * columns)
        # Only their sizes, format and device are looked at.
        like = torch.empty(1, 1, 1, 1, device=device)
        anchors: list[Tensor] = self.anchor_generator(
            ImageList(like.expand(1, 1, *size), [size]), [like.expand(1, 1, rows, columns)]
        )
        return anchors[0]

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        labels, matched = super().assign_targets_to_anchors(anchors, targets)
        for own, label, target in zip(anchors, labels, targets, strict=True):
            label[(label == 0) & lies_in(own, target["neither"])] = -1
        return labels, matched


def lies_in(boxes: Tensor, regions: Tensor) -> Tensor:
    """[a] whether a box, [a, 4], lies in the regions, [m, 4], with :data:`IGNORED_SHARE` or more of its area."""
    low = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2).sum(dim=1)
    return (shared > 0) & (shared >= IGNORED_SHARE * (boxes[:, 2:] - boxes[:, :2]).prod(dim=1))


def best_proposals(logits: Tensor, boxes: Tensor, count: int, within: Rectangle | None = None) -> Tensor:
    """Of one slice: [p, 4] at most ``count`` proposals, the most probable first, without those that overlap a better one.

    Args:
        logits: [a]; boxes: [a, 4] clipped to the slice.
        within: edges in pixels; only boxes whose centre lies in it are proposed.
    """
    wanted = (boxes[:, 2:] - boxes[:, :2]).amin(dim=1) >= _SMALLEST_PX
    if within is not None:
        center = (boxes[:, :2] + boxes[:, 2:]) / 2
        corners = torch.tensor(within, dtype=boxes.dtype, device=boxes.device)
        wanted &= ((center >= corners[:2]) & (center <= corners[2:])).all(dim=1)
    logits, boxes = logits[wanted], boxes[wanted]
    best, where = torch.topk(logits, min(CANDIDATES, len(logits)))
    boxes, tried = boxes[where], 2 * count
    # What is kept of the first of them does not depend on those that follow.
    while len(kept := nms(boxes[:tried], best[:tried], PROPOSAL_IOU)) < count and tried < len(boxes):
        tried *= 2
    return boxes[kept[:count]]
