"""What can be set of the reproduction, and its presets: the paper's own sizes, a demonstration, and a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.liver_ct.architecture import ALIGN, BASELINE, FASTER_RCNN, VGG
from LesionDetectionLib.methods.liver_ct.proposals import Sampling

from ...evaluation.froc_bootstrap import SAMPLES
from ...learning.engine.settings import EngineSettings
from ...learning.liver_ct.settings import MEAN_PRECISION, RecipeSettings, paper
from ...learning.slices.settings import CropSettings
from .rows import LiverRow

_RECIPES = {"baseline": BASELINE, "vgg": VGG, "faster_rcnn": FASTER_RCNN}
"""Setting -> the detector that it is of."""


@dataclass(frozen=True)
class ReproductionSettings:
    """Everything but the data.

    Attributes:
        baseline, vgg, faster_rcnn: how these networks are fitted. Where features of VGG-16 alone are looked at, it is as ``vgg``.
        front_ends: whether the baseline on features of block 2, 3 and 4 of VGG-16 is fitted, too (section 4.2, what the paper
            tried first), as rows 3 to 5.
        imagenet: whether VGG-16 and ResNet-50 begin with weights of ImageNet, which are not shipped: ``vgg.initial_weights`` and
            ``faster_rcnn.initial_weights`` name their files.
        images_list: a file that names the training images with liver lesions, one a line, such as ``000001_01_01_109``, as
            DeepLesion tells types of lesions for validation and test only; see ``list`` of the cohort ``deeplesion``. Empty where
            all images of the data are of the liver.
        threshold: least score of what is called a prediction of Faster R-CNN. The paper does not say which; this one is in the
            test script of the code that it names [choice].
        bootstraps: samples for the 95 % intervals; 0 for none.
        training_images: at most so many training images, evenly spread, are measured on for Fig. 3; 0 for all (the paper).
        examples: images of each row that are shown, half of them training images where a network gives one box.
    """

    baseline: RecipeSettings = field(default_factory=lambda: paper(BASELINE))
    vgg: RecipeSettings = field(default_factory=lambda: paper(VGG))
    faster_rcnn: RecipeSettings = field(default_factory=lambda: paper(FASTER_RCNN))
    front_ends: bool = False
    imagenet: bool = True
    images_list: str = ""
    threshold: float = 0.8
    bootstraps: int = SAMPLES
    training_images: int = 0
    examples: int = 4

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        for name in ("bootstraps", "training_images", "examples"):
            if getattr(self, name) < 0:
                raise UsageError(f"“{name}” must be 0 or more, not {getattr(self, name)}.")
        if not 0 <= self.threshold <= 1:
            raise UsageError(f"“threshold” must be from 0 to 1, not {self.threshold:g}.")
        for name, detector in _RECIPES.items():
            given = getattr(self, name).architecture.detector
            if given != detector:
                raise UsageError(f"“{name}.architecture.detector” must be “{detector}”, not “{given}”.")

    def refuse_unfit(self) -> None:
        """Raises UsageError where weights of ImageNet are to be begun with, and are not named."""
        without = [name for name in ("vgg", "faster_rcnn") if not getattr(self, name).initial_weights]
        if self.imagenet and without:
            named = " and ".join(f"“initial_weights” under “{name}”" for name in without)
            raise UsageError(
                "The paper’s VGG-16 and ResNet-50 begin with weights of ImageNet, which are not shipped: name their files, safetensors "
                f"with torchvision’s names, as {named} in a file for --config. To begin at random set “imagenet: false” there, and "
                "“vgg_normalised: true” under “architecture” of “vgg”, as a plain one hardly learns so; or choose --preset small."
            )

    def recipe_of(self, row: LiverRow) -> RecipeSettings:
        """How the network of a row is fitted."""
        if row.detector == BASELINE:
            return self.baseline
        if row.detector == FASTER_RCNN:
            return self.faster_rcnn
        if not row.front_block:
            return self.vgg
        network = replace(self.vgg.architecture, detector=row.detector, front_block=row.front_block)
        return replace(self.vgg, architecture=network)


def preset_settings(preset: str) -> ReproductionSettings:
    """The settings of ``paper``, ``small`` or ``smoke``."""
    return _PRESETS[preset]()


def _recipe(detector: str, size_px: int, network: dict[str, Any], fit: EngineSettings, **others: Any) -> RecipeSettings:
    """The paper's recipe of a detector with other sizes, for so many steps."""
    plain = paper(detector)
    own = replace(plain.architecture, **network)
    return replace(plain, size_px=size_px, architecture=own, epochs=0.0, fit=fit, validate_epochs=0.0, **others)


def _small() -> ReproductionSettings:
    """A demonstration for two cores: a quarter of the width, from random weights with batch normalisation."""
    return ReproductionSettings(
        baseline=_recipe(BASELINE, 256, {"widths": (16, 16, 32, 32)}, _small_fit(900, 8, 1e-3)),
        vgg=_recipe(
            VGG,
            256,
            {"widths": (16, 16, 32, 32), "vgg_base": 16, "vgg_normalised": True},
            _small_fit(900, 4, 5e-4),
        ),
        faster_rcnn=_recipe(
            FASTER_RCNN,
            512,
            {"resnet_base": 16, "roi_px": 7, "roi_pooling": ALIGN},
            replace(_small_fit(1200, 4, 1e-3), monitor=MEAN_PRECISION),
            # With 128 boxes a slice in 14 x 14 bins the second stage takes four fifths of a step; lesions are a place or two of C4
            sampling=Sampling(proposals=300, boxes=32),
            crop=CropSettings(size_px=256),
        ),
        imagenet=False,
    )


def _small_fit(steps: int, batch: int, rate: float) -> EngineSettings:
    return EngineSettings(
        steps=steps,
        batch=batch,
        learning_rate=rate,
        schedule="cosine",
        warmup_steps=50,
        final_share=0.02,
        clip_norm=5.0,
        precision="bf16",  # on two cores with AMX a step takes a fraction of the time of float32
        validate_every=steps // 6,
        tensorboard=False,
    )


def _smoke() -> ReproductionSettings:
    """A few steps of tiny networks on coarse slices: shows that every part works, and nothing else."""
    fit = EngineSettings(steps=4, batch=2, learning_rate=1e-3, validate_every=2, tensorboard=False)
    narrow = {"widths": (2, 2, 4, 4)}
    return ReproductionSettings(
        baseline=_recipe(BASELINE, 64, narrow, fit),
        vgg=_recipe(VGG, 64, {**narrow, "vgg_base": 2, "vgg_normalised": True}, fit),
        faster_rcnn=_recipe(FASTER_RCNN, 128, {"resnet_base": 2, "roi_px": 4}, replace(fit, monitor=MEAN_PRECISION)),
        imagenet=False,
        bootstraps=20,
        examples=4,
    )


_PRESETS: dict[str, Callable[[], ReproductionSettings]] = {
    "paper": ReproductionSettings,
    "small": _small,
    "smoke": _smoke,
}
