"""Fitting the patch network with dynamically balanced batches (paper, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.high_uptake_ct.network import PatchNetwork
from torch import nn
from torch.nn import functional

from ..engine.networks import fresh
from ..engine.randomness import stream
from ..engine.task import Peers, Share, State, Task, Term
from ..sampling.class_balance import ClassBalance
from .batches import Batch, BatchMaker
from .places import LESION, PlaceSampler
from .settings import RecipeSettings, weights_above_zero
from .slices import TrainingSlices
from .watching import Watched

NAME = "similarity"


class PatchTask(Task[Batch]):
    """Active lesion or not, of the pixel in the middle of a patch of 5 x 75 x 75 voxels. The class of each sample is drawn
    first: that which the network gets wrong comes more often, by what is measured between the steps.

    Args:
        training: slices to learn from.
        watched: slices that it does not learn from, to measure both classes on; where none of them shows an active lesion, it
            is done on the training slices.
        device: where patches are put.

    Raises:
        InputError: no training slice shows an active lesion, or there is no background of the wanted kinds.
    """

    network: PatchNetwork

    def __init__(
        self,
        training: Sequence[TrainingSlices],
        watched: Sequence[TrainingSlices],
        settings: RecipeSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.network = fresh(lambda: PatchNetwork(settings.architecture), seed, NAME)
        self._settings, self._seed = settings, seed
        self._sampler = PlaceSampler(
            training, settings.sampling, list(weights_above_zero(settings.sampling.background))
        )
        method = settings.method()
        self._maker = BatchMaker(training, method, settings.variation, seed, NAME, device)
        self._balance = ClassBalance(2, settings.balance, seed, NAME)
        showing = any(bool((one.labels > 0).any()) for one in watched)
        self._watched = Watched(watched if showing else training, method, settings, seed, NAME, device)

    @property
    def lesion_pixels(self) -> int:
        """How many pixels of active lesions there are to learn from."""
        return self._sampler.lesion_count

    @property
    def background_pixels(self) -> int:
        """How many pixels of the slices are background."""
        return self._sampler.background_count

    @property
    def share_of_lesions(self) -> float:
        """How often a lesion is drawn now, of all samples."""
        return float(self._balance.probabilities[LESION])

    def ready_ahead(self, step: int) -> bool:
        return not self._balance.is_due(step)

    def before_step(self, step: int, network: nn.Module, peers: Peers, progress: Progress) -> None:
        if self._balance.is_due(step):
            self._balance.observe(self._watched.measure(network.eval(), peers, progress).accuracies, step)

    def batch(self, step: int, size: int, share: Share) -> Batch:
        classes = self._balance.draw(step, size)
        places = self._sampler.draw(classes, stream(self._seed, NAME, "places", step))
        return self._maker.make(places, step, share)

    def loss(self, network: nn.Module, batch: Batch, peers: Peers) -> Mapping[str, Term]:
        logits = network(batch.patches)
        losses = functional.cross_entropy(logits.float(), batch.labels, reduction="sum")
        return {"classification": Term(losses, len(batch.labels))}

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        metrics = self._watched.measure(network, peers, progress).metrics
        return {**metrics, "share of lesions": self.share_of_lesions}

    def state(self) -> State:
        return self._balance.state()

    def restore(self, state: State) -> None:
        self._balance.restore(state)

    def identity(self) -> dict[str, Any]:
        return {"settings": asdict(self._settings), **self._maker.identity()}
