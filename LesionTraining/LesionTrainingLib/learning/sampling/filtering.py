"""Online sample filtering: learn from the hard samples of each batch, on the fly (Dou et al., MICCAI 2017, section 2.1).

Which samples are hard is a question to the whole batch: where several processes share one, select on the losses of all
of them, then let each take its own part of :func:`informative`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class FilterSettings:
    """Which samples of a batch are learned from.

    Attributes:
        hard_share: share of the batch with the highest loss that stays (the paper: 50 %); 1 switches the filter off.
        easy_share: share of the rest, drawn at random, that stays (the paper: half).
    """

    hard_share: float = 0.5
    easy_share: float = 0.5


def select_informative(losses: Tensor, settings: FilterSettings, generator: torch.Generator) -> Tensor:
    """Indices of the samples to learn from, hard ones first.

    Of n samples, ceil(hard_share * n) with the highest loss stay, and round(easy_share * rest) of the rest at random:
    with the paper's shares 64 samples give 32 hard and 16 easy ones.

    Args:
        losses: [n] loss of each sample of the whole batch.
        settings: the two shares.
        generator: draws the easy samples; on the processor, so that it is the same on any device.

    Returns:
        [m] int64, each index once; on the device of ``losses``.
    """
    count = losses.numel()
    order = torch.argsort(losses.detach().flatten(), descending=True, stable=True)
    # The small part keeps 0.1 * 10 from becoming ceil(1.0000000000000002).
    hard = min(count, int(-((-settings.hard_share * count + 1e-9) // 1)))
    rest = order[hard:]
    easy = round(settings.easy_share * rest.numel())
    drawn = torch.randperm(rest.numel(), generator=generator)[:easy].to(order.device)
    return torch.cat([order[:hard], rest[drawn]])


def informative(losses: Tensor, settings: FilterSettings, generator: torch.Generator) -> Tensor:
    """The same as a mask: [n] bool, true for the samples to learn from; ``share.of(mask)`` is that of the own ones."""
    mask = torch.zeros(losses.numel(), dtype=torch.bool, device=losses.device)
    mask[select_informative(losses, settings, generator)] = True
    return mask
