"""Cases as a cohort gives them, made in milliseconds: soft tissue with lesions in air."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionTrainingLib.cohorts.case import Case, Truth

MATRIX = np.diag([-2.0, -2.0, 4.0, 1.0])


@dataclass(frozen=True)
class MadeCase(Case):
    """One patient of 8 slices of 40 x 44 pixels, with one active lesion and one inactive one, or two of these."""

    seed: int
    active: bool

    def images(self, progress=None):
        random = np.random.default_rng(self.seed)
        hu = random.normal(-850, 20, (8, 40, 44))
        for mask, active in self._masks():
            hu[mask] = random.normal(60, 10, mask.sum()) if active else -300
        return {CT: Image(np.round(hu).astype(np.int16), MATRIX, CT, HU, self.id)}

    def truth(self):
        found = [(Mask.from_full(mask), active) for mask, active in self._masks()]
        geometry = Image(np.zeros((8, 40, 44)), MATRIX).geometry
        lesions = [
            Lesion(mask.centroid_ras_mm(geometry), 16.0, 1.0, mask=mask, box_ras_mm=mask.box_ras_mm(geometry))
            for mask, active in found
            if active
        ]
        others = [mask.centroid_ras_mm(geometry) for mask, active in found if not active]
        return Truth(tuple(lesions), negatives_ras_mm=np.array(others))

    def sources(self) -> tuple[Path, ...]:
        return ()

    def _masks(self):
        random = np.random.default_rng(self.seed + 1000)
        rows = random.permutation([4, 24])
        for n, row in enumerate(rows):
            mask = np.zeros((8, 40, 44), dtype=bool)
            column, k = random.integers(4, 30), random.integers(1, 4)
            mask[k : k + 3, row : row + 8, column : column + 8] = True
            yield mask, self.active and n == 0


class BrokenCase(MadeCase):
    """One that cannot be read."""

    def images(self, progress=None):
        raise InputError("It is damaged.")


def made_case(seed, active=True):
    return MadeCase(f"case-{seed}", f"patient-{seed}", "", (CT,), True, seed, active)
