"""How patches are varied in space, and what becomes of the masks, points and boxes in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .affine import warp
from .drawn import Drawn, chance, uniform


@dataclass(frozen=True)
class GeometrySettings:
    """How patches are varied in space. Flips and quarter turns keep the voxels; whatever else is drawn interpolates them.

    Attributes:
        flip: chance of a flip along each axis.
        turn: turn by 0, 90, 180 or 270 degrees in the transverse plane, each as likely.
        scale_range: least and greatest magnification (Dou et al. print -0.9 and +1.1; the minus is a misprint).
        scale_share: chance that a patch is scaled at all. The others keep the scan's own voxels, uninterpolated, as the
            networks meet them later; positives and negatives alike, or sharpness alone would tell them apart.
        rotation_rad: greatest free rotation about each of the axes z, y, x, either way; in millimetres, so that round
            things stay round where voxels are not cubes.
        shear: greatest shear, either way: the shift of one axis by a voxel's way along another.
        shift_voxels: greatest shift along z, y, x, either way.
        free_share: chance that a patch is rotated, sheared and shifted at all.
    """

    flip: float = 0.5
    turn: bool = True
    scale_range: tuple[float, float] = (0.9, 1.1)
    scale_share: float = 0.5
    rotation_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shear: float = 0.0
    shift_voxels: tuple[float, float, float] = (0.0, 0.0, 0.0)
    free_share: float = 0.5


@dataclass(frozen=True)
class Reach:
    """How far into a scan the patches of a whole batch may reach: the same for all parts of it, so that each part is cut
    alike.

    Attributes:
        spans: 3 x 3, voxels along the scan's axes (rows) that a voxel along a patch's axis (columns) spans at most.
        shifts: greatest shift along z, y, x in voxels of the patch.
    """

    spans: tuple[tuple[float, ...], ...]
    shifts: tuple[float, ...]

    def box(self, size_zyx: tuple[int, int, int]) -> tuple[int, int, int]:
        """How large a box around a patch's centre holds all that it shows; as even or odd as the patch."""
        half = [n / 2 + by for n, by in zip(size_zyx, self.shifts, strict=True)]
        wanted = [2 * sum(span * h for span, h in zip(row, half, strict=True)) + 2 for row in self.spans]
        z, y, x = (n + 2 * math.ceil(max(0.0, want - n) / 2) for n, want in zip(size_zyx, wanted, strict=True))
        return z, y, x


