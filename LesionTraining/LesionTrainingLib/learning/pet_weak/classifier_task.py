"""Fitting the classifier: cross-entropy, and the distance of its maps from the annotated points (sections 2 and 2.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.network import CamNetwork
from torch import nn
from torch.nn import functional

from ..engine.networks import fresh
from ..engine.task import Peers, Share, Task, Term
from .distance_loss import distance_loss
from .measuring import classifier_row, inputs_of, mean_row
from .order import patient_order
from .samples import SampleMaker, Samples
from .settings import CLASSIFIER_TELLS, RecipeSettings
from .views import TrainingViews

NAME = "classification"


class ClassifierTask(Task[Samples]):
    """The class of a scan from either of its projections, one network for both, and maps that lie on the tumour.

    The loss is that of each projection alone, both of a patient in one batch (section 2). Its second term is of those with a
    tumour, and of the map of the scan's own class, as the paper has it.

    Args:
        training: cases to learn from.
        watched: cases that it does not learn from, which a validation is of.
        device: where samples are put.

    Attributes:
        name: of the fit: its folder, its place in the record, and its random numbers.
    """

    network: CamNetwork
    name = NAME

    def __init__(
        self,
        training: Sequence[TrainingViews],
        watched: Sequence[TrainingViews],
        settings: RecipeSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.network = fresh(lambda: CamNetwork(settings.architecture), seed, NAME)
        self._settings, self._device, self._watched = settings, device, watched
        self._maker = SampleMaker(training, settings, seed, NAME, device)
        self._order = patient_order(self._maker.labels, settings.balanced, seed, NAME)

    @property
    def count(self) -> int:
        """How many cases are learned from."""
        return len(self._maker.labels)

    def ready_ahead(self, step: int) -> bool:
        return True

    def batch(self, step: int, size: int, share: Share) -> Samples:
        return self._maker.make(self._order.indices(step, size), step, share)

    def loss(self, network: nn.Module, batch: Samples, peers: Peers) -> Mapping[str, Term]:
        logits, activations = network(batch.inputs)
        losses = functional.cross_entropy(logits.float(), batch.labels, reduction="sum")
        terms = {NAME: Term(losses, len(batch.labels))}
        if weight := self._settings.distance_weight:
            own = activations.float()[torch.arange(len(batch.labels), device=self._device), batch.labels]
            away = distance_loss(own, batch.points)
            terms["distance"] = Term(weight * away.sum(), (~batch.points.isnan().any(dim=1)).sum())
        return terms

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        own, rows = peers.share.of(self._watched), []
        for done, one in enumerate(own):
            progress(done / len(own), f"Looking at case {done + 1} of {len(own)}")
            logits, activations = self.network(inputs_of(one, self._settings.most_suv, self._device))
            rows.append(classifier_row(logits.float(), activations.float(), one, self._settings))
        return mean_row(rows, CLASSIFIER_TELLS, peers)

    def identity(self) -> dict[str, Any]:
        return {"settings": asdict(self._settings), **self._maker.identity()}
