"""Laying the vessels of one patch over another: no patient's lung is as orderly as that of a phantom.

Domain randomisation for patches of lung, nodules and background alike: a nodule must be told from what lies around it
and crosses it, whatever that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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


def overlay_vessels(hu: Tensor, labels: Tensor, settings: ClutterSettings, generator: torch.Generator) -> Tensor:
    """Patches [n, 1, z, y, x] in HU, some with the vessels of another; a new tensor.

    Only patches without a nodule (``labels`` 0, [n]) lend their vessels, mirrored, so that they fit in nowhere.
    """
    dense = (hu > settings.vessel_hu).flatten(1).float().mean(dim=1)
    lenders = torch.nonzero((labels == 0) & (dense <= settings.most_dense)).flatten()
    takers = torch.nonzero(torch.rand(len(hu), generator=generator) < settings.share).flatten()
    result = hu.clone()
    if len(lenders) and len(takers):
        lent = hu[lenders[torch.randint(len(lenders), (len(takers),), generator=generator)]].flip(2, 3, 4)
        own = hu[takers]
        result[takers] = torch.where(lent > settings.vessel_hu, torch.maximum(own, lent), own)
    return result
