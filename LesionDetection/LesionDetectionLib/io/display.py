"""How images and lesions are shown: windows and colours, the same in Slicer, in pictures and in the report."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, PET, SUV_BW, Image

Color = tuple[float, float, float]
"""Red, green, blue in [0, 1]."""

_GOLDEN_ANGLE = 137.50776 / 360
_FIRST_HUE = 0.08
"""The first lesion, the one looked at most, is orange: far from the greys and from blood red."""
_SATURATIONS = (0.72, 0.85, 0.6)
_LUMINANCE = (0.2126, 0.7152, 0.0722)
_LEAST_LUMINANCE = 0.33
"""Pure blue (0.07) would not be seen on dark tissue."""

_AIR_HU, _LUNG_HU, _TISSUE_HU = -950, -500, -250
"""Aerated lung lies between the first two; body tissue above the third."""
_LUNG_SHARE = 0.2
"""Lung window where lung fills more than this share of lung and tissue: chest CT has 0.3 to 0.6, abdomen below 0.1."""
_SAMPLES = 64
"""Voxels looked at along each axis to choose a window."""


@dataclass(frozen=True)
class Window:
    """Which values are shown from black to white (or from white to black where ``inverted``)."""

    width: float
    level: float
    inverted: bool = False
    name: str = ""

    @property
    def low(self) -> float:
        return self.level - self.width / 2

    @property
    def high(self) -> float:
        return self.level + self.width / 2


LUNG = Window(1500, -600, name="lung")
SOFT_TISSUE = Window(400, 40, name="soft tissue")
SUV = Window(6, 3, inverted=True, name="PET")
"""SUV 0 to 6, dark where uptake is high: the clinical habit, and Slicer's."""


def window_for(image: Image) -> Window:
    """The window that suits an image (or a crop of one): by what its values are, for CT by how much lung it shows."""
    steps = tuple(max(1, n // _SAMPLES) for n in image.shape_kji)
    sample = image.voxels[:: steps[0], :: steps[1], :: steps[2]]
    sample = sample[np.isfinite(sample)]
    if image.modality == PET or image.unit in (SUV_BW, BQ_PER_ML):
        return SUV if image.unit == SUV_BW else _window_from_values(sample, inverted=True)
    if image.unit == HU or image.modality == CT or _looks_like_hu(sample):
        lung = np.count_nonzero((sample > _AIR_HU) & (sample < _LUNG_HU))
        tissue = np.count_nonzero(sample > _TISSUE_HU)
        return LUNG if lung > _LUNG_SHARE * (lung + tissue) else SOFT_TISSUE
    return _window_from_values(sample, inverted=False)


def lesion_color(rank: int) -> Color:
    """A colour for the lesion of this rank (1 is the first); neighbours in rank lie far apart in hue."""
    hue = (_FIRST_HUE + (rank - 1) * _GOLDEN_ANGLE) % 1
    # Every third is lighter, so that more than about ten lesions still differ.
    color = colorsys.hsv_to_rgb(hue, _SATURATIONS[rank % len(_SATURATIONS)], 1.0)
    luminance = sum(weight * part for weight, part in zip(_LUMINANCE, color, strict=True))
    white = max(0.0, (_LEAST_LUMINANCE - luminance) / (1 - luminance))
    red, green, blue = (part + (1 - part) * white for part in color)
    return red, green, blue


def value_unit(image: Image) -> str:
    """The unit to write behind a value of this image; ``SUV`` for SUVbw."""
    return "SUV" if image.unit == SUV_BW else image.unit


def modality_name(modality: str) -> str:
    """What people call a modality: ``PET`` for the code ``PT``."""
    return "PET" if modality == PET else modality


def _looks_like_hu(sample: npt.NDArray[Any]) -> bool:
    return sample.size > 0 and -4096 <= float(sample.min()) <= -200 and float(sample.max()) <= 100_000


def _window_from_values(sample: npt.NDArray[Any], inverted: bool) -> Window:
    if sample.size == 0:
        return Window(1, 0.5, inverted)
    low, high = (float(value) for value in np.percentile(sample, (1, 99.5)))
    return Window(max(high - low, 1e-6), (low + high) / 2, inverted)
