"""Faster R-CNN (Ren et al. 2015) on ResNet-50's C4, with the paper's anchors (section 4.3), of torchvision's parts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.ops import clip_boxes_to_image, nms

from ..backbones.resnet import ResNet50
from .architecture import FASTER_RCNN, STRIDE, LiverArchitecture
from .boxes import Limits, Rectangle
from .freezing import Freezable
from .proposals import ProposalNetwork, Sampling, best_proposals
from .regions import RegionHead, pooled

LOSSES = RPN_CLASSIFICATION, RPN_BOX, CLASSIFICATION, BOX = ("rpn_classification", "rpn_box", "classification", "box")
"""Those of Fig. 6."""


class FasterRcnn(Freezable):
    """C4 proposes regions; ResNet-50's last stage looks at each of them on its own.

    Input: [n, 3, h, w] in [-1, 1], the slice that is looked at in the middle; h and w are multiples of 16.

    Args:
        sampling: what it learns from.

    Raises:
        ValueError: an architecture that cannot be, or of another detector.
    """

    backbone: ResNet50

    def __init__(self, architecture: LiverArchitecture, sampling: Sampling | None = None) -> None:
        super().__init__()
        if problem := architecture.problem():
            raise ValueError(problem)
        if architecture.detector != FASTER_RCNN:
            raise ValueError(f"“{architecture.detector}” is not Faster R-CNN")
        sampling = sampling or Sampling()
        self.architecture, self.sampling = architecture, sampling
        self.backbone = ResNet50(architecture.resnet_base)
        self.rpn = ProposalNetwork(self.backbone.widths[3], architecture, sampling)
        self.head = RegionHead(self.backbone.widths[4], sampling)

    def forward(self, slices: Tensor, boxes: Sequence[Tensor], neither: Sequence[Tensor]) -> dict[str, Tensor]:
        """The four losses, in training and in evaluation mode.

        Which anchors and proposals are learned from is drawn with torch's generator of the slices' device.

        Args:
            boxes: of each slice, [k, 4] edges of the lesions in pixels.
            neither: of each slice, [m, 4] edges of what is neither lesion nor background.

        Returns:
            The mean of each of :data:`LOSSES` over what was drawn.
        """
        # Lesions take their number format from C4, and proposals theirs from the offsets: bfloat16 would move an edge at 300 pixels by
        # one.
        c4 = self.features(slices).float()
        logits, deltas = (one.float() for one in self.propose(c4))
        targets = [
            {
                "boxes": box.to(c4),
                "neither": other.to(c4),
                "labels": torch.ones(len(box), dtype=torch.int64, device=c4.device),
            }
            for box, other in zip(boxes, neither, strict=True)
        ]
        rpn_classification, rpn_box = self._first_losses(c4, logits, deltas, targets)
        found = self.proposals(c4, logits.detach(), deltas.detach(), self.sampling.proposals)
        drawn, labels, offsets = self.head.drawn(found, targets)
        classification, box = self.head.loss(self.judge(c4, drawn), labels, offsets)
        return dict(zip(LOSSES, (rpn_classification, rpn_box, classification, box), strict=True))

    def find(
        self, slices: Tensor, limits: Limits, within: Sequence[Rectangle | None] | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """The plain way from slices to boxes; the engine's reference.

        Args:
            within: of each slice edges in pixels; only proposals whose centre lies in them are judged.

        Returns:
            Of each slice [m, 4] edges in pixels, clipped to it, and [m] probabilities, falling.
        """
        size = (slices.shape[2], slices.shape[3])
        with torch.no_grad():
            c4 = self.features(slices)
            proposals = self.proposals(c4, *self.propose(c4), limits.proposals, within)
            boxes, probability = self.head.decoded(self.judge(c4, proposals), torch.cat(proposals))
        counts = [len(one) for one in proposals]
        each = zip(torch.split(boxes, counts), torch.split(probability, counts), strict=True)
        return [kept_boxes(own, chance, size, limits) for own, chance in each]

    def features(self, slices: Tensor) -> Tensor:
        """C4: [n, channels, h / 16, w / 16]."""
        c4: Tensor = self.backbone(slices, 4)[3]
        return c4

    def propose(self, c4: Tensor) -> tuple[Tensor, Tensor]:
        """Of each anchor: [n, a] logits of a lesion in it, and [n, a, 4] offsets to a box."""
        logits, deltas = concat_box_prediction_layers(*self.rpn.head([c4]))
        return logits.reshape(len(c4), -1), deltas.reshape(len(c4), -1, 4)

    def proposals(
        self,
        c4: Tensor,
        logits: Tensor,
        deltas: Tensor,
        count: int,
        within: Sequence[Rectangle | None] | None = None,
    ) -> list[Tensor]:
        """Of each slice [p, 4] proposals, see :func:`.proposals.best_proposals`."""
        height, width = (STRIDE * size for size in c4.shape[2:])
        anchors, found = self.rpn.anchors(c4, deltas.device), []
        for n, (own, offsets) in enumerate(zip(logits, deltas, strict=True)):
            boxes = clip_boxes_to_image(self.rpn.box_coder.decode_single(offsets, anchors), (height, width))
            found.append(best_proposals(own, boxes, count, None if within is None else within[n]))
        return found

    def judge(self, c4: Tensor, boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """[r, 2] logits of the classes and [r, 8] offsets for the boxes of all slices."""
        regions = pooled(self.architecture, c4, boxes)
        logits, deltas = self.head.box_predictor(self.backbone.layer4(regions).mean(dim=(2, 3)))
        return logits, deltas

    def _first_losses(
        self, c4: Tensor, logits: Tensor, deltas: Tensor, targets: list[dict[str, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        """Eq. 1: of the classes, and of the boxes."""
        anchors = [self.rpn.anchors(c4, c4.device)] * len(c4)
        labels, matched = self.rpn.assign_targets_to_anchors(anchors, targets)
        if all(bool((label < 0).all()) for label in labels):
            return logits.sum() * 0, deltas.sum() * 0
        offsets = self.rpn.box_coder.encode(matched, anchors)
        classification, box = self.rpn.compute_loss(logits.reshape(-1, 1), deltas.reshape(-1, 4), labels, offsets)
        return classification, box


def kept_boxes(boxes: Tensor, probability: Tensor, size: tuple[int, int], limits: Limits) -> tuple[Tensor, Tensor]:
    """Of one slice of height x width pixels: boxes [r, 4] clipped, without those that overlap a better one.

    Returns:
        [m, 4] and [m], the most probable first.
    """
    boxes = clip_boxes_to_image(boxes, size)
    wanted = (probability >= limits.least_probability) & (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    boxes, probability = boxes[wanted], probability[wanted]
    best = nms(boxes, probability, limits.nms_iou)[: limits.most_boxes]
    return boxes[best], probability[best]
