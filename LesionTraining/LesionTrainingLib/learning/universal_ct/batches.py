"""Samples for this network: with the targets of all its anchors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.methods.universal_ct.anchors import anchor_boxes
from torch import Tensor

from ..engine.task import Share
from ..slices.samples import SampleMaker
from ..slices.slices import TrainingSlices
from .settings import RecipeSettings
from .targets import Targets, targets_of


@dataclass(frozen=True, eq=False)
class Batch:
    """n samples of h x h pixels; the first three are those of :class:`..slices.samples.Samples`.

    Attributes:
        targets: of all anchors.
    """

    inputs: Tensor
    masks: Tensor
    boxes: tuple[Tensor, ...]
    targets: Targets


class BatchMaker:
    """Makes batches as :class:`..slices.samples.SampleMaker` makes samples.

    Args:
        settings: with the network's anchors in the architecture.
    """

    def __init__(
        self, cases: Sequence[TrainingSlices], settings: RecipeSettings, seed: int, name: str, device: torch.device
    ) -> None:
        self._samples, self._matching = SampleMaker(cases, settings, seed, name, device), settings.matching
        side = settings.sample_px
        self._anchors = anchor_boxes(settings.architecture, side, side).to(device)

    def __len__(self) -> int:
        """How many slices there are."""
        return len(self._samples)

    def make(self, slices: npt.NDArray[np.int64], step: int, share: Share) -> Batch:
        """The own part of the global batch of these slices."""
        made = self._samples.make(slices, step, share)
        targets = targets_of(self._anchors, made.boxes, made.neither, self._matching)
        return Batch(made.inputs, made.masks, made.boxes, targets)

    def identity(self) -> dict[str, Any]:
        """What the samples depend on besides the step, in plain values."""
        return {**self._samples.identity(), "matching": asdict(self._matching)}
