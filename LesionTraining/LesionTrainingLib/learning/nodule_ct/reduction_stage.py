"""Fitting the false-positive reduction network with the hybrid loss (Dou et al., MICCAI 2017, section 2.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import REDUCTION_INPUT_ZYX, ReductionResNet, ScreeningFCN

from ..hybrid_loss import hybrid_loss
from .batches import BatchMaker
from .fitting import LossLog, descend, make_optimizer, on_device, set_learning_rate
from .mining import Mined
from .positions import PositionSampler, Samples
from .scans import TrainingScan
from .settings import RecipeSettings


def fit_reduction(
    scans: Sequence[TrainingScan],
    screening: ScreeningFCN,
    mined: Mined,
    settings: RecipeSettings,
    window_hu: tuple[float, float],
    seed: int,
    device: torch.device,
    progress: Progress,
) -> tuple[ReductionResNet, list[float]]:
    """A fitted network in evaluation mode, its first layers begun from ``screening``; and its loss in falling steps.

    Raises:
        Cancelled: see ``progress``.
    """
    torch.manual_seed(seed)
    network = ReductionResNet(settings.reduction)
    network.start_from(screening)
    network = on_device(network, device)
    sampler = PositionSampler(scans, settings.sampling, seed)
    sampler.mined, sampler.proposals = mined.negatives, mined.proposals
    maker = BatchMaker(scans, REDUCTION_INPUT_ZYX, window_hu, settings, seed)
    stage, log = settings.reduction_stage, LossLog(settings.reduction_stage.steps)
    optimizer = make_optimizer(network, stage)
    sampling = settings.sampling
    positives = max(1, round(sampling.reduction_positives * stage.batch))
    network.train()
    for step in range(stage.steps):
        set_learning_rate(optimizer, stage, step)
        negatives = sampler.negatives(stage.batch - positives, sampling.reduction_negatives)
        batch = maker.make(Samples.join([sampler.positives(positives, sampling.proposed), negatives])).to(device)
        logits, regression = network(batch.voxels)
        classification, localisation = hybrid_loss(
            logits, regression, batch.labels, batch.targets, settings.regression_weight
        )
        loss = classification + localisation
        descend(loss, optimizer)
        log.add(float(loss.detach()))
        progress((step + 1) / stage.steps, f"Second network, loss {log.recent:.3f}")
    return network.eval(), log.parts()
