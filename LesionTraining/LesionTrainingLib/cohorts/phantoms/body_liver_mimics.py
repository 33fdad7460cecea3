"""What looks like a lesion in a study of the liver and is none: patches of fat and of other perfusion, cysts of kidneys.

Such patches are beside the cleft of the round ligament in one of five portal venous scans, sometimes beside the gall
bladder or the porta, and have no mass effect: vessels run through them (Eur J Radiol 2005;54:388; RadioGraphics
2001;21:S81).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .body_kinds import KINDS, draw_look
from .body_lesions import outwards, place_one
from .body_liver import cleft_r
from .body_painting import Placed, Scene, paint
from .body_places import place_of
from .body_settings import BodySettings
from .fields import Float32
from .nodules import Float64
from .phantom import Mimic, random_stream

_BESIDE_CLEFT, _BESIDE_BAG, _AT_PORTA = 0.3, 0.12, 0.12
_PATCHES = 0.35
"""Mean number of patches under the capsule in a field of view."""
_KIDNEY_CYSTS = 0.5
"""Mean number in both kidneys."""


def add_liver_mimics(scene: Scene, settings: BodySettings, seed: int) -> list[Mimic]:
    """Paint those that lie in the field of view; before the lesions, which lie over them."""
    mimics = list(_focal_fat(scene, random_stream(seed, "pseudolesions")))
    mimics += _patches(scene, random_stream(seed, "perfusion"))
    mimics += _kidney_cysts(scene, settings, random_stream(seed, "kidney cysts"))
    return mimics


def _focal_fat(scene: Scene, rng: np.random.Generator) -> Iterator[Mimic]:
    """Dark ovals or wedges at the typical places."""
    k, dome, liver = scene.patient.size, scene.patient.dome_mm[0], scene.fields.body.liver
    bag = scene.fields.organ("gall bladder")
    for chance, low, high in (
        (_BESIDE_CLEFT, (cleft_r(scene.patient) + 4, 30, -105), (cleft_r(scene.patient) + 22, 85, -60)),
        (_BESIDE_BAG, (28, 20, -130), (75, 75, -95)),
        (_AT_PORTA, (28, 5, -85), (58, 32, -62)),
    ):
        wanted = rng.random() < chance
        corner, size = np.array(low) * (k, k, k), np.subtract(high, low) * k
        points = rng.random((80, 3)) * size + corner + (0, 0, dome)
        halves = np.array((rng.uniform(4, 9), rng.uniform(6, 14), rng.uniform(6, 13)))
        hu = scene.patient.liver_hu - float(rng.uniform(18, 45))
        inside = scene.grid.sample(liver, points) < -3
        if chance == _BESIDE_BAG:
            inside &= np.abs(scene.grid.sample(bag, points) - 6) < 5
        places = points[inside & _in_view(scene, points)]
        if wanted and len(places) and soft_patch(scene, places[0], halves, np.eye(3), hu - scene.patient.liver_hu):
            yield _mimic(places[0], "focal-fat", 2 * float(halves.max()))


def _patches(scene: Scene, rng: np.random.Generator) -> Iterator[Mimic]:
    """Patches of a little more or less contrast medium under the capsule, wide there and narrow within."""
    place = place_of(scene.fields, "liver capsule", 10.0).middle
    inside = np.flatnonzero(place < 0)
    r, a, s = (axis.ravel() for axis in scene.grid.coarse)
    for _ in range(int(rng.poisson(_PATCHES)) if inside.size else 0):
        kk, j, i = np.unravel_index(int(rng.choice(inside)), place.shape)
        center = np.array((r[i], a[j], s[kk]), dtype=np.float64)
        normal = outwards(scene.grid, scene.fields.body.liver, center)
        across = np.cross(normal, (0.0, 0.0, 1.0))
        across /= max(float(np.linalg.norm(across)), 1e-6)
        halves = rng.uniform((7, 7, 9), (18, 18, 24))
        add = float(rng.choice((-1, 1)) * rng.uniform(9, 20))
        axes = np.stack([across, np.cross(normal, across), normal])
        if soft_patch(scene, center, halves, axes, add):
            yield _mimic(center, "perfusion", 2 * float(halves.max()))


def soft_patch(scene: Scene, center: Float64, halves: Float64, axes: Float64, add_hu: float) -> bool:
    """Add ``add_hu`` to the liver within a soft ellipsoid, between the vessels; whether any of it is in view.

    Args:
        center: [3] RAS mm.
        halves: [3] mm along the rows of ``axes``, [3, 3] unit vectors.
    """
    geometry = scene.grid.geometry
    reach = np.sqrt(((axes * halves[:, None] * 1.3) ** 2).sum(axis=0))
    corners = geometry.ijk_from_ras([center - reach, center + reach])
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, geometry.shape_kji[::-1])
    if (high <= low).any():
        return False
    r, a, s = (axis[slice(x, y)] for axis, x, y in zip(scene.grid.axes, low, high, strict=True))
    away = (r[None, :] - center[0], a[:, None] - center[1])
    where = (slice(low[1], high[1]), slice(low[0], high[0]))
    most = 0.0
    for n, k in enumerate(range(low[2], high[2])):
        up = float(s[n]) - center[2]
        level = np.sqrt(
            sum(
                ((away[0] * x + away[1] * y + up * z) / half) ** 2 for (x, y, z), half in zip(axes, halves, strict=True)
            )
        )
        liver: Float32 = scene.grid.plane(scene.fields.body.liver, k)[where]
        share = _smooth(1.3 - level) * np.clip(-0.5 * liver, 0, 1)
        share *= 1 - scene.vessels[k][where] * np.float32(1 / 255)
        scene.volume[k][where] += (share * add_hu).astype(np.float32)
        most = max(most, float(share.max()))
    return most > 0.5


def _smooth(depth: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """0 outside, 1 from a depth of 0.6 of the half-lengths, and no edge between."""
    t = np.clip(depth / 0.6, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _kidney_cysts(scene: Scene, settings: BodySettings, rng: np.random.Generator) -> Iterator[Mimic]:
    (kind,) = [kind for kind in KINDS if kind.name == "kidney cyst"]
    placed: list[Placed] = []
    for _ in range(int(rng.poisson(_KIDNEY_CYSTS))):
        one = place_one(scene, settings, kind, placed, False, rng)
        if one is not None:
            placed.append(one)
            paint(scene, one, draw_look(kind, scene.patient, one.diameter_mm, rng), rng)
            yield _mimic(one.covered.centroid, "kidney-cyst", one.diameter_mm)


def _in_view(scene: Scene, points: Float64) -> npt.NDArray[np.bool_]:
    ijk = scene.grid.geometry.ijk_from_ras(points)
    return np.asarray(np.all((ijk > 0) & (ijk < np.array(scene.grid.geometry.shape_kji[::-1]) - 1), axis=1))


def _mimic(center: Float64, kind: str, diameter_mm: float) -> Mimic:
    r, a, s = (float(n) for n in center)
    return Mimic((r, a, s), kind, diameter_mm)
