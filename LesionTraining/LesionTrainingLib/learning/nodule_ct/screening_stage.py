"""Fitting the screening network with online sample filtering (Dou et al., MICCAI 2017, section 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import SCREENING_INPUT_ZYX, ScreeningFCN
from torch import nn
from torch.nn import functional

from ..engine.networks import fresh
from ..engine.randomness import stream, torch_stream
from ..engine.task import Peers, Share, State, Task, Term
from ..sampling.filtering import select_informative
from .batches import Batch, BatchMaker
from .mining import Mined
from .positions import Places, PositionSampler, Samples
from .scans import TrainingScan
from .settings import RecipeSettings
from .watching import Watched

Mine = Callable[[ScreeningFCN, Peers, Progress], Mined]
"""Runs a network on the training scans and tells where it is wrong."""
NAME = "screening"


class ScreeningTask(Task[Batch]):
    """The first stage: nodule or not, of patches of 10 x 30 x 30 voxels; mined negatives join between equal parts.

    Args:
        scans: the training scans.
        device: where patches are put.
        mine: finds hard negatives on some of the scans.
        watched: scans that it does not learn from, to tell meanwhile how it does on them.
    """

    network: ScreeningFCN

    def __init__(
        self,
        scans: Sequence[TrainingScan],
        settings: RecipeSettings,
        window_hu: tuple[float, float],
        seed: int,
        device: torch.device,
        mine: Mine,
        watched: Sequence[TrainingScan] = (),
    ) -> None:
        self.network = fresh(lambda: ScreeningFCN(settings.screening), seed, NAME)
        self._settings, self._seed, self._device, self._mine = settings, seed, device, mine
        self._sampler = PositionSampler(scans, settings.sampling)
        self._maker = BatchMaker(scans, SCREENING_INPUT_ZYX, window_hu, settings, seed, NAME, device)
        self._mined_at = 0
        kinds = settings.sampling.screening_negatives
        self._watched = Watched(watched, SCREENING_INPUT_ZYX, kinds, settings, window_hu, seed, NAME, device)

    def ready_ahead(self, step: int) -> bool:
        return not self._mines_before(step)

    def _mines_before(self, step: int) -> bool:
        part = max(1, self._settings.screening_stage.steps // self._settings.mining_rounds)
        return bool(step) and step % part == 0 and step != self._mined_at

    def before_step(self, step: int, network: nn.Module, peers: Peers, progress: Progress) -> None:
        if self._mines_before(step):
            self._sampler.mined = self._mine(self.network.eval(), peers, progress).negatives
            self._mined_at = step

    def batch(self, step: int, size: int, share: Share) -> Batch:
        sampling, random = self._settings.sampling, stream(self._seed, NAME, "places", step)
        positives = round(sampling.screening_positives * size)
        negatives = self._sampler.negatives(size - positives, sampling.screening_negatives, random)
        samples = Samples.join([self._sampler.positives(positives, random), negatives])
        return self._maker.make(samples, step, share).to(self._device)

    def loss(self, network: nn.Module, batch: Batch, peers: Peers) -> Mapping[str, Term]:
        logits = network(batch.voxels)[:, :, 0, 0, 0]
        losses = functional.cross_entropy(logits.float(), batch.labels, reduction="none")
        every = peers.gather(losses)
        generator = torch_stream(self._seed, NAME, "easy samples", batch.step)
        kept = torch.zeros(len(every), device=losses.device)
        kept[select_informative(every, self._settings.filtering, generator)] = 1.0
        own = peers.own(kept)
        return {"classification": Term((losses * own).sum(), own.sum())}

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        return self._watched.measure(lambda voxels: network(voxels)[:, :, 0, 0, 0])

    def state(self) -> State:
        mined = self._sampler.mined
        return {"mined_at": self._mined_at, "scans": mined.scans, "zyx": mined.zyx}

    def restore(self, state: State) -> None:
        self._mined_at = int(state["mined_at"])
        self._sampler.mined = Places.join_arrays(state["scans"], state["zyx"])

    def identity(self) -> dict[str, Any]:
        return self._maker.identity()
