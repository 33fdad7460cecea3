"""What the paper printed: Tables 1 and 2, means and standard deviations of a five-fold cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

from LesionDetectionLib.methods.pet_weak.architecture import LUNG, OESOPHAGUS

from .rows import ALONE_ROW, FCN_ROW, OUR_ROW, RPET_ROW, UNET_ROW

WHOSE = "Amyar et al."
Pair = tuple[float, float]
LABELS = {1: OESOPHAGUS, 2: LUNG}
"""Table -> the image-level label of its patients."""
PATIENTS = {1: 97, 2: 98}
DATA = {1: "97 patients, oesophagus, as published", 2: "98 patients, lung, as published"}
P_VALUES = {1: 0.59, 2: 0.63}
"""Of 3d-rpet-Net against the paper's own network (section 4); it names no test, and not what was compared."""
FIGURES = ("accuracy", "sensitivity", "specificity", "auc")


@dataclass(frozen=True)
class Printed:
    """A row: mean and standard deviation; None where the paper has a stroke.

    Attributes:
        dice: of the outlines.
        accuracy, sensitivity, specificity, auc: of the outcomes that are told.
    """

    dice: Pair | None
    accuracy: Pair | None = None
    sensitivity: Pair | None = None
    specificity: Pair | None = None
    auc: Pair | None = None


PRINTED: dict[int, dict[str, Printed]] = {
    1: {
        UNET_ROW.name: Printed((0.42, 0.16)),
        ALONE_ROW.name: Printed((0.53, 0.17), (0.57, 0.03), (0.61, 0.28), (0.56, 0.24), (0.53, 0.26)),
        FCN_ROW.name: Printed((0.66, 0.07), (0.57, 0.04), (0.69, 0.21), (0.47, 0.22), (0.51, 0.24)),
        RPET_ROW.name: Printed(None, (0.72, 0.08), (0.79, 0.17), (0.62, 0.21), (0.70, 0.04)),
        OUR_ROW.name: Printed((0.73, 0.09), (0.69, 0.04), (0.80, 0.14), (0.59, 0.26), (0.67, 0.08)),
    },
    2: {
        UNET_ROW.name: Printed((0.57, 0.19)),
        ALONE_ROW.name: Printed((0.63, 0.14), (0.61, 0.07), (0.59, 0.21), (0.57, 0.15), (0.55, 0.24)),
        FCN_ROW.name: Printed((0.73, 0.12), (0.59, 0.07), (0.63, 0.12), (0.57, 0.19), (0.57, 0.17)),
        RPET_ROW.name: Printed(None, (0.68, 0.17), (0.72, 0.09), (0.54, 0.07), (0.61, 0.03)),
        OUR_ROW.name: Printed((0.77, 0.07), (0.65, 0.05), (0.65, 0.18), (0.58, 0.15), (0.59, 0.04)),
    },
}
"""Table -> row -> what it says. (Table 2 has “00.58” for the last specificity.)"""
