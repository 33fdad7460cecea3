"""From prepared slices to samples for a network: varied, cut, in [-1, 1], with boxes and masks of what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..augmentation.affine import warp
from ..augmentation.intensity import IntensityChanges, IntensitySettings, to_unit
from ..augmentation.spatial_2d import SliceSettings, SliceTransforms
from ..engine.randomness import torch_stream
from ..engine.task import Share
from .crops import Crops, in_square
from .settings import CropSettings
from .slices import TrainingSlices


class Sampling(Protocol):
    """What of a recipe's settings says how samples are made."""

    @property
    def size_px(self) -> int: ...
    @property
    def window_hu(self) -> tuple[float, float]: ...
    @property
    def variation(self) -> SliceSettings: ...
    @property
    def intensity(self) -> IntensitySettings: ...
    @property
    def crop(self) -> CropSettings: ...
    @property
    def sample_px(self) -> int: ...


@dataclass(frozen=True, eq=False)
class Samples:
    """n samples of h x h pixels.

    Attributes:
        inputs: [n, 3, h, h] float32 in [-1, 1], laid out channels last: oneDNN is faster then.
        masks: [n, h, h] int8: 1 for lesions, 0 for background, -1 for what is not learned from.
        boxes: of each sample, [k, 4] float64 edges of the lesions.
        neither: of each sample, [m, 4] float64 edges of what is neither lesion nor background.
    """

    inputs: Tensor
    masks: Tensor
    boxes: tuple[Tensor, ...]
    neither: tuple[Tensor, ...]


class SampleMaker:
    """Varies and cuts slices; what varies is drawn for the whole global batch, and follows from the step.

    Args:
        cases: whose slices are learned from.
        device: where slices are varied, and stay.
    """

    def __init__(
        self, cases: Sequence[TrainingSlices], settings: Sampling, seed: int, name: str, device: torch.device
    ) -> None:
        self._cases, self._settings, self._seed, self._name, self._device = cases, settings, seed, name, device
        self._at = [(case, n) for case in cases for n in range(len(case))]

    def __len__(self) -> int:
        """How many slices there are."""
        return len(self._at)

    def make(self, slices: npt.NDArray[np.int64], step: int, share: Share) -> Samples:
        """The own part of the global batch of these slices."""
        count, settings = len(slices), self._settings
        generator = torch_stream(self._seed, self._name, "variation", step)
        moves = share.of(SliceTransforms.draw(count, settings.variation, generator))
        crops = share.of(Crops.draw(count, settings.crop, generator))
        changes = share.of(IntensityChanges.draw(count, settings.intensity, generator))
        own = [self._at[index] for index in share.of(slices).tolist()]
        boxes, neither, corners = self._move_boxes(own, moves, crops)
        hu, masks = self._move_pixels(own, moves, corners)
        varied = hu if _are_none(changes) else changes.apply(hu)
        inputs = to_unit(varied, settings.window_hu).mul_(2).sub_(1).contiguous(memory_format=torch.channels_last)
        return Samples(inputs, masks, tuple(boxes), tuple(neither))

    def identity(self) -> dict[str, Any]:
        """What the samples depend on besides the step, in plain values."""
        told = {name: asdict(getattr(self._settings, name)) for name in ("variation", "intensity", "crop")}
        return {"cases": [case.identity for case in self._cases], **told, "seed": self._seed}

    def _move_boxes(
        self, own: Sequence[tuple[TrainingSlices, int]], moves: SliceTransforms, crops: Crops
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Of each sample the lesions' boxes and those that are neither lesion nor background, and [n, 2] where it begins."""
        whole, side, least = self._settings.size_px, self._settings.sample_px, moves.least_left
        lesions = moved_boxes(moves, [torch.from_numpy(case.boxes[case.lesions(n)]) for case, n in own], whole)
        others = moved_boxes(moves, [torch.from_numpy(case.boxes[case.neither(n)]) for case, n in own], whole)
        in_slice = torch.zeros(2, dtype=torch.int64)
        corners = crops.corners([in_square(one, in_slice, whole, least)[0] for one in lesions], whole, side)
        boxes, neither = [], []
        for lesion, other, corner in zip(lesions, others, corners, strict=True):
            # Of a lesion that the border cuts off for the most, the rest is no background.
            shown, rest = in_square(lesion, corner, side, least)
            boxes.append(shown)
            neither.append(torch.cat([in_square(other, corner, side, 0.0)[0], rest]))
        return boxes, neither, corners

    def _move_pixels(
        self, own: Sequence[tuple[TrainingSlices, int]], moves: SliceTransforms, corners: Tensor
    ) -> tuple[Tensor, Tensor]:
        """[n, 3, h, h] HU and [n, h, h] masks of the samples: moved and cut in one go."""
        whole, side = self._settings.size_px, self._settings.sample_px
        # From the middle of the slice to that of the square, (y, x).
        offsets = (whole - side) / 2 - corners.flip(1).to(torch.float64)
        shifts, size = moves.shifts * whole + offsets, (side, side)
        planes = torch.from_numpy(np.stack([case.planes[n] for case, n in own])).to(self._device)
        masks = torch.from_numpy(np.stack([case.masks[n][None] for case, n in own])).to(self._device)
        hu = warp(planes, moves.matrices, shifts, size, self._settings.window_hu[0]).to(torch.float32)
        return hu, warp(masks, moves.matrices, shifts, size, nearest=True)[:, 0]


def moved_boxes(moves: SliceTransforms, boxes: Sequence[Tensor], size_px: int) -> list[Tensor]:
    """Of each slice the boxes, [k, 4] edges, moved; they may reach beyond the slice.

    Lesions are round: it is the ellipse in a box that is moved, and the box around it taken. The box around the four moved
    corners would be larger by a tenth with every turn, and boxes would be learned that are too large.
    """
    centers = moves.move_points([(box[:, :2] + box[:, 2:]) / 2 for box in boxes], (size_px, size_px))
    found = []
    for center, box, matrix in zip(centers, boxes, moves.matrices, strict=True):
        half = ((box[:, 2:] - box[:, :2]) / 2).flip(1)  # y, x as the matrix has them
        reach = (half**2 @ (matrix**2).T).sqrt().flip(1)
        found.append(torch.cat([center - reach, center + reach], dim=1))
    return found


def _are_none(changes: IntensityChanges) -> bool:
    """Whether nothing is changed at all."""
    still = (changes.in_slice, changes.across, changes.noise, changes.relative_noise, changes.shift)
    return not any(bool(one.any()) for one in still) and bool((changes.contrast == 1).all())
