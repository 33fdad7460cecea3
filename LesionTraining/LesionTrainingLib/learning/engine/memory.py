"""What a failed attempt at a step must not leave behind, so that it can be made again with less at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .settings import EngineSettings


class Buffers:
    """The buffers of a network (running statistics of batch normalisation), to be put back.

    The copies are made once and written over at each step.
    """

    def __init__(self, network: nn.Module) -> None:
        self._kept: list[tuple[Tensor, Tensor]] = [(buffer, buffer.clone()) for buffer in network.buffers()]

    @torch.no_grad()
    def keep(self) -> None:
        for buffer, copy in self._kept:
            copy.copy_(buffer)

    @torch.no_grad()
    def put_back(self) -> None:
        for buffer, copy in self._kept:
            buffer.copy_(copy)


def less_at_once(parts: int, step: int, settings: EngineSettings) -> str:
    """The sentence that says that from here on batches are worked on in ``parts``."""
    size = -(-settings.batch // parts)
    return (
        f"The memory was full at step {step}: from there on each batch of {settings.batch} was worked on in {parts} "
        f"parts of at most {size}. Batch normalisation and what is decided over a batch saw these parts."
    )
