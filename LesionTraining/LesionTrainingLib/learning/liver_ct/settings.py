"""What can be set of the recipe of ``liver-ct``. The defaults are the paper's; where it is silent, they say [choice]."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.imaging.recist_mask import ELLIPSE
from LesionDetectionLib.methods.liver_ct.architecture import BASELINE, FASTER_RCNN, VGG, VGG_FRONT, LiverArchitecture
from LesionDetectionLib.methods.liver_ct.faster_rcnn import LOSSES
from LesionDetectionLib.methods.liver_ct.proposals import Sampling
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings

from ..augmentation.intensity import IntensitySettings
from ..augmentation.spatial_2d import SliceSettings
from ..engine.settings import EngineSettings
from ..slices.settings import CropSettings, SelectionSettings, require

MEAN_PRECISION, ERROR, SENSITIVITY, LOSS = "mAP", "MSE", "sensitivity", "loss"
"""What a validation tells: the first of Faster R-CNN, the next two of the single-box detectors, the last of all."""
STAGES = 5
"""Of VGG-16 and of ResNet-50."""


@dataclass(frozen=True)
class FrozenSettings:
    """What of ``initial_weights`` stays as it is [choice]; a network that begins at random learns everything.

    Attributes:
        stages: so many of the backbone's, from the first on; of the five of VGG-16 those that there are, and of ResNet-50's the
            last is the second stage's own.
        batch_norm: its batch normalisation: the statistics of the few slices of a batch are worse than those that it came with.
    """

    stages: int = 2
    batch_norm: bool = True

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        require(0 <= self.stages <= STAGES, "frozen.stages", f"from 0 to {STAGES}", self.stages)


def _fit() -> EngineSettings:
    """Of Faster R-CNN; the paper tells only the rounds. Rate and batch are those of the published code that it names [choice]."""
    return EngineSettings(batch=1, learning_rate=1e-5, validate_every=1000, monitor=MEAN_PRECISION)


def _still() -> SliceSettings:
    return SliceSettings(flip=0.0, share=0.0)


def _plain() -> IntensitySettings:
    return IntensitySettings(shift=0.0, contrast_range=(1.0, 1.0), share=0.0)


@dataclass(frozen=True)
class RecipeSettings:
    """Everything of a training run but the cases. The defaults are those of Faster R-CNN; :func:`paper` has the others.

    Attributes:
        size_px, slice_distance_mm, window_hu, proposals: what the network sees, and how many of its proposals are judged, see
            :class:`LiverSettings`.
        architecture: the network; its ``input_px`` follows ``size_px``.
        initial_weights: a safetensors file with the weights of VGG-16 or ResNet-50 (ImageNet's, with torchvision's names); empty
            to begin at random.
        frozen: what of these weights is not learned.
        sampling: what Faster R-CNN learns from in each slice.
        epochs: so many rounds through the training slices (the paper: 150, with VGG-16 70), in place of ``fit.steps``; 0 for that
            number of steps.
        fit: how it is fitted.
        validate_epochs: a validation after so many rounds (the paper: 1), in place of ``fit.validate_every``; 0 for that number
            of steps.
        selection: which slices. The single-box detectors learn from those that show a lesion only. Masks are not learned, so
            that two diameters become one in the quickest way.
        variation: how slices are varied in space; not at all in the paper.
        intensity: noise, filters, contrast and shift in HU, as other scanners have them; none in the paper.
        crop: the part of a slice that a sample is; of Faster R-CNN only.
        validation_slices: a validation looks at so many slices at most, evenly spread; 0 for all (the paper).
        measured_slices: operating points and the figures in the record are of at most so many validation slices; 0 for all.
    """

    size_px: int = LiverSettings.size_px
    slice_distance_mm: float = LiverSettings.slice_distance_mm
    window_hu: tuple[float, float] = LiverSettings.window_hu
    proposals: int = LiverSettings.proposals
    architecture: LiverArchitecture = field(default_factory=LiverArchitecture)
    initial_weights: str = ""
    frozen: FrozenSettings = field(default_factory=FrozenSettings)
    sampling: Sampling = field(default_factory=Sampling)
    epochs: float = 150.0
    fit: EngineSettings = field(default_factory=_fit)
    validate_epochs: float = 1.0
    selection: SelectionSettings = field(default_factory=lambda: SelectionSettings(mask_way=ELLIPSE))
    variation: SliceSettings = field(default_factory=_still)
    intensity: IntensitySettings = field(default_factory=_plain)
    crop: CropSettings = field(default_factory=CropSettings)
    validation_slices: int = 0
    measured_slices: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for what would fail, or give a model that nobody can use, after hours of fitting."""
        self.method()
        given, network = self.architecture.input_px, self.network()
        own = given in (LiverArchitecture.input_px, self.size_px)
        require(own, "architecture.input_px", f"left out, as size_px ({self.size_px}) is used", given)
        if problem := network.problem():
            raise UsageError(f"The architecture cannot be: {problem}.")
        self._check_sample(network)
        _check_sampling(self.sampling)
        for name in ("epochs", "validate_epochs"):
            require(0 <= getattr(self, name) < inf, name, "0 or more", getattr(self, name))
        for name in ("validation_slices", "measured_slices"):
            require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        require(0 <= self.variation.flip <= 1, "variation.flip", "from 0 to 1", self.variation.flip)
        require(self.fit.seed == 0, "fit.seed", "left out, as the run's seed (--seed) is used", self.fit.seed)
        self._check_monitor(network)
        if self.initial_weights and network.detector == BASELINE:
            raise UsageError(
                "The baseline has no layers that weights from elsewhere would fit: leave initial_weights out."
            )

    def _check_sample(self, network: LiverArchitecture) -> None:
        side = self.crop.size_px
        if network.single_box and side:
            raise UsageError(
                f"“{network.detector}” tells where in a whole slice the lesion lies, and cannot learn that from parts: set "
                f"crop.size_px to 0, not to {side}."
            )
        whole = side % network.multiple == 0 and side <= self.size_px
        require(whole, "crop.size_px", f"a multiple of {network.multiple} up to size_px, or 0", side)

    def _check_monitor(self, network: LiverArchitecture) -> None:
        known = told_by(network)
        monitor = self.fit.monitor
        require(not monitor or monitor in known, "fit.monitor", f"one of {', '.join(known)}, or empty", monitor)
        if monitor:
            rises = monitor in (MEAN_PRECISION, SENSITIVITY)
            name = f"fit.higher_is_better ({monitor})"
            require(self.fit.higher_is_better == rises, name, str(rises).lower(), str(not rises).lower())

    @property
    def sample_px(self) -> int:
        """Sides of a sample."""
        return self.crop.size_px or self.size_px

    def network(self) -> LiverArchitecture:
        """The architecture, for inputs of ``size_px``."""
        return replace(self.architecture, input_px=self.size_px)

    def method(self) -> LiverSettings:
        """The method's settings that belong to the weights."""
        return LiverSettings(
            size_px=self.size_px,
            slice_distance_mm=self.slice_distance_mm,
            window_hu=self.window_hu,
            proposals=self.proposals,
            box_margin_px=self.selection.box_margin_px,
        )


