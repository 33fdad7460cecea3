"""Fitting a single-box detector: the box of one lesion by its mean squared error (paper, section 4.1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.liver_ct.network import SingleBoxNetwork, boxes_of
from torch import Tensor, nn

from ..engine.task import Peers, Share, Task, Term
from ..losses.squared import squared_error
from ..sampling.epochs import EpochOrder
from ..sampling.spread import evenly
from ..slices.judged import ChosenSlice, JudgedSlice, chosen_slices, inputs_of
from ..slices.samples import SampleMaker
from ..slices.slices import TrainingSlices
from .largest import largest, mean_squared_error, sensitivity
from .settings import ERROR, LOSS, SENSITIVITY, RecipeSettings
from .starting import NAME, starting_network


@dataclass(frozen=True, eq=False)
class OneBoxBatch:
    """n slices of s x s pixels, of which m still show a lesion when they have been varied.

    Attributes:
        inputs: [n, 3, s, s] float32 in [-1, 1].
        shown: [m] int64, which these are.
        targets: [m, 4] float32 edges of the largest lesion, as shares of the side.
    """

    inputs: Tensor
    shown: Tensor
    targets: Tensor


class SingleBoxTask(Task[OneBoxBatch]):
    """The box of a slice's largest lesion; each slice with a lesion comes once a round, in random order.

    Args:
        training: slices to learn from; those without a lesion have no box, and are not learned from.
        watched: slices that it does not learn from, which a validation is of; the training slices where none of these shows a
            lesion.

    Raises:
        InputError: the initial weights cannot be used.
    """

    network: SingleBoxNetwork

    def __init__(
        self,
        training: Sequence[TrainingSlices],
        watched: Sequence[TrainingSlices],
        settings: RecipeSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        network = starting_network(settings, seed)
        assert isinstance(network, SingleBoxNetwork)
        self.network, self._settings, self._device = network, settings, device
        self._maker = SampleMaker(training, settings, seed, NAME, device)
        showing = [bool(len(case.lesions(n))) for case, n in chosen_slices(training)]
        self._learned = np.flatnonzero(showing)
        self._order = EpochOrder(len(self._learned), seed, NAME)
        every = slices_with_lesions(watched) or slices_with_lesions(training)
        self._watched = evenly(every, settings.validation_slices or len(every))

    def ready_ahead(self, step: int) -> bool:
        return True

    def batch(self, step: int, size: int, share: Share) -> OneBoxBatch:
        made = self._maker.make(self._learned[self._order.indices(step, size)], step, share)
        shown = [n for n, boxes in enumerate(made.boxes) if len(boxes)]
        targets = np.array([largest(made.boxes[n].numpy()) for n in shown]).reshape(-1, 4) / self._settings.size_px
        return OneBoxBatch(
            made.inputs,
            torch.tensor(shown, dtype=torch.int64, device=self._device),
            torch.from_numpy(targets).to(self._device, torch.float32),
        )

    def loss(self, network: nn.Module, batch: OneBoxBatch, peers: Peers) -> Mapping[str, Term]:
        return {ERROR: squared_error(network(batch.inputs)[batch.shown], batch.targets)}

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        """Of the watched slices: the error and the sensitivity of boxes as a user gets them, sorted and within the slice, and the
        loss, which is of what the network gives."""
        method, own = self._settings.method(), peers.share.of(self._watched)
        rows = torch.full((len(own), 3), float("nan"), dtype=torch.float64)
        done = 0
        for part, inputs in inputs_of(own, method.window_hu, progress):
            outputs = self.network(torch.from_numpy(inputs).to(self._device)).float()
            boxes = boxes_of(outputs, method.size_px).cpu().double().numpy()
            for one, output, box in zip(part, outputs.cpu().double().numpy(), boxes, strict=True):
                judged = JudgedSlice.of(one, box[None], np.ones(1))
                loss = np.square(output - largest(judged.truth) / method.size_px).mean()
                told = mean_squared_error([judged], method), sensitivity([judged]), loss
                rows[done] = torch.tensor(told, dtype=torch.float64)
                done += 1
        error, found, loss = peers.gather(rows).mean(dim=0).tolist()
        return {ERROR: error, SENSITIVITY: found, LOSS: loss}

    def identity(self) -> dict[str, Any]:
        return {"settings": asdict(self._settings), **self._maker.identity()}


def slices_with_lesions(cases: Sequence[TrainingSlices]) -> list[ChosenSlice]:
    """Of all slices those that show a lesion."""
    return [(case, n) for case, n in chosen_slices(cases) if len(case.lesions(n))]
