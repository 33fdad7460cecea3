"""Hand-made slices: noise with active lesions (bright squares) and inactive ones (as bright, but striped)."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.image import Geometry
from LesionTrainingLib.learning.high_uptake_ct.slices import TrainingSlices

SHAPE = (64, 80)
SPACING_KJI = (3.0, 1.0, 1.0)


def made_slices(seed, active=2, inactive=1, count=2, shape=SHAPE):
    """``count`` slices that lie five apart, in each the same lesions, 9 pixels wide."""
    random = np.random.default_rng(seed)
    rows, columns = shape
    hu = random.normal(-850, 20, (5 * count, *shape))
    labels = np.zeros((count, *shape), dtype=np.int16)
    corners = random.permutation([(y, x) for y in range(6, rows - 12, 16) for x in range(6, columns - 12, 16)])
    for n, (y, x) in enumerate(corners[:active]):
        hu[:, y : y + 9, x : x + 9] = 60
        labels[:, y : y + 9, x : x + 9] = n + 1
    centers = []
    for y, x in corners[active : active + inactive]:
        hu[:, y : y + 9, x : x + 9] = np.where(np.arange(9) % 3 < 2, 60, -800)
        centers += [(5.0 * n + 2, y + 4.0, x + 4.0) for n in range(count)]
    search = np.zeros(labels.shape, dtype=bool)
    search[:, 3:-3, 3:-3] = True
    k, j, i = SPACING_KJI
    geometry = Geometry((5 * count, *shape), np.diag([-i, -j, k, 1.0]))
    return TrainingSlices(
        f"made-{seed}",
        np.round(hu).astype(np.int16),
        np.arange(count, dtype=np.int64) * 5,
        labels,
        np.packbits(search),
        np.arange(count, dtype=np.int64) * 5 + 2,
        np.array(centers).reshape(-1, 3),
        geometry,
        active > 0,
    )