def _check_sampling(sampling: Sampling) -> None:
    low, high = sampling.anchor_negative_iou, sampling.anchor_positive_iou
    good = 0 < low <= high <= 1
    require(good, "sampling.anchor_negative_iou", f"above 0, up to anchor_positive_iou ({high:g}), up to 1", low)
    require(0 < sampling.box_iou <= 1, "sampling.box_iou", "above 0, and 1 at most", sampling.box_iou)
    for name in ("positive_anchors", "positive_boxes"):
        share = getattr(sampling, name)
        require(0 < share <= 1, f"sampling.{name}", "above 0, and 1 at most", share)
    for name in ("anchors", "proposals", "boxes"):
        count = getattr(sampling, name)
        require(count >= 1, f"sampling.{name}", "at least 1", count)


def told_by(network: LiverArchitecture) -> tuple[str, ...]:
    """The names of what a validation tells."""
    return (ERROR, SENSITIVITY, LOSS) if network.single_box else (MEAN_PRECISION, *LOSSES, LOSS)


def paper(detector: str) -> RecipeSettings:
    """The paper's values of a detector (sections 4.1.1, 5.1.1, 5.1.3 and 5.2).

    The single-box detectors keep their last weights: Figure 3 has the final loss, and shows how far they overfit, which the
    weights of the best validation would hide. Those of Faster R-CNN are the ones of the best validation [choice].

    Raises:
        UsageError: there is no such detector.
    """
    settings = RecipeSettings()
    if detector == FASTER_RCNN:
        return settings
    if detector == BASELINE:
        fit = replace(settings.fit, batch=8, learning_rate=0.003, monitor="")
        return replace(settings, architecture=LiverArchitecture(BASELINE), fit=fit)
    if detector in (VGG, VGG_FRONT):
        return replace(
            settings,
            architecture=LiverArchitecture(detector, dropout=0.05),
            frozen=FrozenSettings(STAGES),
            epochs=70.0,
            fit=replace(settings.fit, batch=1, learning_rate=1e-4, monitor=""),
        )
    raise UsageError(f"There is no detector “{detector}”.")
