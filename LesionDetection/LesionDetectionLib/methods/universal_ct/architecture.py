"""What the network is built of, in plain values; the four rows of the paper's Table 1 among them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, replace

VGG19, VGG19_BN, RESNET50 = "vgg19", "vgg19_bn", "resnet50"
BACKBONES = (VGG19, VGG19_BN, RESNET50)
LEVELS = 5
"""Of the pyramid: P2 to P6, or P3 to P7."""
SIZES = (32.0, 64.0, 128.0, 256.0, 512.0)
"""Of anchors, from the finest level to the coarsest: the same for both ranges of levels."""
DEFAULT_SCALES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
DEFAULT_RATIOS = (0.5, 1.0, 2.0)
PAPER_SCALES = (0.425, 0.540, 0.680)
PAPER_RATIOS = (1 / 3.27, 1 / 1.78, 1.0, 1.78, 3.27)


@dataclass(frozen=True)
class UniversalArchitecture:
    """The defaults are the paper's best row.

    Attributes:
        backbone: ``vgg19`` (the paper), ``vgg19_bn`` (with batch normalisation, to train without ImageNet weights [choice]),
            or ``resnet50`` (tried in the paper, and worse).
        base: channels of the backbone's first stage; the others have 2, 4, 8 and 8 (VGG) times as many. 64 for weights from
            elsewhere.
        pyramid: channels of the pyramid's levels.
        head: channels of the layers of both heads.
        head_layers: of each head, before its last.
        lowest: stage of the finest level: 2 (P2 to P6) or, in the original row, 3 (P3 to P7).
        dense: whether a mask is learned and predicted.
        dense_widths: channels at P1 and at P0, which has the input's pixels [choice]: 256 at P0 cost more than all else.
        attention: whether what the backbone gives a level is gated by the coarser level.
        sizes: of the anchors of each level, in pixels of the input, from the finest level to the coarsest.
        scales: an anchor's side is size times scale where it is a square.
        ratios: height over width of anchors of one area.
    """

    backbone: str = VGG19
    base: int = 64
    pyramid: int = 256
    head: int = 256
    head_layers: int = 4
    lowest: int = 2
    dense: bool = True
    dense_widths: tuple[int, int] = (64, 32)
    attention: bool = True
    sizes: tuple[float, ...] = SIZES
    scales: tuple[float, ...] = PAPER_SCALES
    ratios: tuple[float, ...] = PAPER_RATIOS

    @property
    def anchors(self) -> int:
        """At each place of a level."""
        return len(self.scales) * len(self.ratios)

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels of the input from one place of a level to the next, the finest first."""
        return tuple(2 ** (self.lowest + n) for n in range(LEVELS))

    @property
    def multiple(self) -> int:
        """Height and width of the input are multiples of this, so that every level has whole places."""
        return self.strides[-1]

    def problem(self) -> str:
        """What cannot be, for a sentence; empty where the network can be built."""
        if self.backbone not in BACKBONES:
            return f"there is no backbone “{self.backbone}”, but {', '.join(BACKBONES)}"
        if min(self.base, self.pyramid, self.head, self.head_layers, *self.dense_widths) < 1:
            return "widths and numbers of layers must be at least 1"
        if self.lowest not in (2, 3):
            return f"the finest level must be 2 or 3, not {self.lowest}"
        if self.dense and self.lowest != 2:
            return "a mask needs the levels from P2 on (“lowest” 2)"
        if len(self.dense_widths) != 2 or len(self.sizes) != LEVELS or not self.scales or not self.ratios:
            return f"it needs {LEVELS} sizes of anchors, a scale and a ratio at least, and two widths for the mask"
        if not all(0 < value < 1e4 for value in (*self.sizes, *self.scales, *self.ratios)):
            return "sizes, scales and ratios of anchors must be above 0 and finite"
        return ""


ORIGINAL, ANCHORS, DENSE, ATTENTION = "original", "anchors", "dense", "attention"
ROWS = {
    ORIGINAL: UniversalArchitecture(
        lowest=3, dense=False, attention=False, scales=DEFAULT_SCALES, ratios=DEFAULT_RATIOS
    ),
    ANCHORS: UniversalArchitecture(lowest=3, dense=False, attention=False),
    DENSE: UniversalArchitecture(attention=False),
    ATTENTION: UniversalArchitecture(),
}
"""The rows of Table 1. The heads move from P3-P7 to P2-P6 with the dense supervision (section 2.2), and the anchors' sizes stay."""


def scaled(architecture: UniversalArchitecture, share: float) -> UniversalArchitecture:
    """The same with ``share`` of the channels of every layer (at least one; the anchors stay)."""

    def part(width: int) -> int:
        return max(1, round(width * share))

    return replace(
        architecture,
        base=part(architecture.base),
        pyramid=part(architecture.pyramid),
        head=part(architecture.head),
        dense_widths=(part(architecture.dense_widths[0]), part(architecture.dense_widths[1])),
    )
