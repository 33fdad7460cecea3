"""What the tissues of a PET/CT phantom take up: the scene that the PET scanner sees, in SUVbw.

It follows from the same shapes as the CT: tissue takes up by the attenuation that was painted, averaged over the scene's
voxels, organs by their signed distances, and lesions by what they cover of each voxel of the CT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import Geometry

from .chest_body import Body
from .chest_patient import Patient
from .fields import Float32, Grid, cover
from .petct_lesions import Painted
from .petct_settings import PetSettings
from .phantom import random_stream
from .tubes import Tubes, tube_cover

_PATCHY = {
    "bowel": 0.35,
    "brain": 0.12,
    "ureter": 0.5,
    "liver": 0.06,
    "stomach": 0.2,
    "myocardium": 0.1,
    "spleen": 0.05,
}
"""How much the uptake varies within an organ: share of its mean, one standard deviation."""
_LEAST_HU, _MOST_HU = -1024, 3071


def draw_uptake(seed: int, settings: PetSettings) -> dict[str, float]:
    """SUVbw of each organ of one patient; a heart that lives on fat takes up little, one on sugar much."""
    rng = random_stream(seed, "uptake")
    drawn = {}
    for name, low, high in settings.uptake:
        share = rng.beta(0.7, 0.9) if name == "myocardium" else rng.random()
        drawn[name] = float(low + share * (high - low))
    return drawn


def scene_grid(grid: Grid, settings: PetSettings) -> Grid:
    """A grid over the CT's field of view with voxels of about ``scene_mm``; the coarse fields fit both."""
    source = grid.geometry
    plane, along = settings.scene_mm
    extent = np.array(source.spacing_mm) * source.shape_kji[::-1]
    ni, nj, nk = (max(4, round(mm / by)) for mm, by in zip(extent, (plane, plane, along), strict=True))
    scale = np.array(source.shape_kji[::-1]) / (ni, nj, nk)
    matrix = np.array(source.ijk_to_ras)
    matrix[:3, :3] *= scale
    matrix[:3, 3] = source.ras_from_ijk((scale - 1) / 2)
    scene = Grid(Geometry((nk, nj, ni), matrix), grid.step_mm)
    assert scene.coarse_shape == grid.coarse_shape
    return scene


def tissue_uptake(grid: Grid, scene: Grid, volume: Float32, body: Body, uptake: Mapping[str, float]) -> Float32:
    """Uptake of what is no organ of its own, by the CT's attenuation: [k, j, i] SUVbw on the scene's grid."""
    lung, fat, muscle, marrow = (uptake.get(name, 0.5) for name in ("lung", "fat", "muscle", "marrow"))
    # Gas, lung (the more blood, the more), fat, muscle, marrow, and bone that is all cortex.
    at = (-1024, -975, -850, -650, -300, -105, 20, 55, 140, 260, 500, 900, 3071)
    value = (0, 0.05, lung, 1.2 * lung, fat, fat, muscle, muscle, 0.9 * marrow, marrow, 0.7 * marrow, 0.3, 0.3)
    table = np.interp(np.arange(_LEAST_HU, _MOST_HU + 1), at, value).astype(np.float32)
    nk, nj, ni = scene.geometry.shape_kji
    out = np.zeros((nk, nj, ni), dtype=np.float32)
    ratio = nk / volume.shape[0]
    for k, plane in enumerate(volume):
        taken = table[np.clip(np.rint(plane), _LEAST_HU, _MOST_HU).astype(np.int16) - _LEAST_HU]
        small = cv2.resize(taken, (ni, nj), interpolation=cv2.INTER_AREA)
        # Where the slices of both grids overlap.
        low, high = k * ratio, (k + 1) * ratio
        for m in range(int(low), min(int(np.ceil(high - 1e-9)), nk)):
            out[m] += np.float32(min(high, m + 1) - max(low, m)) * small
    mm = scene.geometry.spacing_mm[0]
    for k in range(nk):  # the patient table and the coils take up nothing
        out[k] *= cover(scene.plane(body.skin, k), mm)
    return out


