"""What the paper printed: Table 1, the sensitivities by size of section 3.2, and what it quotes of others."""

from __future__ import annotations

from dataclasses import dataclass

from LesionDetectionLib.methods.universal_ct.architecture import ANCHORS, ATTENTION, DENSE, ORIGINAL

WHOSE = "paper"
DATA = "DeepLesion, official test split"
GPU = "GTX 1080"


@dataclass(frozen=True)
class Printed:
    """A row of Table 1.

    Attributes:
        sensitivity: in per cent, at 0.5, 1, 2, 4, 8 and 16 false positives per image.
        milliseconds: an image; None where none is printed.
        gpu: that they were measured on; empty where the paper does not say.
    """

    sensitivity: tuple[float, ...]
    milliseconds: float | None
    gpu: str = ""


TABLE_1 = {
    ORIGINAL: Printed((45.80, 54.17, 62.50, 69.80, 75.34, 79.48), 28, GPU),
    ANCHORS: Printed((64.82, 74.98, 82.29, 87.87, 92.20, 94.90), 31, GPU),
    DENSE: Printed((70.24, 78.28, 85.10, 90.39, 93.81, 96.01), 39, GPU),
    ATTENTION: Printed((72.15, 80.07, 86.40, 90.77, 94.09, 96.32), 41, GPU),
}
QUOTED = {
    "Faster R-CNN (quoted from 3DCE’s paper)": Printed((56.90, 67.26, 75.57, 81.62, 85.83, 88.74), 32),
    "Mask R-CNN (quoted from ULDor’s paper)": Printed((39.82, 52.66, 65.58, 77.73, 85.54, 91.80), None),
    "ULDor (quoted)": Printed((52.86, 64.80, 74.84, 84.38, 87.17, 91.80), None),
    "3DCE (quoted)": Printed((62.48, 73.37, 80.70, 85.65, 89.09, 91.06), 114),
}
SIZES = {ATTENTION: (88.35, 91.73, 93.02), "3DCE": (80.0, 87.0, 84.0)}
"""Per cent at 4 false positives per image, lesions of below 10, 10 to 30 and above 30 mm."""
