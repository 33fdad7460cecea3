"""From a patient's fields to HU: soft tissue, bones, lungs, then vessels and airways over them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.progress import Progress
from scipy import ndimage

from .chest_body import Body
from .chest_bones import (
    CORTEX_HU,
    MARROW_HU,
    paint_bone,
    paint_breastbone,
    paint_ribs,
    paint_shoulder_blades,
    paint_spine,
)
from .chest_patient import Patient
from .chest_vessels import GreatVessels, LungTrees, blood_tubes, shoulder_bones
from .fields import Float32, Grid, cover
from .phantom import random_stream
from .tubes import Tubes, blend, tube_cover

AIR_HU, FAT_HU, MUSCLE_HU, SKIN_HU, STOMACH_HU = -1000.0, -105.0, 48.0, 10.0, 35.0
_FISSURE_MM, _FISSURE_HU = 0.5, -520.0
_TILE = 96
"""Voxels along each side of the block of fine texture that is repeated through the scan."""


def texture_tile(seed: int, spacing_mm: tuple[float, float, float]) -> Float32:
    """Fine periodic texture, [96, 96, 96], of standard deviation 1 and about 1 mm grain."""
    rng = random_stream(seed, "texture")
    white = rng.standard_normal((_TILE, _TILE, _TILE), dtype=np.float32)
    smooth = ndimage.gaussian_filter(white, [1.0 / mm for mm in spacing_mm[::-1]], mode="wrap")
    return np.asarray(smooth / smooth.std(), dtype=np.float32)


def paint_chest(grid: Grid, seed: int, patient: Patient, body: Body, progress: Progress) -> Float32:
    """Everything but vessels, airways and lesions: [k, j, i] float32 HU.

    Raises:
        Cancelled: see ``progress``.
    """
    nk, nj, ni = grid.geometry.shape_kji
    volume = np.empty((nk, nj, ni), dtype=np.float32)
    tile = texture_tile(seed, grid.geometry.spacing_mm)
    repeat = (-(-nj // _TILE), -(-ni // _TILE))
    for k in range(nk):
        if k % 16 == 0:
            progress(k / nk, "Painting the phantom")
        texture = np.tile(tile[k % _TILE], repeat)[:nj, :ni]
        _paint_slice(grid, patient, body, k, texture, volume[k])
    return volume


def _paint_slice(grid: Grid, patient: Patient, body: Body, k: int, texture: Float32, out: Float32) -> None:
    r, a, heights = grid.axes
    s, mm = float(heights[k]), grid.geometry.spacing_mm[0]
    wall = grid.plane(body.wall, k)
    skin = grid.plane(body.skin, k)
    patchy = grid.plane(body.patchy, k)
    out[...] = AIR_HU
    _table(grid, patient, s, out)
    fat = FAT_HU + 7 * patchy + 5 * texture
    # Strands, thymus and small nodes in the fat between the lungs.
    fat += 85 * np.clip(1.6 * patchy - 1.6, 0, 1) * (wall < 0)
    out += cover(skin, mm) * (fat - out)
    rim = cover(skin, mm) * cover(-1.8 - skin, mm)
    out += rim * (SKIN_HU - out)
    between = cover(np.maximum(-wall - 1, wall - 11.5), mm)
    muscle = np.maximum(cover(grid.plane(body.muscle, k), mm), between)
    muscle *= cover(skin + 3, mm)
    out += muscle * (MUSCLE_HU + 8 * texture - out)
    for field, hu in (
        (body.glands, 25.0),
        (body.liver, patient.liver_hu),
        (body.spleen, patient.spleen_hu),
        (body.stomach, STOMACH_HU),
        (body.gas, AIR_HU + 20),
        (body.heart, 32 + 0.35 * patient.blood_hu),
        (body.chambers, patient.blood_hu),
    ):
        if grid.near(field, k, mm):
            out += cover(grid.plane(field, k), mm) * (hu + 4 * texture - out)
    for organ in body.organs:
        if grid.near(organ.field, k, mm):
            out += cover(grid.plane(organ.field, k), mm) * (organ.hu + organ.grain_hu * texture - out)
    paint_spine(out, r, a, s, patient, texture, mm)
    around = grid.plane(body.around, k)
    paint_ribs(out, wall, around, grid.plane(body.rib_height, k), texture, patient, mm)
    paint_breastbone(out, wall, r, s, patient, texture, mm)
    paint_shoulder_blades(out, wall, around, s, patient, texture, mm)
    for bone in body.bones:
        if grid.near(bone.field, k, mm):
            distance = grid.plane(bone.field, k)
            where = np.flatnonzero(distance < mm)
            paint_bone(out, where, distance.reshape(-1)[where], bone.cortex_mm, texture, mm)
    if grid.near(body.lung, k, mm):
        _paint_lung(grid, patient, body, k, texture, out)


def _paint_lung(grid: Grid, patient: Patient, body: Body, k: int, texture: Float32, out: Float32) -> None:
    mm = grid.geometry.spacing_mm[0]
    lung = grid.plane(body.lung, k)
    where = np.flatnonzero(lung < mm)
    distance = lung.reshape(-1)[where]

    def at(field: Float32) -> Float32:
        return grid.plane(field, k).reshape(-1)[where]

    fine = texture.reshape(-1)[where]
    value = patient.lung_hu + at(body.density) + 23 * fine
    sick = 0.85 * np.clip(at(body.emphysema) * 1.5, 0, 1)
    value += sick * (-955 - value)
    oblique, horizontal = at(body.oblique), at(body.horizontal)
    right = grid.axes[0][where % lung.shape[1]] > 0
    line = np.asarray(np.maximum(_sheet(oblique, mm), _sheet(horizontal, mm) * (right & (oblique > 0))), np.float32)
    value += line * (_FISSURE_HU - value)
    flat = out.reshape(-1)
    flat[where] += cover(distance, mm) * (value - flat[where])


def _sheet(distance: Float32, mm: float) -> Float32:
    """Share of a voxel that a thin sheet at distance 0 fills."""
    share = np.clip(1 - np.abs(distance) / mm, 0, 1) * min(1.0, _FISSURE_MM / mm)
    return np.asarray(share, dtype=np.float32)


def _table(grid: Grid, patient: Patient, s: float, out: Float32) -> None:
    """The patient table: a foam core between two thin curved shells."""
    r, a, _ = grid.axes
    mm = grid.geometry.spacing_mm[1]
    top = -patient.half_depth_mm - 58 - 0.9 * patient.fat_mm + (r / 42.0) ** 2
    below = top[None, :] - a[:, None]
    rows = np.flatnonzero(below.max(axis=1) > -mm)
    if rows.size:
        below = below[rows]
        core = cover(np.maximum(-below, below - 28), mm)
        shell = cover(np.abs(np.abs(below - 14) - 14) - 1.2, mm)
        out[rows] += core * 40 + shell * 700


def paint_tubes(
    grid: Grid, volume: Float32, patient: Patient, great: GreatVessels, trees: LungTrees, progress: Progress
) -> npt.NDArray[np.uint8]:
    """Vessels, gullet and airways, in place.

    Returns:
        [k, j, i]: share of each voxel that is vessel or airway, 255 being all of it.
    """
    covered = np.zeros(volume.shape, dtype=np.uint8)
    blood = blood_tubes(great, trees)
    progress(0.1, "Painting vessels")
    tube_cover(grid, Tubes.along(*great.gullet), covered)
    blend(volume, covered, MUSCLE_HU - 8)
    covered[...] = 0
    tube_cover(grid, blood, covered)
    blend(volume, covered, patient.blood_hu)
    everything = covered.copy()
    bones = shoulder_bones(patient).cut_up(6.0)
    for tubes, hu in ((bones, CORTEX_HU), (bones.grown(-1.6), MARROW_HU)):
        covered[...] = 0
        tube_cover(grid, tubes, covered)
        blend(volume, covered, hu)
    progress(0.5, "Painting airways")
    pipes = Tubes.of([Tubes.along(*path) for path in great.air])
    for tubes, hu in (
        (Tubes.of([pipes.grown(1.3), trees.airway_wall]).cut_up(6.0), 30.0),
        (Tubes.of([pipes, trees.airway_lumen]).cut_up(6.0), -985.0),
    ):
        covered[...] = 0
        tube_cover(grid, tubes, covered)
        blend(volume, covered, hu)
        np.maximum(everything, covered, out=everything)
    return everything
