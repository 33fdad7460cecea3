"""How a lesion of a body phantom is mixed into the painted body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .body_fields import BodyFields
from .body_kinds import Kind, Look
from .chest_patient import Patient
from .fields import Float32, Grid
from .nodules import Covered
from .petct_shapes import Outline

_FWHM = 2.3548


@dataclass(frozen=True, eq=False)
class Scene:
    """What lesions are painted into.

    Attributes:
        volume: [k, j, i] HU, changed in place.
        vessels: [k, j, i] share of vessel or airway, 255 being all.
    """

    grid: Grid
    volume: Float32
    vessels: npt.NDArray[np.uint8]
    patient: Patient
    fields: BodyFields


@dataclass(frozen=True, eq=False)
class Placed:
    """A lesion that has its place.

    Attributes:
        shape: its outline in RAS mm.
        covered: what it covers of the grid, without vessels that it keeps free.
        reach_mm: distance from its middle to the farthest point of its surface.
    """

    kind: Kind
    diameter_mm: float
    shape: Outline
    covered: Covered
    reach_mm: float


def paint(scene: Scene, one: Placed, look: Look, rng: np.random.Generator) -> None:
    """Mix the lesion into the volume."""
    where = one.covered.slices_kji
    box, share = scene.volume[where], one.covered.share
    mm = scene.grid.geometry.spacing_mm[::-1]
    if one.kind.halo_mm:
        _fat_round(scene, one)
    white = rng.standard_normal(share.shape, dtype=np.float32)
    grain = ndimage.gaussian_filter(white, [look.texture_mm / _FWHM / n for n in mm], mode="wrap")
    value = look.hu + grain * np.float32(look.texture_hu / max(float(grain.std()), 1e-6))
    inside = share >= 0.5
    depth = np.asarray(
        ndimage.distance_transform_edt(np.pad(inside, ((0, 0), (1, 1), (1, 1))), sampling=mm), np.float32
    )
    depth = depth[:, 1:-1, 1:-1]
    if look.rim_hu:
        value = value + look.rim_hu * np.clip(1.5 - depth / look.rim_mm, 0, 1)
    if np.isfinite(look.core_hu):
        deepest = float(depth.max())
        core = np.clip(
            (depth - (1 - look.core_size) * deepest) / 2.0 + 0.25 * grain / max(float(grain.std()), 1e-6), 0, 1
        )
        value = value + core * (look.core_hu + 0.3 * (value - look.hu) - value)
    painted = share
    if look.edge_mm > 0.25:
        blur = ndimage.gaussian_filter(share, [0.0, look.edge_mm / mm[1], look.edge_mm / mm[2]])
        painted = np.asarray(blur * (share > 0) if look.hu < -200 or not one.kind.covers else blur)
    if look.hu < -200:  # ground glass lets vessels through
        value = np.maximum(box, value)
    box += painted * (value - box)


def _fat_round(scene: Scene, one: Placed) -> None:
    """Fat that sets a node off from the muscles that it lies between; bones, vessels and skin stay."""
    mm = scene.grid.geometry.spacing_mm
    halo = one.kind.halo_mm
    grow = (int(np.ceil(2 * halo / mm[2])), int(np.ceil(2 * halo / mm[1])), int(np.ceil(2 * halo / mm[0])))
    where = tuple(
        slice(max(part.start - n, 0), min(part.stop + n, size))
        for part, n, size in zip(one.covered.slices_kji, grow, scene.volume.shape, strict=True)
    )
    inside = np.zeros([part.stop - part.start for part in where], dtype=bool)
    own = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(one.covered.slices_kji, where, strict=True))
    inside[own] = one.covered.share >= 0.5
    away = ndimage.distance_transform_edt(~inside, sampling=mm[::-1])
    box = scene.volume[where]
    muscle = (box > -60) & (box < 110) & (scene.vessels[where] < 128)
    share = np.clip(1.5 - away / halo, 0, 1) * muscle
    box += (share * (-98.0 - box)).astype(np.float32)
