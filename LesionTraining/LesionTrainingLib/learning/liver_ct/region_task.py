"""Fitting Faster R-CNN: proposals and detector at the same time (paper, section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.liver_ct.engine import SliceEngine
from LesionDetectionLib.methods.liver_ct.faster_rcnn import LOSSES, FasterRcnn
from torch import Tensor, nn

from ..engine.randomness import global_generators_kept, seed_everything
from ..engine.task import Peers, Share, Task, Term
from ..sampling.epochs import EpochOrder
from ..slices.judged import ChosenSlice, as_rows, average_precision, chosen_slices, inputs_of
from ..slices.samples import SampleMaker, Samples
from ..slices.slices import TrainingSlices
from .judging import judge_each
from .settings import LOSS, MEAN_PRECISION, RecipeSettings
from .starting import NAME, starting_network


class RegionTask(Task[Samples]):
    """Proposals, and what they are; each slice comes once a round, in random order.

    Which anchors and proposals are learned from is drawn from torch's global generator, which the engine sets anew at every
    step: a resumed fit draws what an unbroken one does. Several processes, or several parts of a batch, draw other ones than
    one does, and each loss is a mean over what was drawn.

    Args:
        training: slices to learn from; those without a lesion are background.
        watched: slices that it does not learn from, whose mAP decides; where none of them shows a lesion it is measured on the
            training slices.

    Raises:
        InputError: the initial weights cannot be used.
    """

    network: FasterRcnn

    def __init__(
        self,
        training: Sequence[TrainingSlices],
        watched: Sequence[TrainingSlices],
        settings: RecipeSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        network = starting_network(settings, seed)
        assert isinstance(network, FasterRcnn)
        self.network, self._settings, self._device, self._seed = network, settings, device, seed
        self._maker = SampleMaker(training, settings, seed, NAME, device)
        self._order = EpochOrder(len(self._maker), seed, NAME)
        showing = any(bool(one.counted.any()) for one in watched)
        self._watched = chosen_slices(watched if showing else training, settings.validation_slices)

    def ready_ahead(self, step: int) -> bool:
        return True

    def batch(self, step: int, size: int, share: Share) -> Samples:
        return self._maker.make(self._order.indices(step, size), step, share)

    def loss(self, network: nn.Module, batch: Samples, peers: Peers) -> Mapping[str, Term]:
        count = len(batch.inputs)
        means = network(batch.inputs, self._placed(batch.boxes), self._placed(batch.neither))
        return {name: Term(means[name] * count, count) for name in LOSSES}

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        """The mAP of the watched slices, and their losses (Fig. 6), which are the same for the same weights."""
        method, own = self._settings.method(), peers.share.of(self._watched)
        engine = SliceEngine(self.network, self._device)
        judged = judge_each(engine, own, method, progress.part(0, 0.5))
        losses = peers.gather(self._losses(own, progress.part(0.5, 1))).mean(dim=0)
        found = {name: float(value) for name, value in zip(LOSSES, losses, strict=True)}
        precision = average_precision(peers.gather(as_rows(judged, method.most_boxes)))
        return {MEAN_PRECISION: precision, **found, LOSS: float(losses.sum())}

    def _losses(self, slices: Sequence[ChosenSlice], progress: Progress) -> Tensor:
        """[n, 4] of each slice alone, float64. What is drawn follows from the slice, and not from the step."""
        rows = torch.zeros(len(slices), len(LOSSES), dtype=torch.float64)
        done = 0
        with global_generators_kept(self._device):
            for part, inputs in inputs_of(slices, self._settings.window_hu, progress):
                for (case, n), one in zip(part, torch.from_numpy(inputs).to(self._device), strict=True):
                    seed_everything(self._seed, NAME, "validation", case.names[n])
                    boxes = self._placed([torch.from_numpy(case.boxes[case.lesions(n)])])
                    neither = self._placed([torch.from_numpy(case.boxes[case.neither(n)])])
                    means = self.network(one[None], boxes, neither)
                    rows[done] = torch.stack([means[name].double() for name in LOSSES]).cpu()
                    done += 1
        return rows

    def _placed(self, boxes: Sequence[Tensor]) -> list[Tensor]:
        return [one.to(self._device, torch.float32) for one in boxes]

    def identity(self) -> dict[str, Any]:
        return {"settings": asdict(self._settings), **self._maker.identity()}
