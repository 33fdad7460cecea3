"""What the network is built of, in plain values: one of the paper's detectors. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

BASELINE, VGG, VGG_FRONT, FASTER_RCNN = DETECTORS = ("baseline", "vgg", "vgg-front", "faster-rcnn")
SINGLE_BOX = (BASELINE, VGG, VGG_FRONT)
"""These return one box for each slice, whether it shows a lesion or not, and no score."""
POOL, ALIGN = ROI_POOLINGS = ("pool", "align")
FRONT_BLOCKS = (2, 3, 4)
STRIDE = 16
"""Pixels of the input from one place of C4 to the next."""


@dataclass(frozen=True)
class LiverArchitecture:
    """The defaults are the paper's Faster R-CNN; those of the other detectors are the paper's, too.

    Attributes:
        detector: ``baseline`` (section 4.1.2), ``vgg`` (baseline on the slices and features of VGG-16, section 4.2), ``vgg-front``
            (baseline on features of VGG-16 alone, which the paper tried first), or ``faster-rcnn`` (section 4.3).
        input_px: sides of the input. The single-box detectors end in a layer that sees all of it; Faster R-CNN can look at
            slices of any multiple of 16.
        widths: channels of the four convolutions of the baseline [choice].
        dropout: before the dense layer (section 5.1.1: .05 with VGG-16, none in the baseline).
        vgg_base: channels of VGG-16's first stage; 64 for weights from elsewhere.
        vgg_normalised: with batch normalisation, to train without ImageNet weights [choice].
        front_block: of VGG-16 whose output, after its pooling, ``vgg-front`` looks at: 2, 3 or 4.
        resnet_base: channels of ResNet-50's first layer; 64 for weights from elsewhere.
        sizes: of anchors: sides of a square of their area, in pixels of the input (section 5.2).
        ratios: height over width of anchors (section 5.2).
        roi_pooling: ``pool``, the maximum in each bin (section 4.3), or ``align``, bilinear means, which lose no shares of a
            pixel [choice].
        roi_px: bins along each side; the last stage of ResNet-50 makes half as many of them, then their mean [choice].
    """

    detector: str = FASTER_RCNN
    input_px: int = 512
    widths: tuple[int, int, int, int] = (32, 32, 64, 64)
    dropout: float = 0.0
    vgg_base: int = 64
    vgg_normalised: bool = False
    front_block: int = 4
    resnet_base: int = 64
    sizes: tuple[float, ...] = (16.0, 24.0, 32.0, 48.0, 96.0)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    roi_pooling: str = POOL
    roi_px: int = 14

    @property
    def single_box(self) -> bool:
        """Whether it returns one box for each slice, and no score."""
        return self.detector in SINGLE_BOX

    @property
    def anchors(self) -> int:
        """At each place."""
        return len(self.sizes) * len(self.ratios)

    @property
    def multiple(self) -> int:
        """Height and width of the input are multiples of this."""
        if self.detector == FASTER_RCNN:
            return STRIDE
        return {BASELINE: 4, VGG: 8}.get(self.detector, 4 << self.front_block)

    def problem(self) -> str:
        """What cannot be, for a sentence; empty where the network can be built."""
        if self.detector not in DETECTORS:
            return f"there is no detector “{self.detector}”, but {', '.join(DETECTORS)}"
        if min(*self.widths, self.vgg_base, self.resnet_base, self.roi_px) < 1 or len(self.widths) != 4:
            return "widths must be at least 1, and four in the baseline"
        if self.front_block not in FRONT_BLOCKS:
            return f"the block of VGG-16 must be 2, 3 or 4, not {self.front_block}"
        if self.input_px < 1 or self.input_px % self.multiple:
            return f"the input must have a multiple of {self.multiple} pixels, not {self.input_px}"
        if not 0 <= self.dropout < 1:
            return f"the share of dropout lies from 0 to below 1, not at {self.dropout:g}"
        if self.roi_pooling not in ROI_POOLINGS:
            return f"there is no pooling of regions “{self.roi_pooling}”, but {', '.join(ROI_POOLINGS)}"
        if not self.sizes or not self.ratios or not all(0 < value < 1e4 for value in (*self.sizes, *self.ratios)):
            return "anchors need a size and a ratio at least, all above 0 and finite"
        return ""
