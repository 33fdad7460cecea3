"""3D-RPET-Net fitted in each fold, and judged as the features are."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.core.progress import Progress
from torch import nn
from torch.nn import functional

from ..learning.engine.fit import fit
from ..learning.engine.randomness import global_generators_kept, seed_everything, stream
from ..learning.engine.settings import EngineSettings
from ..learning.engine.task import Peers, Share, Task, Term
from .cubes import Cubes
from .rpet_net import RpetNet
from .settings import RpetSettings, StudySettings
from .study import Study, study_of

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
_AT_ONCE = 16


def rpet_study(
    cubes: Cubes,
    outcomes: Mapping[str, bool],
    settings: StudySettings,
    rpet: RpetSettings,
    progress: Progress | None = None,
    folds: Sequence[Sequence[str]] | None = None,
) -> Study:
    """As :func:`.study.nested_cross_validation`, but what learns is the network, and what it sees are cubes.

    Nothing of it is tuned, so there are no inner folds. ``settings.permutations`` fit it anew each time: few, or none.
    """
    return study_of(cubes, outcomes, settings, LearnRpet(rpet, settings.threshold), progress, folds)


@dataclass(frozen=True)
class LearnRpet:
    """See :class:`.cross_validation.Learn`."""

    settings: RpetSettings
    threshold: float = 0.0

    def __call__(self, subjects: Cubes, positive: BoolArray, seed: int, progress: Progress) -> FittedRpet:
        task = _RpetTask(subjects.values, positive, self.settings, seed)
        engine = EngineSettings(
            steps=self.settings.steps,
            batch=self.settings.batch,
            learning_rate=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
            optimizer="adamw",
            schedule="cosine",
            precision="float32",
            checkpoint_seconds=0.0,
            log_every=self.settings.steps,
            tensorboard=False,
            seed=seed,
        )
        with tempfile.TemporaryDirectory(prefix="lesion-rpet-") as folder:
            fitted = fit(task, engine, Path(folder), self.settings.device, progress)
        return FittedRpet(fitted.network, self.threshold or float(positive.mean()))


@dataclass(frozen=True, eq=False)
class FittedRpet:
    """See :class:`.cross_validation.Classifier`."""

    network: nn.Module
    threshold: float
    chosen: tuple[str, ...] = ()
    tuned: Mapping[str, Any] = field(default_factory=dict)

    def probabilities(self, subjects: Cubes) -> FloatArray:
        device = next(self.network.parameters()).device
        parts = list[FloatArray]()
        with torch.inference_mode():
            for start in range(0, len(subjects.values), _AT_ONCE):
                cubes = torch.from_numpy(subjects.values[start : start + _AT_ONCE][:, None]).to(device)
                parts.append(torch.sigmoid(self.network(cubes)).double().cpu().numpy())
        return np.concatenate(parts)


class _RpetTask(Task[tuple[torch.Tensor, torch.Tensor]]):
    """Patients in an order of chance, each once before any comes again; mirrored by chance."""

    def __init__(self, cubes: npt.NDArray[np.float32], positive: BoolArray, settings: RpetSettings, seed: int) -> None:
        with global_generators_kept(torch.device("cpu")):
            seed_everything(seed, "rpet-net")
            self.network = RpetNet(settings.side, settings.widths, settings.hidden, settings.dropout)
        self._cubes, self._positive, self._flips, self._seed = cubes, positive, settings.flips, seed

    def batch(self, step: int, size: int, share: Share) -> tuple[torch.Tensor, torch.Tensor]:
        """[b, 1, s, s, s] cubes and [b] outcomes."""
        count = len(self._positive)
        drawn = [self._drawn(step * size + place, count) for place in range(size)]
        flips = stream(self._seed, "flips", step).random((size, 3)) < 0.5
        cubes = []
        for place, flip in zip(share.of(drawn), share.of(flips), strict=True):
            axes = tuple(axis for axis in range(3) if flip[axis]) if self._flips else ()
            cubes.append(np.flip(self._cubes[place], axes)[None])
        device = next(self.network.parameters()).device
        positive = self._positive[share.of(drawn)].astype(np.float32)
        return torch.from_numpy(np.stack(cubes)).to(device), torch.from_numpy(positive).to(device)

    def _drawn(self, place: int, count: int) -> int:
        epoch, within = divmod(place, count)
        return int(stream(self._seed, "order", epoch).permutation(count)[within])

    def loss(self, network: nn.Module, batch: tuple[torch.Tensor, torch.Tensor], peers: Peers) -> dict[str, Term]:
        cubes, positive = batch
        losses = functional.binary_cross_entropy_with_logits(network(cubes), positive, reduction="sum")
        return {"cross_entropy": Term(losses, len(positive))}
