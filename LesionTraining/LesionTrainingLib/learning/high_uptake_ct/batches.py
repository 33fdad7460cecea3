"""From places to what the network is fitted on: patches in [0, 1], varied where that is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.methods.high_uptake_ct.network import CENTER_ZYX, PATCH_ZYX
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings
from torch import Tensor

from ..augmentation.drawn import Drawn
from ..augmentation.intensity import IntensityChanges, to_unit
from ..engine.randomness import torch_stream
from ..engine.task import Share
from .places import Places
from .settings import VariationSettings
from .slices import TrainingSlices

_ROWS, _COLUMNS = PATCH_ZYX[1:]
_UP, _LEFT = CENTER_ZYX[1:]


@dataclass(frozen=True, eq=False)
class Batch:
    """n samples.

    Attributes:
        patches: [n, 5, 75, 75] float32 in [0, 1], laid out channels last: oneDNN is 1.2 times as fast then.
        labels: [n] int64, 1 for an active lesion.
    """

    patches: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class Turns(Drawn):
    """How patches are flipped, then turned. All [n], on the processor.

    Attributes:
        flips: [n, 3] bool along slices, rows, columns.
        quarters: [n] int64 turns by 90 degrees in the slice.
    """

    flips: Tensor
    quarters: Tensor

    @classmethod
    def draw(cls, count: int, settings: VariationSettings, generator: torch.Generator) -> Turns:
        """Of a whole global batch."""
        quarters = torch.randint(0, 4 if settings.turn else 1, (count,), generator=generator)
        return cls(torch.rand(count, 3, generator=generator) < settings.flip, quarters)


class BatchMaker:
    """Cuts and varies patches; what varies is drawn for the whole global batch, and follows from the step.

    Args:
        cases: whose slices are cut.
        method: how HU become [0, 1].
        device: where patches are varied, and stay.
    """

    def __init__(
        self,
        cases: Sequence[TrainingSlices],
        method: HighUptakeSettings,
        variation: VariationSettings,
        seed: int,
        name: str,
        device: torch.device,
    ) -> None:
        self._cases, self._window, self._variation = cases, method.unit_window_hu, variation
        self._seed, self._name, self._device = seed, name, device

    def make(self, places: Places, step: int, share: Share) -> Batch:
        """The own part of the global batch at ``places``."""
        count, variation = len(places), self._variation
        generator = torch_stream(self._seed, self._name, "variation", step)
        turns = share.of(Turns.draw(count, variation, generator))
        changes = share.of(IntensityChanges.draw(count, variation.intensity, generator))
        own = places[np.arange(count)[share.index :: share.parts]]
        hu = torch.from_numpy(self._cut(own, turns)).to(self._device)
        varied = hu.to(torch.float32) if _are_none(changes) else changes.apply(hu)
        unit = to_unit(varied, self._window).contiguous(memory_format=torch.channels_last)
        return Batch(unit, torch.from_numpy(own.labels).to(self._device))

    def identity(self) -> dict[str, Any]:
        """What the samples depend on besides the places, in plain values."""
        cases = [one.identity for one in self._cases]
        return {"cases": cases, "variation": asdict(self._variation), "window": list(self._window), "seed": self._seed}

    def _cut(self, places: Places, turns: Turns) -> npt.NDArray[np.int16]:
        """[n, 5, 75, 75] HU; what lies outside a slice becomes 0 in the end."""
        air = np.int16(max(self._window[0], np.iinfo(np.int16).min))
        cut = np.empty((len(places), *PATCH_ZYX), dtype=np.int16)
        flips, quarters = turns.flips.tolist(), turns.quarters.tolist()
        tops, lefts = (places.rows - _UP).tolist(), (places.columns - _LEFT).tolist()
        for n, (case, index) in enumerate(zip(places.cases.tolist(), places.slices.tolist(), strict=True)):
            patch = _window_of(self._cases[case].stack(index), tops[n], lefts[n], air)
            patch = patch[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips[n])]
            cut[n] = np.rot90(patch, quarters[n], (1, 2)) if quarters[n] else patch
        return cut


def _window_of(stack: npt.NDArray[np.int16], top: int, left: int, outside: np.int16) -> npt.NDArray[np.int16]:
    """[5, 75, 75] of a stack from a row and column on, which may lie outside; a view where all of it is inside."""
    bottom, right = top + _ROWS, left + _COLUMNS
    if top >= 0 and left >= 0 and bottom <= stack.shape[1] and right <= stack.shape[2]:
        return stack[:, top:bottom, left:right]
    patch = np.full(PATCH_ZYX, outside, dtype=np.int16)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(bottom, stack.shape[1]), min(right, stack.shape[2])
    if y0 < y1 and x0 < x1:
        patch[:, y0 - top : y1 - top, x0 - left : x1 - left] = stack[:, y0:y1, x0:x1]
    return patch


def _are_none(changes: IntensityChanges) -> bool:
    """Whether nothing is changed at all."""
    still = (changes.in_slice, changes.across, changes.noise, changes.relative_noise, changes.shift)
    return not any(bool(one.any()) for one in still) and bool((changes.contrast == 1).all())
