"""Fitting the false-positive reduction network with the hybrid loss (Dou et al., MICCAI 2017, section 2.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import REDUCTION_INPUT_ZYX, ReductionResNet, ScreeningFCN
from torch import nn

from ..engine.networks import fresh
from ..engine.randomness import stream
from ..engine.task import Peers, Share, Task, Term
from ..losses.hybrid import hybrid_loss
from .batches import Batch, BatchMaker
from .mining import Mined
from .positions import PositionSampler, Samples
from .scans import TrainingScan
from .settings import RecipeSettings
from .watching import Watched

NAME = "reduction"


class ReductionTask(Task[Batch]):
    """The second stage: what a candidate is, where and how large, of patches of 24 x 60 x 60 voxels.

    Args:
        scans: the training scans.
        screening: the first network, which gives the first layers' weights to begin with.
        mined: where it is wrong, and where it put its candidates.
        device: where patches are put.
        watched: scans that it does not learn from, to tell meanwhile how it does on them.
    """

    network: ReductionResNet

    def __init__(
        self,
        scans: Sequence[TrainingScan],
        screening: ScreeningFCN,
        mined: Mined,
        settings: RecipeSettings,
        window_hu: tuple[float, float],
        seed: int,
        device: torch.device,
        watched: Sequence[TrainingScan] = (),
    ) -> None:
        self.network = fresh(lambda: ReductionResNet(settings.reduction), seed, NAME)
        self.network.start_from(screening)
        self._settings, self._seed, self._device = settings, seed, device
        self._sampler = PositionSampler(scans, settings.sampling)
        self._sampler.mined, self._sampler.proposals = mined.negatives, mined.proposals
        self._maker = BatchMaker(scans, REDUCTION_INPUT_ZYX, window_hu, settings, seed, NAME, device)
        kinds = settings.sampling.reduction_negatives
        self._watched = Watched(watched, REDUCTION_INPUT_ZYX, kinds, settings, window_hu, seed, NAME, device)

    def ready_ahead(self, step: int) -> bool:
        return True

    def batch(self, step: int, size: int, share: Share) -> Batch:
        sampling, random = self._settings.sampling, stream(self._seed, NAME, "places", step)
        positives = max(1, round(sampling.reduction_positives * size))
        nodules = self._sampler.positives(positives, random, sampling.proposed)
        negatives = self._sampler.negatives(size - positives, sampling.reduction_negatives, random)
        return self._maker.make(Samples.join([nodules, negatives]), step, share).to(self._device)

    def loss(self, network: nn.Module, batch: Batch, peers: Peers) -> Mapping[str, Term]:
        logits, regression = network(batch.voxels)
        return hybrid_loss(logits, regression, batch.labels, batch.targets, self._settings.regression_weight)

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        return self._watched.measure(lambda voxels: network(voxels)[0])

    def identity(self) -> dict[str, Any]:
        return self._maker.identity()
