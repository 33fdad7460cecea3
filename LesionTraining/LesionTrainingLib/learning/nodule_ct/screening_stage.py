"""Fitting the screening network with online sample filtering (Dou et al., MICCAI 2017, section 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import SCREENING_INPUT_ZYX, ScreeningFCN
from torch.nn import functional

from ..sample_filtering import select_informative
from .batches import BatchMaker
from .fitting import LossLog, descend, make_optimizer, on_device, set_learning_rate
from .mining import Mined
from .positions import PositionSampler, Samples
from .scans import TrainingScan
from .settings import RecipeSettings

Mine = Callable[[ScreeningFCN, Progress], Mined]
"""Runs a network on the training scans and tells where it is wrong."""


def fit_screening(
    scans: Sequence[TrainingScan],
    settings: RecipeSettings,
    window_hu: tuple[float, float],
    seed: int,
    device: torch.device,
    mine: Mine,
    progress: Progress,
) -> tuple[ScreeningFCN, list[float]]:
    """A fitted network in evaluation mode, and its loss in falling steps (means of equal parts of the training).

    Raises:
        Cancelled: see ``progress``.
    """
    torch.manual_seed(seed)
    network = on_device(ScreeningFCN(settings.screening), device)
    sampler = PositionSampler(scans, settings.sampling, seed)
    maker = BatchMaker(scans, SCREENING_INPUT_ZYX, window_hu, settings, seed)
    stage, log = settings.screening_stage, LossLog(settings.screening_stage.steps)
    optimizer = make_optimizer(network, stage)
    generator = torch.Generator().manual_seed(seed)
    round_steps = max(1, stage.steps // settings.mining_rounds)
    positives = round(settings.sampling.screening_positives * stage.batch)
    network.train()
    for step in range(stage.steps):
        if step and step % round_steps == 0:
            here = step / stage.steps
            sampler.mined = mine(network.eval(), progress.part(here, here)).negatives
            network.train()
        set_learning_rate(optimizer, stage, step)
        negatives = sampler.negatives(stage.batch - positives, settings.sampling.screening_negatives)
        batch = maker.make(Samples.join([sampler.positives(positives), negatives])).to(device)
        logits = network(batch.voxels)[:, :, 0, 0, 0]
        losses = functional.cross_entropy(logits, batch.labels, reduction="none")
        kept = select_informative(losses, settings.filtering, generator)
        descend(losses[kept].mean(), optimizer)
        log.add(float(losses.detach().mean()))
        progress((step + 1) / stage.steps, f"Screening network, loss {log.recent:.3f}")
    return network.eval(), log.parts()
