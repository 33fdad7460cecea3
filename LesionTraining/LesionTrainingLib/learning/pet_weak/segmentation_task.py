"""Fitting a network that segments both projections: the fully convolutional one by labels that a classifier made, the U-Net by
drawn tumours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.network import SegmentationNetwork
from torch import nn

from ..engine.networks import fresh
from ..engine.task import Peers, Share, Task, Term
from ..losses.soft_dice import cross_entropy, soft_dice
from .measuring import inputs_of, mean_row, segmentation_row
from .order import patient_order
from .samples import BoolArray, SampleMaker, Samples
from .settings import SEGMENTATION_TELLS, RecipeSettings
from .views import TrainingViews

NAME = "segmentation"


class SegmentationTask(Task[Samples]):
    """The tumours in either projection, one network for both: cross-entropy and soft Dice, each with the weight 1 [choice].

    Args:
        training, training_masks: cases to learn from, and of each, [2, h, w], what is to be learned.
        watched, watched_masks: the same of cases that it does not learn from, which a validation is of.
        device: where samples are put.

    Attributes:
        name: of the fit: its folder, its place in the record, and its random numbers.
    """

    network: SegmentationNetwork
    name = NAME

    def __init__(
        self,
        training: Sequence[TrainingViews],
        training_masks: Sequence[BoolArray],
        watched: Sequence[TrainingViews],
        watched_masks: Sequence[BoolArray],
        settings: RecipeSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.network = fresh(lambda: SegmentationNetwork(settings.architecture), seed, NAME)
        self._settings, self._device = settings, device
        self._watched = list(zip(watched, watched_masks, strict=True))
        self._maker = SampleMaker(training, settings, seed, NAME, device, training_masks)
        self._order = patient_order(self._maker.labels, settings.balanced, seed, NAME)
        self._digest = _digest_of([*training_masks, *watched_masks])

    @property
    def count(self) -> int:
        """How many cases are learned from."""
        return len(self._maker.labels)

    def ready_ahead(self, step: int) -> bool:
        return True

    def batch(self, step: int, size: int, share: Share) -> Samples:
        return self._maker.make(self._order.indices(step, size), step, share)

    def loss(self, network: nn.Module, batch: Samples, peers: Peers) -> Mapping[str, Term]:
        assert batch.masks is not None
        logits = network(batch.inputs)
        return {"cross-entropy": cross_entropy(logits, batch.masks), "dice": soft_dice(logits, batch.masks)}

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        own, rows = peers.share.of(self._watched), []
        for done, (one, mask) in enumerate(own):
            progress(done / len(own), f"Looking at case {done + 1} of {len(own)}")
            logits = self.network(inputs_of(one, self._settings.most_suv, self._device))[:, 0]
            rows.append(segmentation_row(logits.float(), mask, one, self._settings))
        return mean_row(rows, SEGMENTATION_TELLS, peers)

    def identity(self) -> dict[str, Any]:
        return {"settings": asdict(self._settings), "masks": self._digest, **self._maker.identity()}


def _digest_of(masks: Sequence[BoolArray]) -> str:
    found = hashlib.sha256()
    for mask in masks:
        found.update(np.packbits(mask).tobytes())
    return found.hexdigest()
