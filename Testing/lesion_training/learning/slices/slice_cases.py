"""Cases as cohorts give them, made in milliseconds: bright squares in dark noise, known by outlines, diameters or as spheres."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion, Mask, Recist
from LesionDetectionLib.methods.slices.settings import SliceSettings
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.learning.augmentation.intensity import IntensitySettings
from LesionTrainingLib.learning.augmentation.spatial_2d import SliceSettings as SliceVariation
from LesionTrainingLib.learning.slices.settings import CropSettings, SelectionSettings
from LesionTrainingLib.learning.slices.slices import Wanted, prepare_slices

SHAPE = (6, 64, 64)
MATRIX = np.diag([-1.0, -1.0, 2.0, 1.0])


@dataclass(frozen=True)
class MadeSettings:
    """What a recipe says of its samples."""

    size_px: int = 64
    slice_distance_mm: float = 2.0
    window_hu: tuple[float, float] = (-1024.0, 1050.0)
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    variation: SliceVariation = field(default_factory=lambda: SliceVariation(flip=0.0, share=0.0))
    intensity: IntensitySettings = field(
        default_factory=lambda: IntensitySettings(shift=0.0, contrast_range=(1.0, 1.0), share=0.0)
    )
    crop: CropSettings = field(default_factory=CropSettings)

    @property
    def sample_px(self):
        return self.crop.size_px or self.size_px

    def method(self):
        return SliceSettings(self.size_px, self.slice_distance_mm, self.window_hu)


@dataclass(frozen=True)
class MadeCase(Case):
    """One patient: a lesion of 10 x 10 pixels in 3 of 6 slices."""

    seed: int

    def images(self, progress=None):
        random = np.random.default_rng(self.seed)
        hu = random.normal(-700, 20, SHAPE)
        hu[self.mask] = random.normal(60, 10, self.mask.sum())
        return {CT: Image(np.round(hu).astype(np.int16), MATRIX, CT, HU, self.id)}

    def truth(self):
        return Truth((mask_lesion(self.mask),), kinds=("square",))

    def sources(self) -> tuple[Path, ...]:
        return ()

    @property
    def mask(self):
        y, x = np.random.default_rng(self.seed + 1000).integers(8, 46, 2)
        mask = np.zeros(SHAPE, dtype=bool)
        mask[1:4, y : y + 10, x : x + 10] = True
        return mask


class BrokenCase(MadeCase):
    """One that cannot be read."""

    def images(self, progress=None):
        raise InputError("It is damaged.")


class EmptyCase(MadeCase):
    """One without a lesion."""

    def truth(self):
        return Truth()


def made_case(seed, kind=MadeCase):
    return kind(f"case-{seed}", f"patient-{seed}", "", (CT,), True, seed)


def image_of(voxels=None, matrix=MATRIX):
    return Image(np.zeros(SHAPE, np.int16) if voxels is None else voxels, matrix, CT, HU, "made")


def mask_lesion(mask, matrix=MATRIX):
    found = Mask.from_full(mask)
    geometry = image_of(np.zeros(mask.shape, np.int16), matrix).geometry
    return Lesion(found.centroid_ras_mm(geometry), 12.0, 1.0, found.box_ras_mm(geometry), mask=found)


def drawn_lesion(k=2, box=None, x=(20, 34), y=(28, 36)):
    """Known by diameters along x and y in slice k; the long one runs through the middle of the short one.

    ``box``: first and last pixels, as DeepLesion has them.
    """
    geometry = image_of().geometry
    mx, my = sum(x) / 2, sum(y) / 2
    ends = [tuple(geometry.ras_from_ijk((i, j, k))) for i, j in ((x[0], my), (x[1], my), (mx, y[0]), (mx, y[1]))]
    corners = None
    if box is not None:
        low, high = (box[0] - 0.5, box[1] - 0.5, k - 0.5), (box[2] + 0.5, box[3] + 0.5, k + 0.5)
        corners = np.sort([geometry.ras_from_ijk(low), geometry.ras_from_ijk(high)], axis=0)
        corners = tuple(corners[0]), tuple(corners[1])
    recist = Recist((ends[0], ends[1]), (ends[2], ends[3]))
    place = tuple(geometry.ras_from_ijk((mx, my, k)))
    measured = {"coarse_lesion_type": 5.0}
    return Lesion(place, float(x[1] - x[0]), 1.0, corners, recist=recist, measurements=measured)


def made_slices(seed, settings):
    """Those of one made case; ``settings``: of a recipe, or :class:`MadeSettings`."""
    case = made_case(seed)
    wanted = Wanted.of(settings.method(), settings.selection)
    return prepare_slices(case.images()[CT], case.truth(), wanted, case.id)
