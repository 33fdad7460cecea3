"""What can be set of the recipe of ``universal-ct``. The defaults are the paper's; where it is silent, they say [choice]."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.universal_ct.anchor_file import read_anchors
from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings

from ..augmentation.intensity import IntensitySettings
from ..augmentation.spatial_2d import SliceSettings
from ..engine.settings import EngineSettings
from ..losses.focal import FocalSettings
from ..slices.settings import CropSettings, SelectionSettings, require

MONITOR = "mAP"
"""Average precision at an IoU of .5 over the validation slices, by calibrated scores."""


@dataclass(frozen=True)
class MatchingSettings:
    """Which anchors are taught what (Lin et al. 2017, focal loss, section 4).

    Attributes:
        positive_iou: an anchor that overlaps a lesion's box by so much or more is taught that lesion.
        negative_iou: one that overlaps all by less is taught that there is none; between the two it is taught nothing.
        match_best: the anchor that overlaps a lesion most is taught it even below ``positive_iou`` [choice]; without, a lesion
            that no anchor reaches is not learned.
        ignored_share: an anchor that is no lesion's, and of which so much lies in what is neither lesion nor background, is
            taught nothing [choice].
    """

    positive_iou: float = 0.5
    negative_iou: float = 0.4
    match_best: bool = False
    ignored_share: float = 0.5

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        good = 0 < self.negative_iou <= self.positive_iou <= 1
        require(good, "negative_iou", "above 0, and at most positive_iou, which is at most 1", self.negative_iou)
        require(0 < self.ignored_share <= 1, "ignored_share", "above 0, and 1 at most", self.ignored_share)


@dataclass(frozen=True)
class LossSettings:
    """The parts of the loss (paper, section 2.3: those of RetinaNet, and a focal loss for the mask).

    Attributes:
        anchors, pixels: the focal losses, of anchors and of the mask's pixels. The first is divided by the number of positive
            anchors, the second by that of the lesions' pixels [choice].
        beta: where the smooth L1 of boxes goes over from a square to a line [choice], as in the published RetinaNet.
        box_weight, mask_weight: of these parts [choice].
    """

    anchors: FocalSettings = field(default_factory=FocalSettings)
    pixels: FocalSettings = field(default_factory=FocalSettings)
    beta: float = 1 / 9
    box_weight: float = 1.0
    mask_weight: float = 1.0

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        for name in ("box_weight", "mask_weight"):
            require(0 <= getattr(self, name) < inf, name, "0 or more", getattr(self, name))
        require(0 < self.beta < inf, "beta", "above 0", self.beta)


def _fit() -> EngineSettings:
    """The paper's (section 2.3), but for the most steps: it stops when nothing gets better."""
    return EngineSettings(
        steps=200_000,
        batch=4,
        optimizer="adam",
        learning_rate=1e-4,
        schedule="plateau",
        factor=0.1,
        plateau_patience=2,
        validate_every=5000,
        monitor=MONITOR,
        patience=4,
    )


@dataclass(frozen=True)
class RecipeSettings:
    """Everything of a training run but the cases.

    Attributes:
        size_px, slice_distance_mm, window_hu: what the network sees, see :class:`UniversalSettings`.
        architecture: the network; the paper's best row by default.
        anchors_file: ``anchors.json``, whose shapes take the place of the architecture's; empty for these.
        initial_weights: a safetensors file with the backbone's weights (ImageNet's, with torchvision's names); empty to begin
            at random.
        fit: how it is fitted.
        validate_epochs: a validation after so many rounds through the training slices (the paper: 1), in place of
            ``fit.validate_every``; 0 for that number of steps.
        selection: which slices.
        variation: how slices are varied in space (paper, section 3.1).
        intensity: noise, filters, contrast and shift in HU, as other scanners have them; none in the paper.
        crop: the part of a slice that a sample is.
        matching: which anchors are taught what.
        loss: its parts.
        validation_slices: a validation looks at so many slices at most, evenly spread; 0 for all (the paper).
        measured_slices: operating points and the figures in the record are of at most so many validation slices; 0 for all.
    """

    size_px: int = UniversalSettings.size_px
    slice_distance_mm: float = UniversalSettings.slice_distance_mm
    window_hu: tuple[float, float] = UniversalSettings.window_hu
    architecture: UniversalArchitecture = field(default_factory=UniversalArchitecture)
    anchors_file: str = ""
    initial_weights: str = ""
    fit: EngineSettings = field(default_factory=_fit)
    validate_epochs: float = 1.0
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    variation: SliceSettings = field(default_factory=SliceSettings)
    intensity: IntensitySettings = field(
        default_factory=lambda: IntensitySettings(shift=0.0, contrast_range=(1.0, 1.0), share=0.0)
    )
    crop: CropSettings = field(default_factory=CropSettings)
    matching: MatchingSettings = field(default_factory=MatchingSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    validation_slices: int = 0
    measured_slices: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for what would fail, or give a model that nobody can use, after hours of fitting."""
        self.method()
        if problem := self.architecture.problem():
            raise UsageError(f"The architecture cannot be: {problem}.")
        multiple = self.architecture.multiple
        require(self.size_px % multiple == 0, "size_px", f"a multiple of {multiple}", self.size_px)
        whole = self.crop.size_px % multiple == 0 and self.crop.size_px <= self.size_px
        require(whole, "crop.size_px", f"a multiple of {multiple} up to size_px, or 0", self.crop.size_px)
        require(0 <= self.validate_epochs < inf, "validate_epochs", "0 or more", self.validate_epochs)
        for name in ("validation_slices", "measured_slices"):
            require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        require(0 <= self.variation.flip <= 1, "variation.flip", "from 0 to 1", self.variation.flip)
        require(self.fit.seed == 0, "fit.seed", "left out, as the run's seed (--seed) is used", self.fit.seed)

    @property
    def sample_px(self) -> int:
        """Sides of a sample."""
        return self.crop.size_px or self.size_px

    def method(self) -> UniversalSettings:
        """The method's settings that belong to the weights."""
        return UniversalSettings(
            size_px=self.size_px,
            slice_distance_mm=self.slice_distance_mm,
            window_hu=self.window_hu,
            mask_box_margin_px=self.selection.box_margin_px,
        )

    def with_anchors(self) -> RecipeSettings:
        """The same with the anchors of ``anchors_file``, if one is named, in the architecture.

        Raises:
            InputError: it cannot be read.
            UsageError: it has another number of sizes than the network has levels.
        """
        if not self.anchors_file:
            return self
        found = read_anchors(Path(self.anchors_file))
        shapes = replace(self.architecture, sizes=found.sizes, scales=found.scales, ratios=found.ratios)
        if problem := shapes.problem():
            raise UsageError(f"The anchors in {self.anchors_file} do not fit: {problem}.")
        return replace(self, architecture=shapes)
