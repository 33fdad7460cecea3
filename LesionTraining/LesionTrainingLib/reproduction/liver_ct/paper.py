"""What the paper printed: Figure 3, the figures of Faster R-CNN (section 5.2, and its discussion), and what it quotes."""

from __future__ import annotations

from dataclasses import dataclass

from LesionDetectionLib.methods.liver_ct.architecture import BASELINE, VGG

from ...cohorts.case import TEST, TRAINING

WHOSE = "paper"
TEST_IMAGES = 203
"""Of section 3 and of section 5.2 alike; the other parts have 1989 and 179 images in the one, 1660 and 329 in the other."""
DATA = {
    TRAINING: "DeepLesion, liver: 1989 training images",
    TEST: f"DeepLesion, liver: {TEST_IMAGES} test images",
}


@dataclass(frozen=True)
class PrintedBox:
    """A row of Figure 3. Attributes: mse of the edges in shares of the slice's side; sensitivity, a share."""

    mse: float
    sensitivity: float


FIGURE_3 = {
    (BASELINE, TRAINING): PrintedBox(0.00077, 0.96),
    (BASELINE, TEST): PrintedBox(0.065, 0.069),
    (VGG, TRAINING): PrintedBox(0.0025, 0.79),
    (VGG, TEST): PrintedBox(0.067, 0.079),
}
RATE, SENSITIVITY, FALSE_SHARE = 1.1, 0.50, 0.67
"""Of Faster R-CNN: false positives per test image, sensitivity there, and the share of predictions that were false."""
QUOTED = "the paper quotes of Yan et al. 65 to 70 % at 1 false positive per image, and about 90 % at 10"
