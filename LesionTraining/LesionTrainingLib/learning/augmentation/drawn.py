"""Tables of drawn values, one row a sample."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Self = TypeVar("Self", bound="Drawn")
Rows = slice | Tensor | npt.NDArray[Any] | list[int]
"""Which samples, as one indexes an array: a slice, indices, or a mask."""


class Drawn:
    """Base of frozen dataclasses whose tensors have one row a sample; fields that are no tensors hold for all."""

    def __len__(self) -> int:
        return len(next(value for value in self._tensors().values()))

    def __getitem__(self: Self, rows: Rows) -> Self:
        """The rows of some samples, in that order; so that ``share.of(drawn)`` works."""
        index = torch.from_numpy(rows) if isinstance(rows, np.ndarray) else rows
        return replace(self, **{name: value[index] for name, value in self._tensors().items()})  # type: ignore[type-var]

    def _tensors(self) -> dict[str, Tensor]:
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """[count] float32 between ``low`` and ``high``."""
    return low + (high - low) * torch.rand(count, generator=generator)


def chance(count: int, probability: float, generator: torch.Generator) -> Tensor:
    """[count] bool, true with ``probability``."""
    return torch.rand(count, generator=generator) < probability


def seeds(count: int, generator: torch.Generator) -> Tensor:
    """[count] int64: one a sample, to draw what is too much to be drawn for the whole global batch (see :func:`noise`)."""
    return torch.randint(2**62, (count,), generator=generator)


def noise(sample_seeds: Tensor, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """[n, *shape] standard normal numbers, each sample's from its own seed; as fast as one call for all.

    On another kind of device the same seeds give other numbers.
    """
    result = torch.empty(len(sample_seeds), *shape, device=device)
    generator = torch.Generator(device)
    for row, seed in zip(result, sample_seeds.tolist(), strict=True):
        generator.manual_seed(seed)
        torch.randn(shape, generator=generator, out=row)
    return result
