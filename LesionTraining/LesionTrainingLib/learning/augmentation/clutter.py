"""Laying the vessels of one patch over another: no patient's lung is as orderly as that of a phantom.

Domain randomisation for patches of lung, nodules and background alike: a nodule must be told from what lies around it
and crosses it, whatever that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .drawn import Drawn, chance


@dataclass(frozen=True)
class ClutterSettings:
    """How often, and what counts as lung with vessels.

    Attributes:
        share: chance that a patch gets the vessels of another one of its batch.
        vessel_hu: what is brighter in the other patch is laid over.
        most_dense: a patch with a greater share of such voxels is no patch of lung (wall, mediastinum) and lends nothing.
    """

    share: float = 0.3
    vessel_hu: float = -700.0
    most_dense: float = 0.15


@dataclass(frozen=True, eq=False)
class Lenders(Drawn):
    """Which patch of the global batch lends its vessels to each; -1 where none does.

    Attributes:
        lenders: [n] int64.
    """

    lenders: Tensor

    @classmethod
    def draw(cls, may_lend: Tensor, settings: ClutterSettings, generator: torch.Generator) -> Lenders:
        """For a whole global batch.

        Args:
            may_lend: [n] bool, which patches have no lesion.
        """
        count, able = len(may_lend), torch.nonzero(may_lend).flatten()
        takes = chance(count, settings.share, generator)
        drawn = torch.rand(count, generator=generator, dtype=torch.float64)
        if not len(able):
            return cls(torch.full((count,), -1))
        return cls(torch.where(takes, able[(drawn * len(able)).long()], -1))

    def takers(self) -> Tensor:
        """[m] which of these patches get vessels; ``lenders[takers]`` says whose."""
        return torch.nonzero(self.lenders >= 0).flatten()


def overlay_vessels(hu: Tensor, lent: Tensor, settings: ClutterSettings) -> Tensor:
    """Patches [n, 1, z, y, x] in HU with the vessels of others of the same shape, which are mirrored, so that they fit
    in nowhere; a new tensor. What turns out to be no lung lends nothing.
    """
    vessels = lent > settings.vessel_hu
    lung = vessels.flatten(1).float().mean(dim=1) <= settings.most_dense
    vessels &= lung.reshape(-1, *[1] * (hu.dim() - 1))
    axes = tuple(range(2, hu.dim()))
    return torch.where(vessels.flip(axes), torch.maximum(hu, lent.flip(axes)), hu)
