"""Faster R-CNN's second stage: what of C4 belongs to a proposal, and what is learned from proposals (paper, section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.ops import roi_align, roi_pool

from .architecture import ALIGN, STRIDE, LiverArchitecture
from .proposals import Sampling, lies_in

CLASSES = 2
"""Background and lesion."""
SAMPLES = 2
"""Of a bin along each axis with ``align``."""


class RegionHead(RoIHeads):  # type: ignore[misc]
    """torchvision's choice of what is learned from, and its last layers; the layers before are those of the backbone.

    Args:
        channels: of what the last layers look at.
    """

    def __init__(self, channels: int, sampling: Sampling) -> None:
        super().__init__(
            nn.Identity(),
            nn.Identity(),
            FastRCNNPredictor(channels, CLASSES),
            sampling.box_iou,
            sampling.box_iou,
            sampling.boxes,
            sampling.positive_boxes,
            None,  # weights of offsets: 10, 10, 5, 5
            0.0,
            0.5,
            100,
        )

    def drawn(
        self, proposals: Sequence[Tensor], targets: Sequence[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Proposals and lesions to learn from: of each slice their boxes [s, 4], labels [s], and the offsets to lesions [s, 4]."""
        lesions = [target["boxes"] for target in targets]
        whole = self.add_gt_proposals(list(proposals), lesions)
        matched, labels = self.assign_targets_to_proposals(whole, lesions, [target["labels"] for target in targets])
        for own, label, target in zip(whole, labels, targets, strict=True):
            label[(label == 0) & lies_in(own, target["neither"])] = -1
        boxes, offsets = [], []
        for n, chosen in enumerate(self.subsample(labels)):
            boxes.append(whole[n][chosen])
            labels[n] = labels[n][chosen]
            aim = lesions[n] if len(lesions[n]) else boxes[n].new_zeros(1, 4)
            offsets.append(self.box_coder.encode_single(aim[matched[n][chosen]], boxes[n]))
        return boxes, labels, offsets

    def loss(
        self, outputs: tuple[Tensor, Tensor], labels: list[Tensor], offsets: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Of the classes and of the boxes, from what the last layers gave for the boxes drawn."""
        logits, deltas = outputs
        if not len(logits):
            return logits.sum(), deltas.sum()
        classification, box = fastrcnn_loss(logits, deltas, labels, offsets)
        return classification, box

    def decoded(self, outputs: tuple[Tensor, Tensor], boxes: Tensor) -> tuple[Tensor, Tensor]:
        """[r, 4] boxes and [r] probabilities of proposals [r, 4]; float32."""
        logits, deltas = outputs
        found: Tensor = self.box_coder.decode_single(deltas.float()[:, 4:], boxes)
        return found, torch.softmax(logits.float(), dim=1)[:, 1]


def pooled(architecture: LiverArchitecture, c4: Tensor, boxes: Sequence[Tensor]) -> Tensor:
    """[regions, channels, roi_px, roi_px]: what of C4, [n, channels, y, x], lies in boxes of each slice, [r, 4] in pixels."""
    size, scale = architecture.roi_px, 1 / STRIDE
    if architecture.roi_pooling == ALIGN:
        # C4's place n has its centre at 16 n pixels: no half place is to be taken off.
        aligned: Tensor = roi_align(c4, list(boxes), size, scale, SAMPLES, aligned=False)
        return aligned
    largest: Tensor = roi_pool(c4, list(boxes), size, scale)
    return largest
