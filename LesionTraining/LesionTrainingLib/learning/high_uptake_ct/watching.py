"""How well the network tells lesion from background on slices that it does not learn from: every pixel of active lesions, and
as many of the background (paper, section 3, "Handling Extremely Imbalanced Data Sets")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings
from torch import Tensor, nn
from torch.nn import functional

from ...evaluation.metrics.roc import auc_of_each
from ..engine.randomness import stream
from ..engine.task import Peers, Share
from ..sampling.class_balance import class_accuracies
from .batches import BatchMaker
from .places import LESION, NO_LESION, Places, PlaceSampler
from .settings import INACTIVE, RecipeSettings, VariationSettings
from .slices import TrainingSlices

MOST_INACTIVE = 512
"""Places near what looks like an active lesion and is none, for a figure of its own."""
_AT_ONCE = 256
_STILL = VariationSettings()


@dataclass(frozen=True)
class Measured:
    """What came of a look.

    Attributes:
        accuracies: of background and lesion.
        metrics: ``loss`` (cross entropy, both classes as often), ``balanced accuracy``, ``AUC`` (how often a lesion's pixel
            scores higher than one of the background), and ``AUC against inactive`` where such places are known.
    """

    accuracies: tuple[float, float]
    metrics: dict[str, float]


class Watched:
    """The same pixels every time, cut as the detector sees them, without variation.

    Args:
        cases: whose slices are measured on; at least one shows an active lesion.
        settings: ``balance_most`` of the lesion's pixels at most; background as it is drawn in training.

    Raises:
        InputError: see :class:`.places.PlaceSampler`.
    """

    def __init__(
        self,
        cases: Sequence[TrainingSlices],
        method: HighUptakeSettings,
        settings: RecipeSettings,
        seed: int,
        name: str,
        device: torch.device,
    ) -> None:
        sampler = PlaceSampler(cases, settings.sampling)
        random = stream(seed, name, "watched places")
        lesions = sampler.all_lesions(settings.balance_most, random)
        parts = [lesions, sampler.background(len(lesions), random)]
        self._both = 2 * len(lesions)
        if sampler.count(INACTIVE):
            parts.append(sampler.background(min(MOST_INACTIVE, len(lesions)), random, INACTIVE))
        self._places = Places.join(parts)
        self._maker = BatchMaker(cases, method, _STILL, seed, f"{name} watched", device)

    def __len__(self) -> int:
        return len(self._places)

    def measure(self, network: nn.Module, peers: Peers, progress: Progress) -> Measured:
        """Look with a network in evaluation mode; several processes share the work and all get the result.

        Raises:
            Cancelled: see ``progress``.
        """
        own = self._places[np.arange(len(self))[peers.rank :: peers.world]]
        found = [torch.zeros(0, 2)]
        with torch.no_grad():
            for start in range(0, len(own), _AT_ONCE):
                progress(start / len(own), "Measuring on validation slices")
                batch = self._maker.make(own[start : start + _AT_ONCE], 0, Share())
                found.append(network(batch.patches).float().cpu())
        logits = peers.gather(torch.cat(found))
        both, labels = logits[: self._both], torch.from_numpy(self._places.labels[: self._both])
        accuracies = class_accuracies(both.argmax(dim=1).numpy(), labels.numpy(), 2)
        scores = (logits[:, LESION] - logits[:, NO_LESION]).double()
        metrics = {
            "loss": float(functional.cross_entropy(both, labels)),
            "balanced accuracy": float(accuracies.mean()),
            "AUC": _auc(scores[: self._both], labels),
        }
        if len(self) > self._both:
            lesions = self._both // 2
            against = torch.cat([scores[:lesions], scores[self._both :]])
            metrics["AUC against inactive"] = _auc(against, torch.arange(len(against)) < lesions)
        return Measured((float(accuracies[NO_LESION]), float(accuracies[LESION])), metrics)


def _auc(scores: Tensor, positive: Tensor) -> float:
    return float(auc_of_each(scores.numpy()[None], positive.numpy().astype(bool)[None])[0])
