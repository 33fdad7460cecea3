"""How slices are varied in space, with their boxes and masks (improved RetinaNet on DeepLesion: flips, rotation and shear
of 0.1 rad, scale and shift of 10 %).

Box coordinates are those of edges: pixel i covers [i, i + 1], an image n pixels wide [0, n], its centre is n / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .affine import warp
from .drawn import Drawn, chance, uniform


@dataclass(frozen=True)
class SliceSettings:
    """How slices are varied. Each value is drawn evenly, either way.

    Attributes:
        flip: chance of a flip along y, and along x.
        rotation_rad, shear_rad: greatest rotation, and greatest angle by which the vertical is sheared.
        scale: greatest share by which a slice is magnified or made smaller.
        shift: greatest shift along y and x, as a share of the slice's size.
        share: chance of all but the flips; the other slices keep their own pixels, uninterpolated.
        least_left: a box is dropped when less than this share of its moved area lies within the slice.
    """

    flip: float = 0.5
    rotation_rad: float = 0.1
    shear_rad: float = 0.1
    scale: float = 0.1
    shift: float = 0.1
    share: float = 1.0
    least_left: float = 0.25


@dataclass(frozen=True, eq=False)
class SliceTransforms(Drawn):
    """One transform a slice: content is flipped, sheared, rotated and scaled about the slice's centre, then shifted.

    Attributes:
        matrices: [n, 2, 2] float64: offset from the centre = matrix @ former offset + shift; (y, x) in pixels.
        shifts: [n, 2] float64, as shares of the slice's size along y, x.
        least_left: see the settings.
    """

    matrices: Tensor
    shifts: Tensor
    least_left: float = 0.25

    @classmethod
    def identity(cls, count: int) -> SliceTransforms:
        eye = torch.eye(2, dtype=torch.float64)
        return cls(eye.repeat(count, 1, 1), torch.zeros(count, 2, dtype=torch.float64))

    @classmethod
    def draw(cls, count: int, settings: SliceSettings, generator: torch.Generator) -> SliceTransforms:
        """Transforms of a whole global batch."""
        moved = chance(count, settings.share, generator).to(torch.float64)

        def either_way(most: float) -> Tensor:
            return uniform(count, -most, most, generator).to(torch.float64) * moved

        signs = 1.0 - 2.0 * (torch.rand(count, 2, generator=generator) < settings.flip).to(torch.float64)
        angle, shear = either_way(settings.rotation_rad), torch.tan(either_way(settings.shear_rad))
        scale = 1.0 + either_way(settings.scale)
        cosine, sine = torch.cos(angle), torch.sin(angle)
        # rotation @ [[1, 0], [shear, 1]]: x follows y, as in a leaning letter.
        leaning = torch.stack([cosine - sine * shear, -sine, sine + cosine * shear, cosine], dim=1)
        matrices = leaning.reshape(count, 2, 2)
        shifts = torch.stack([either_way(settings.shift), either_way(settings.shift)], dim=1)
        return cls(scale[:, None, None] * matrices * signs[:, None, :], shifts, settings.least_left)

    def apply(self, slices: Tensor, outside: float = 0.0, nearest: bool = False) -> Tensor:
        """Slices, [n, c, y, x] on any device, moved within their own frame; masks with ``nearest``."""
        size = slices.shape[2:]
        return warp(slices, self.matrices, self._pixels(size), size, outside, nearest)

    def move_points(self, points_xy: Sequence[Tensor], size_yx: tuple[int, int]) -> list[Tensor]:
        """Where points of each slice, [k, 2] x and y, come to lie; k may differ between slices. Of the points' type."""
        moved = []
        center = torch.tensor(size_yx, dtype=torch.float64) / 2
        for points, matrix, shift in zip(points_xy, self.matrices, self._pixels(size_yx), strict=True):
            offsets = points.detach().to("cpu", torch.float64).flip(-1) - center
            moved.append((offsets @ matrix.T + shift + center).flip(-1).to(points))
        return moved

    def move_boxes(self, boxes_xyxy: Sequence[Tensor], size_yx: tuple[int, int]) -> tuple[list[Tensor], list[Tensor]]:
        """The boxes around the four moved corners of boxes, clipped to the slice.

        Args:
            boxes_xyxy: of each slice, [k, 4].

        Returns:
            Of each slice: [m, 4] boxes, and [m] indices of what they were; what lies outside for the most is dropped.
        """
        height, width = size_yx
        boxes, kept = [], []
        corners = self.move_points([box[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2) for box in boxes_xyxy], size_yx)
        for points in corners:
            each = points.reshape(-1, 4, 2)
            whole = torch.cat([each.amin(dim=1), each.amax(dim=1)], dim=1)
            clipped = whole.clamp(min=0).minimum(whole.new_tensor([width, height, width, height]))
            left = _area(clipped)
            rows = torch.nonzero((left >= self.least_left * _area(whole)) & (left > 0)).flatten()
            boxes.append(clipped[rows])
            kept.append(rows)
        return boxes, kept

    def _pixels(self, size_yx: Sequence[int]) -> Tensor:
        return self.shifts * torch.tensor(tuple(size_yx), dtype=torch.float64)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
