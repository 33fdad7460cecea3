"""Which square of a slice a sample is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..augmentation.drawn import Drawn, chance
from .settings import CropSettings


@dataclass(frozen=True, eq=False)
class Crops(Drawn):
    """Drawn numbers, from which the square follows when the slice's boxes have been moved. All [n, ...].

    Attributes:
        anywhere: [n] bool.
        lesion: [n] in [0, 1), which of the slice's lesions is in the square.
        place: [n, 2] in [0, 1), where along x and y.
    """

    anywhere: Tensor
    lesion: Tensor
    place: Tensor

    @classmethod
    def draw(cls, count: int, settings: CropSettings, generator: torch.Generator) -> Crops:
        """Of a whole global batch."""
        return cls(
            chance(count, settings.anywhere, generator),
            torch.rand(count, generator=generator),
            torch.rand(count, 2, generator=generator),
        )

    def corners(self, boxes: Sequence[Tensor], slice_px: int, crop_px: int) -> Tensor:
        """[n, 2] int64 column and row of the squares' first pixels; the squares lie within the slices.

        A lesion that fits into the square lies wholly in it, anywhere in it; of a larger one the square is a part.

        Args:
            boxes: of each slice, [k, 4] edges of the lesions, within the slice.
        """
        most = slice_px - crop_px
        found = torch.zeros(len(self), 2, dtype=torch.int64)
        for n, own in enumerate(boxes):
            low, high = torch.zeros(2, dtype=torch.float64), torch.full((2,), float(most), dtype=torch.float64)
            if len(own) and not self.anywhere[n]:
                box = own[int(self.lesion[n] * len(own))].to(torch.float64)
                ends = torch.stack([box[2:] - crop_px, box[:2]])
                low, high = ends.amin(dim=0).clamp(0, most), ends.amax(dim=0).clamp(0, most)
            found[n] = (
                (low.ceil() + self.place[n] * (high.floor() - low.ceil() + 1).clamp(min=1)).floor().clamp(0, most)
            )
        return found


def in_square(boxes: Tensor, corner: Tensor, crop_px: int, least_left: float) -> tuple[Tensor, Tensor]:
    """Boxes, [k, 4], as they lie in a square.

    Returns:
        [m, 4] those of which ``least_left`` of the area or more is in the square, clipped to it; and [r, 4] the parts of the
        others that are in it.
    """
    moved = boxes - corner.to(boxes).repeat(2)
    clipped = moved.clamp(0, crop_px)
    left, whole = _area(clipped), _area(moved)
    kept = (left >= least_left * whole) & (left > 0)
    return clipped[kept], clipped[~kept & (left > 0)]


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