@dataclass(frozen=True, eq=False)
class PatchTransforms(Drawn):
    """One transform a patch: content is flipped, then turned, then rotated and sheared, then scaled about the patch's
    centre, then shifted. On the processor, whatever device the patches are on.

    Attributes:
        flips: [n, 3] bool along z, y, x.
        turns: [n] int64 quarter turns in the transverse plane.
        scales: [n] magnification.
        free: [n, 3, 3] float64, rotation and shear.
        shifts: [n, 3] float64 voxels along z, y, x.
        reach: of all transforms that were drawn together.
    """

    flips: Tensor
    turns: Tensor
    scales: Tensor
    free: Tensor
    shifts: Tensor
    reach: Reach

    @classmethod
    def of(
        cls,
        flips: Tensor,
        turns: Tensor,
        scales: Tensor,
        free: Tensor | None = None,
        shifts: Tensor | None = None,
    ) -> PatchTransforms:
        """Transforms of given parts; what is left out does nothing."""
        count = len(flips)
        free = torch.eye(3, dtype=torch.float64).repeat(count, 1, 1) if free is None else free.to(torch.float64)
        shifts = torch.zeros(count, 3, dtype=torch.float64) if shifts is None else shifts.to(torch.float64)
        unknown = Reach(((0.0,) * 3,) * 3, (0.0,) * 3)
        made = cls(flips, turns, scales, free, shifts, unknown)
        if not count:
            return made
        spans = torch.linalg.inv(made.matrices()).abs().amax(dim=0)
        return replace(made, reach=Reach(tuple(map(tuple, spans.tolist())), tuple(shifts.abs().amax(dim=0).tolist())))

    @classmethod
    def identity(cls, count: int) -> PatchTransforms:
        return cls.of(torch.zeros(count, 3, dtype=torch.bool), torch.zeros(count, dtype=torch.int64), torch.ones(count))

    @classmethod
    def draw(
        cls,
        count: int,
        settings: GeometrySettings,
        generator: torch.Generator,
        spacing_zyx: npt.ArrayLike = (1.0, 1.0, 1.0),
    ) -> PatchTransforms:
        """Transforms of a whole global batch.

        Args:
            spacing_zyx: [3] or [n, 3] mm, for rotations; only its proportions matter.
        """
        scaled = chance(count, settings.scale_share, generator)
        scales = uniform(count, *settings.scale_range, generator)
        turns = torch.randint(0, 4 if settings.turn else 1, (count,), generator=generator)
        flips = torch.rand(count, 3, generator=generator) < settings.flip
        freed = chance(count, settings.free_share, generator).to(torch.float64)[:, None]
        angles = _either_way(count, settings.rotation_rad, generator) * freed
        shears = _either_way(count, (settings.shear,) * 6, generator) * freed
        shifts = _either_way(count, settings.shift_voxels, generator) * freed
        spacing = torch.as_tensor(np.asarray(spacing_zyx, dtype=np.float64)).expand(count, 3)
        free = _free(angles, shears, spacing)
        return cls.of(flips, turns, torch.where(scaled, scales, torch.ones(count)), free, shifts)

    def matrices(self) -> Tensor:
        """[n, 3, 3]: offset from the centre in the patch = matrix @ offset in the scan + shift; all (z, y, x) in voxels."""
        quarter = self.turns.to(torch.float64) * (torch.pi / 2)
        cosine, sine = torch.cos(quarter).round(), torch.sin(quarter).round()
        turn = torch.zeros(len(self.turns), 3, 3, dtype=torch.float64)
        turn[:, 0, 0] = 1
        turn[:, 1, 1], turn[:, 1, 2] = cosine, -sine
        turn[:, 2, 1], turn[:, 2, 2] = sine, cosine
        signs = 1.0 - 2.0 * self.flips.to(torch.float64)
        return self.scales.to(torch.float64)[:, None, None] * self.free @ (turn * signs[:, None, :])

    def is_still(self) -> Tensor:
        """[n] bool: whether a patch keeps its voxels, flipped and turned by quarters at most."""
        eye = torch.eye(3, dtype=torch.float64)
        moved = (self.free != eye).flatten(1).any(dim=1) | (self.shifts != 0).any(dim=1)
        return (self.scales == 1) & ~moved

    def offsets(self, offsets_zyx: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Where things at ``offsets_zyx``, [n, 3] voxels from the centres in the scans, come to lie in the patches."""
        moved: npt.NDArray[np.float64] = self.move(torch.from_numpy(offsets_zyx)[:, None])[:, 0].numpy()
        return moved

    def move(self, offsets_zyx: Tensor) -> Tensor:
        """The same for k things a patch: [n, k, 3] float64."""
        moved: Tensor = torch.einsum("nij,nkj->nki", self.matrices(), offsets_zyx.to(torch.float64))
        return moved + self.shifts[:, None]

    def move_boxes(self, boxes_zyx: Tensor) -> Tensor:
        """The boxes around what became of boxes.

        Args:
            boxes_zyx: [n, k, 6] lower corner (z, y, x), then upper corner, voxels from the centres.

        Returns:
            [n, k, 6] float64; around the eight moved corners.
        """
        corners = torch.cartesian_prod(*(torch.tensor((axis, axis + 3)) for axis in range(3)))
        boxes = boxes_zyx.to(torch.float64)
        moved = self.move(boxes[..., corners].flatten(1, 2)).reshape(*boxes.shape[:2], 8, 3)
        return torch.cat([moved.amin(dim=2), moved.amax(dim=2)], dim=-1)

    def apply(self, patches: Tensor, outside: float = 0.0, nearest: bool = False) -> Tensor:
        """Patches, [n, c, z, y, x] on any device, moved within their own frame; masks with ``nearest``.

        Where a patch is cut out of a scan, :func:`.patches.cut_patches` loses nothing at the border and is to be used.
        """
        return warp(patches, self.matrices(), self.shifts, patches.shape[2:], outside, nearest)


def _either_way(count: int, most: tuple[float, ...], generator: torch.Generator) -> Tensor:
    """[count, len(most)] float64 between minus and plus ``most``; always draws, so that settings do not shift streams."""
    drawn = 2 * torch.rand(count, len(most), generator=generator, dtype=torch.float64) - 1
    return drawn * torch.tensor(most, dtype=torch.float64)


def _free(angles: Tensor, shears: Tensor, spacing: Tensor) -> Tensor:
    """[n, 3, 3] in voxels: sheared, then rotated about x, y and z in millimetres."""
    rotation = torch.eye(3, dtype=torch.float64).repeat(len(angles), 1, 1)
    for axis in (2, 1, 0):
        first, second = (other for other in range(3) if other != axis)
        about = torch.eye(3, dtype=torch.float64).repeat(len(angles), 1, 1)
        cosine, sine = torch.cos(angles[:, axis]), torch.sin(angles[:, axis])
        about[:, first, first], about[:, first, second] = cosine, -sine
        about[:, second, first], about[:, second, second] = sine, cosine
        rotation = about @ rotation
    shear = torch.eye(3, dtype=torch.float64).repeat(len(angles), 1, 1)
    off_diagonal = [(i, j) for i in range(3) for j in range(3) if i != j]
    for number, (i, j) in enumerate(off_diagonal):
        shear[:, i, j] = shears[:, number]
    return (rotation * spacing[:, None, :] / spacing[:, :, None]) @ shear
