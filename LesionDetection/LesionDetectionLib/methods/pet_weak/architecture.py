"""What the network is built of, in plain values: the paper's own, or one that it is compared with. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

CAM, FCN, UNET = KINDS = ("cam", "fcn", "unet")
SEGMENTING = (FCN, UNET)
"""These give a map of the input's own resolution, and say nothing of what kind a tumour is."""
LUNG, OESOPHAGUS, NONE = "lung", "oesophagus", "none"
"""Image-level labels: the paper's two; and none, a scan without a tumour, which the paper has not."""
STRIDE = 16
"""Pixels of the input from one place of the class activation map to the next (section 2.2: 1/16)."""


@dataclass(frozen=True)
class PetWeakArchitecture:
    """The defaults are the paper's own network.

    Attributes:
        kind: ``cam`` (classifier with a class activation map, section 2.1), ``fcn`` (a fully convolutional network that learns from
            the maps of such a classifier, in Tables 1 and 2 “CAMs & FCNs”), or ``unet`` (supervised by drawn tumours).
        widths: channels of the four blocks, two convolutions each: eight in all (section 2) [choice].
        normalised: batch normalisation after each convolution [choice].
        classes: image-level labels that the classifier tells apart; ``none`` among them, which the paper has not, means scans
            without a tumour.
    """

    kind: str = CAM
    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    normalised: bool = True
    classes: tuple[str, ...] = (LUNG, OESOPHAGUS)

    @property
    def segmenting(self) -> bool:
        """Whether it gives a map of the input's own resolution, and no class."""
        return self.kind in SEGMENTING

    @property
    def tumour_classes(self) -> tuple[str, ...]:
        """The labels that mean a tumour."""
        return tuple(name for name in self.classes if name != NONE)

    def problem(self) -> str:
        """What cannot be, for a sentence; empty where the network can be built."""
        if self.kind not in KINDS:
            return f"there is no kind of network “{self.kind}”, but {', '.join(KINDS)}"
        if len(self.widths) != 4 or min(self.widths) < 1:
            return "widths must be four, each at least 1"
        if len(set(self.classes)) != len(self.classes) or not all(name.strip() for name in self.classes):
            return "each class needs a name of its own"
        if len(self.classes) < 2 or not self.tumour_classes:
            return f"two classes are needed at least, and one of them other than “{NONE}”"
        return ""
