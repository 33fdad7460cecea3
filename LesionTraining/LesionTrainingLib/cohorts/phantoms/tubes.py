"""Painting very many short tubes: vessels and airways, each in its own small box, all in a few array operations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fields import Float32, Grid

_BATCH_VOXELS = 400_000
"""Voxels evaluated together: small enough to stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Tubes:
    """Straight pieces with round ends.

    Attributes:
        start, end: [n, 3] RAS mm.
        start_radius, end_radius: [n] mm.
    """

    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    start_radius: npt.NDArray[np.float64]
    end_radius: npt.NDArray[np.float64]

    @classmethod
    def along(cls, points: npt.NDArray[np.float64], radii: npt.NDArray[np.float64]) -> Tubes:
        """One tube through ``points``, [n, 3] RAS mm."""
        return cls(points[:-1], points[1:], radii[:-1], radii[1:])

    @classmethod
    def of(cls, parts: list[Tubes]) -> Tubes:
        return cls(
            np.concatenate([p.start for p in parts]),
            np.concatenate([p.end for p in parts]),
            np.concatenate([p.start_radius for p in parts]),
            np.concatenate([p.end_radius for p in parts]),
        )

    def grown(self, by_mm: float, share: float = 0.0) -> Tubes:
        """The same pieces, thicker by ``by_mm`` plus a ``share`` of the radius."""
        return Tubes(
            self.start, self.end, self.start_radius * (1 + share) + by_mm, self.end_radius * (1 + share) + by_mm
        )

    def chosen(self, which: npt.NDArray[np.bool_]) -> Tubes:
        return Tubes(self.start[which], self.end[which], self.start_radius[which], self.end_radius[which])

    def cut_up(self, longest_mm: float) -> Tubes:
        """The same tubes in pieces of at most ``longest_mm``, whose boxes are less empty."""
        pieces = np.maximum(1, np.ceil(np.linalg.norm(self.end - self.start, axis=1) / longest_mm)).astype(int)
        which = np.repeat(np.arange(len(pieces)), pieces)
        first = np.repeat(np.cumsum(pieces) - pieces, pieces)
        step = (np.arange(len(which)) - first) / pieces[which]
        stop = step + 1 / pieces[which]
        axis, slope = (self.end - self.start)[which], (self.end_radius - self.start_radius)[which]
        start, radius = self.start[which], self.start_radius[which]
        return Tubes(
            start + step[:, None] * axis, start + stop[:, None] * axis, radius + step * slope, radius + stop * slope
        )


def tube_cover(grid: Grid, tubes: Tubes, out: npt.NDArray[np.uint8]) -> None:
    """Raise ``out``, [k, j, i], to the share (255 = all) of each voxel that the tubes cover.

    A tube thinner than a voxel covers its cross-section's share of it, so that small vessels fade as they do in a scan.
    """
    shape = np.array(grid.geometry.shape_kji)
    spacing = np.array(grid.geometry.spacing_mm)
    width = float(np.cbrt(spacing.prod()))
    start, end = grid.geometry.ijk_from_ras(tubes.start), grid.geometry.ijk_from_ras(tubes.end)
    reach = (np.maximum(tubes.start_radius, tubes.end_radius) + width)[:, None] / spacing
    low = np.floor(np.minimum(start, end) - reach).astype(int)
    size = np.ceil(np.maximum(start, end) + reach).astype(int) + 1 - low
    inside = np.all((low + size > 0) & (low < shape[::-1]), axis=1)
    size = (size + 1) // 2 * 2  # fewer different sizes, bigger batches
    keys = (size[:, 2] << 20) | (size[:, 1] << 10) | size[:, 0]
    flat = out.reshape(-1)
    for key in np.unique(keys[inside]):
        members = np.nonzero((keys == key) & inside)[0]
        box = size[members[0]]
        step = max(1, _BATCH_VOXELS // int(box.prod()))
        for first in range(0, len(members), step):
            chosen = members[first : first + step]
            share = _box_cover(start[chosen], end[chosen], tubes, chosen, low[chosen], box, spacing, width)
            _raise(flat, share, low[chosen], box, shape)


def _box_cover(
    start: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
    tubes: Tubes,
    chosen: npt.NDArray[np.int64],
    low: npt.NDArray[np.int64],
    box: npt.NDArray[np.int64],
    spacing: npt.NDArray[np.float64],
    width: float,
) -> Float32:
    """[n, k, j, i]: the covered share of each voxel of each tube's box."""
    axis = ((end - start) * spacing).astype(np.float32)
    offset = ((low - start) * spacing).astype(np.float32)
    length2 = np.maximum((axis**2).sum(1), 1e-6)
    along: list[Float32] = []
    for n, mm in enumerate(spacing):
        line = offset[:, n, None] + np.arange(box[n], dtype=np.float32) * np.float32(mm)
        shape = [len(chosen), 1, 1, 1]
        shape[3 - n] = int(box[n])
        along.append(line.astype(np.float32).reshape(shape))
    each = (slice(None), None, None, None)
    share = along[2] * axis[:, 2][each] + along[1] * axis[:, 1][each] + along[0] * axis[:, 0][each]
    share /= length2[each]
    np.clip(share, 0, 1, out=share)
    away = np.zeros_like(share)
    for n in range(3):
        away += (along[n] - share * axis[:, n][each]) ** 2
    np.sqrt(away, out=away)
    r0 = tubes.start_radius[chosen].astype(np.float32)[each]
    slope = (tubes.end_radius - tubes.start_radius)[chosen].astype(np.float32)[each]
    radius = r0 + share * slope
    full = np.minimum(1, np.pi * radius**2 / (width * width))
    covered: Float32 = np.clip(0.5 + (radius - away) * np.float32(1 / width), 0, 1) * full
    return covered


def _raise(
    flat: npt.NDArray[np.uint8],
    share: Float32,
    low: npt.NDArray[np.int64],
    box: npt.NDArray[np.int64],
    shape: npt.NDArray[np.int64],
) -> None:
    k, j, i = (low[:, n, None] + np.arange(box[n]) for n in (2, 1, 0))
    index = (k[:, :, None, None] * shape[1] + j[:, None, :, None]) * shape[2] + i[:, None, None, :]
    valid = (
        ((k >= 0) & (k < shape[0]))[:, :, None, None]
        & ((j >= 0) & (j < shape[1]))[:, None, :, None]
        & ((i >= 0) & (i < shape[2]))[:, None, None, :]
    )
    keep = valid & (share > 0)
    np.maximum.at(flat, index[keep], (share[keep] * 255 + 0.5).astype(np.uint8))


def blend(volume: Float32, covered: npt.NDArray[np.uint8], hu: float) -> None:
    """Mix ``hu`` into ``volume`` where ``covered`` (255 = all), in place, slice by slice."""
    for k in range(volume.shape[0]):
        index = np.flatnonzero(covered[k])
        if index.size:
            plane = volume[k].reshape(-1)
            here = plane[index]
            plane[index] = here + covered[k].reshape(-1)[index] * np.float32(1 / 255) * (np.float32(hu) - here)