def add_organs(
    scene: Grid,
    out: Float32,
    body: Body,
    patient: Patient,
    tracts: Sequence[tuple[str, Tubes]],
    uptake: Mapping[str, float],
    seed: int,
) -> None:
    """Paint what tubes hold and organs into the scene, in place.

    Args:
        tracts: (name in ``uptake``, tubes): vessels and ureters.
    """
    rng = random_stream(seed, "patchy uptake")
    patchy = np.float32(0.65) * scene.noise(rng, 9.0) + np.float32(0.75) * scene.noise(rng, 28.0)
    for name, tubes in tracts:
        covered = np.zeros(out.shape, dtype=np.uint8)
        tube_cover(scene, tubes, covered)
        suv, vary = np.float32(uptake[name]), np.float32(_PATCHY.get(name, 0.0))
        for k in np.flatnonzero(covered.any(axis=(1, 2))).tolist():
            value = suv * np.maximum(1 + vary * scene.plane(patchy, k), 0.2)
            out[k] += covered[k] * np.float32(1 / 255) * (value - out[k])
    mm = scene.geometry.spacing_mm[0]
    named = [("stomach", body.stomach), ("liver", body.liver), ("spleen", body.spleen), ("blood", body.chambers)]
    fields = [*named, ("myocardium", _myocardium(scene, patient, body))]
    fields += [(organ.name, organ.field) for organ in body.organs if organ.name in uptake]
    for name, field in fields:
        suv, vary = np.float32(uptake[name]), np.float32(_PATCHY.get(name, 0.0))
        for k in range(out.shape[0]):
            if scene.near(field, k, mm):
                share = cover(scene.plane(field, k), mm)
                varied = np.maximum(1 + vary * scene.plane(patchy, k), 0.2) if vary else np.float32(1)
                out[k] += share * (suv * varied - out[k])


def _myocardium(grid: Grid, patient: Patient, body: Body) -> Float32:
    """Signed distance of the left ventricle's wall: the thick part of the heart's wall, and the septum, up to the valves."""
    r, a, s = grid.coarse
    k = patient.size
    r, a, s = r + 30 * k, a - 22 * k, s - patient.dome_mm[0] - 26 * k
    side = 0.75 * (r - 8 * k) + 0.6 * (a - 6 * k) + 0.25 * s
    up = 0.64 * r - 0.62 * a + 0.46 * s - 26 * k  # along the ventricle, from the tip to its base
    wall = np.maximum(np.maximum(body.heart, -body.chambers), np.maximum(side - 5, up))
    return np.asarray(wall, dtype=np.float32)


def add_lesions(grid: Grid, scene: Grid, out: Float32, painted: Sequence[Painted]) -> None:
    """Deal what each CT voxel of a lesion holds out to the scene's eight nearest voxels: total and centroid are kept."""
    for one in painted:
        where = one.covered.slices_kji
        share = one.covered.share
        # Sub-cells no larger than the scene's voxels, so that no voxel between is left out.
        mm, other = np.array(grid.geometry.spacing_mm), np.array(scene.geometry.spacing_mm)
        pieces = np.maximum(1, np.ceil(mm / other)).astype(int)
        kji = np.nonzero(share)
        base = np.stack([axis + part.start for axis, part in zip(kji, where, strict=True)], axis=1)[:, ::-1]
        offsets = (np.indices(pieces).reshape(3, -1).T + 0.5) / pieces - 0.5
        volume = grid.geometry.voxel_volume_mm3 / scene.geometry.voxel_volume_mm3 / len(offsets)
        at = scene.geometry.ijk_from_ras(grid.geometry.ras_from_ijk(base))
        reach = np.abs(mm / other).max() + 1
        low = np.maximum(np.floor(at.min(axis=0) - reach).astype(int), 0)
        high = np.minimum(np.ceil(at.max(axis=0) + reach).astype(int) + 1, out.shape[::-1])
        box = out[low[2] : high[2], low[1] : high[1], low[0] : high[0]]
        taken, held = np.zeros(box.shape), np.zeros(box.shape)
        for offset in offsets:
            at = scene.geometry.ijk_from_ras(grid.geometry.ras_from_ijk(base + offset)) - low
            _deal(taken, at, share[kji] * volume)
            _deal(held, at, share[kji] * one.uptake[kji] * volume)
        box += (held - np.minimum(taken, 1) * box).astype(np.float32)


def _deal(out: npt.NDArray[np.float64], at_ijk: npt.NDArray[np.float64], weights: npt.NDArray[np.floating]) -> None:
    low = np.floor(at_ijk).astype(int)
    part = at_ijk - low
    shape = np.array(out.shape[::-1])
    for corner in np.indices((2, 2, 2)).reshape(3, -1).T:
        index = low + corner
        weight = weights * np.where(corner, part, 1 - part).prod(axis=1)
        inside = np.all((index >= 0) & (index < shape), axis=1)
        i, j, k = index[inside].T
        np.add.at(out, (k, j, i), weight[inside])
