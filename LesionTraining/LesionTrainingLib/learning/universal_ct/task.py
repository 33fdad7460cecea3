"""Fitting the network: anchors by focal loss, boxes by smooth L1, the mask by focal loss (paper, sections 2.2 and 2.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.backbones.initial_weights import load_backbone
from LesionDetectionLib.methods.universal_ct.engine import SliceEngine
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from torch import nn

from ..engine.networks import fresh
from ..engine.task import Peers, Share, Task, Term
from ..losses.box import box_loss
from ..losses.focal import focal_loss
from ..sampling.epochs import EpochOrder
from ..slices.judged import as_rows, average_precision, chosen_slices
from ..slices.slices import TrainingSlices
from .batches import Batch, BatchMaker
from .judging import judge_each
from .settings import MONITOR, RecipeSettings

NAME = "detection"


class SliceTask(Task[Batch]):
    """Boxes and mask of lesions in slices; each slice comes once a round, in random order.

    Args:
        training: slices to learn from.
        watched: slices that it does not learn from, whose mAP decides; where none of them shows a lesion it is measured on the
            training slices.
        settings: with the network's anchors in the architecture.
        device: where samples are put.

    Raises:
        InputError: the initial weights cannot be used.
    """

    network: UniversalNetwork

    def __init__(
        self,
        training: Sequence[TrainingSlices],
        watched: Sequence[TrainingSlices],
        settings: RecipeSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.network = fresh(lambda: UniversalNetwork(settings.architecture), seed, NAME)
        if settings.initial_weights:
            load_backbone(self.network.backbone, Path(settings.initial_weights))
        self._settings, self._device = settings, device
        self._maker = BatchMaker(training, settings, seed, NAME, device)
        self._order = EpochOrder(len(self._maker), seed, NAME)
        showing = any(bool(one.counted.any()) for one in watched)
        self._watched = chosen_slices(watched if showing else training, settings.validation_slices)

    def ready_ahead(self, step: int) -> bool:
        return True

    def batch(self, step: int, size: int, share: Share) -> Batch:
        return self._maker.make(self._order.indices(step, size), step, share)

    def loss(self, network: nn.Module, batch: Batch, peers: Peers) -> Mapping[str, Term]:
        outputs, loss, targets = network(batch.inputs), self._settings.loss, batch.targets
        terms = {
            "classification": focal_loss(outputs.logits, targets.labels, loss.anchors),
            "box": box_loss(
                outputs.deltas[targets.samples, targets.anchors], targets.offsets, loss.beta, loss.box_weight
            ),
        }
        if outputs.mask is not None:
            terms["mask"] = focal_loss(outputs.mask, batch.masks, loss.pixels, loss.mask_weight)
        return terms

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        method, own = self._settings.method(), peers.share.of(self._watched)
        judged = judge_each(SliceEngine(self.network, self._device), own, method, progress)
        return {MONITOR: average_precision(peers.gather(as_rows(judged, method.most_boxes)))}

    def identity(self) -> dict[str, Any]:
        return {"settings": asdict(self._settings), **self._maker.identity()}
