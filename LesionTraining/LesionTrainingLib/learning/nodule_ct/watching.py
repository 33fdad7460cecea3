"""How a network does on patches of the validation scans while it is fitted: curves for the eye, by which nothing is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from LesionDetectionLib.core.errors import InputError
from torch import Tensor
from torch.nn import functional

from ..engine.randomness import stream
from ..engine.task import Share
from .batches import BatchMaker
from .positions import PositionSampler, Samples
from .scans import TrainingScan
from .settings import RecipeSettings

PATCHES = 256
"""Half of them nodules; a forward pass of so many takes as long as two or three steps."""
_AT_ONCE = 64
_MINED = "mined"


class Watched:
    """The same patches every time, cut and varied as those of training are.

    Args:
        scans: none of which the network learns from.
        size_zyx: of a patch.
        negatives: weights of the kinds of places without a nodule; mined ones are left out, as they follow the network.
        name: of the stage.
    """

    def __init__(
        self,
        scans: Sequence[TrainingScan],
        size_zyx: tuple[int, int, int],
        negatives: Mapping[str, float],
        settings: RecipeSettings,
        window_hu: tuple[float, float],
        seed: int,
        name: str,
        device: torch.device,
    ) -> None:
        self._device, self._maker = device, None
        kinds = {kind: weight for kind, weight in negatives.items() if kind != _MINED and weight > 0}
        try:
            sampler = PositionSampler(scans, settings.sampling)
        except (InputError, IndexError):  # no nodules in them, or no scans: there is nothing to watch
            return
        random = stream(seed, name, "watched places", 0)
        positives = sampler.positives(PATCHES // 2, random)
        others = sampler.negatives(PATCHES - PATCHES // 2, kinds or {"lung": 1.0}, random)
        self._samples = Samples.join([positives, others])
        self._maker = BatchMaker(scans, size_zyx, window_hu, settings, seed, f"{name} watched", device)

    def measure(self, logits_of: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """``loss`` (cross entropy) and ``AUC``: the chance that a nodule scores more than another place. Empty where there is
        nothing to watch.

        Args:
            logits_of: [n, 1, z, y, x] in [0, 1] -> [n, 2] logits (background, nodule).
        """
        if self._maker is None:
            return {}
        batch = self._maker.make(self._samples, 0, Share())
        pieces = (batch.voxels[n : n + _AT_ONCE] for n in range(0, PATCHES, _AT_ONCE))
        parts = [logits_of(voxels.to(self._device)).float().cpu() for voxels in pieces]
        logits, labels = torch.cat(parts), batch.labels.cpu()
        loss = float(functional.cross_entropy(logits, labels))
        scores = (logits[:, 1] - logits[:, 0]).double()
        nodules, others = scores[labels == 1], scores[labels == 0]
        higher = (nodules[:, None] > others[None]).double() + 0.5 * (nodules[:, None] == others[None]).double()
        return {"loss": loss, "AUC": float(higher.mean())}
