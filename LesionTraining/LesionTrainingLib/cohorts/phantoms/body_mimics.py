"""Normal things of a body phantom that look like lesions: small lymph nodes."""

from __future__ import annotations

import numpy as np

from .body_anatomy import enhanced
from .body_lesions import Scene
from .body_settings import BodySettings
from .nodules import StarShape, coverage
from .phantom import Mimic, random_stream

_SHORT_MM = (1.8, 4.2)
"""Range of the short axis of a normal node."""
_PLACES = ("mediastinum", "beside the aorta", "mesentery", "armpit", "groin", "beside iliac vessels", "neck")
_TRIES = 60


def add_small_nodes(scene: Scene, settings: BodySettings, seed: int) -> list[Mimic]:
    """Paint normal lymph nodes into the fat, as far as they lie in the field of view."""
    rng = random_stream(seed, "small nodes")
    grid = scene.grid
    heights = grid.axes[2]
    wanted = settings.small_nodes * float(heights.max() - heights.min() + grid.geometry.spacing_mm[2]) / 100
    mimics: list[Mimic] = []
    fields = [scene.places.at(name, 2.5).middle for name in _PLACES]
    field = np.minimum.reduce(fields)
    inside = np.flatnonzero(field < 0)
    if not inside.size:
        return mimics
    r, a, s = (axis.ravel() for axis in grid.coarse)
    for _ in range(int(rng.poisson(wanted))):
        k, j, i = np.unravel_index(int(rng.choice(inside)), field.shape)
        center = np.array((r[i], a[j], s[k]), dtype=np.float64)
        center += rng.uniform(-0.5, 0.5, 3) * np.array(grid.coarse_spacing_kji[::-1])
        short = float(rng.uniform(*_SHORT_MM))
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        halves = np.array((1.0, rng.uniform(1, 1.4), rng.uniform(1.2, 2.2))) * short / 2
        shape = StarShape(center, turn.T / halves[:, None], np.zeros((0, 3)), np.zeros(0), np.zeros(0))
        covered = coverage(grid, shape, None, (2, 2, 3), cut_off=True)
        if covered is None:
            continue
        box, vessel = scene.volume[covered.slices_kji], scene.vessels[covered.slices_kji]
        if float((covered.share * (box > -30)).sum()) > 0.25 * float(covered.share.sum()):
            continue  # in fat only
        hu = float(rng.uniform(50, 95) if enhanced(scene.patient) else rng.uniform(15, 45))
        box += covered.share * (vessel < 128) * (hu - box)
        x, y, z = (float(n) for n in center)
        mimics.append(Mimic((x, y, z), "small-node", float(2 * halves.max())))
    return mimics
