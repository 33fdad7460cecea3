"""What can be set of the reproduction, and its presets: the paper's own sizes, a demonstration, and a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.universal_ct.architecture import (
    ATTENTION,
    ORIGINAL,
    RESNET50,
    ROWS,
    VGG19,
    VGG19_BN,
    UniversalArchitecture,
)

from ...evaluation.froc_bootstrap import SAMPLES
from ...learning.engine.settings import EngineSettings
from ...learning.slices.settings import CropSettings
from ...learning.universal_ct.settings import MONITOR, RecipeSettings


@dataclass(frozen=True)
class ReproductionSettings:
    """Everything but the data.

    Attributes:
        recipe: how the network of the last row is fitted; the other rows take away from its architecture. The paper's backbone
            begins with weights of ImageNet, which are not shipped: ``recipe.initial_weights`` names their file.
        search_anchors: whether the anchors of all rows but the original's are found on the validation split, as in the paper;
            else they are those of ``recipe.architecture``, or of ``recipe.anchors_file``.
        resnet50: whether the last row is fitted with ResNet-50, too (section 2.1), as row 4.
        resnet50_weights: a file as ``recipe.initial_weights``, of that backbone; empty to begin at random.
        complete: whether the last row is fitted with the list that misses no lesion, too, as row 5; where there is such a list.
        bootstraps: samples for the 95 % intervals; 0 for none.
        timed_images: test images that time is taken of, evenly spread.
        examples: test images of each region that are shown, as in Fig. 4, and images with their mask, as in Fig. 3.
    """

    recipe: RecipeSettings = field(default_factory=RecipeSettings)
    search_anchors: bool = False
    resnet50: bool = False
    resnet50_weights: str = ""
    complete: bool = False
    bootstraps: int = SAMPLES
    timed_images: int = 50
    examples: int = 3

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        for name in ("bootstraps", "examples"):
            if getattr(self, name) < 0:
                raise UsageError(f"“{name}” must be 0 or more, not {getattr(self, name)}.")
        if self.timed_images < 1:
            raise UsageError(f"“timed_images” must be at least 1, not {self.timed_images}.")
        full, multiple = self.recipe.architecture, ROWS[ORIGINAL].multiple
        if not (full.dense and full.attention and full.lowest == ROWS[ATTENTION].lowest):
            raise UsageError(
                "“recipe.architecture” is the last row here, with dense supervision and attention from P2 on; the others are "
                "made of it."
            )
        if self.recipe.size_px % multiple or self.recipe.crop.size_px % multiple:
            raise UsageError(
                f"“recipe.size_px” and “recipe.crop.size_px” must be multiples of {multiple}: the first rows have a level so coarse."
            )
        if self.search_anchors and self.recipe.anchors_file:
            raise UsageError("Either “search_anchors”, or anchors from “recipe.anchors_file”.")

    def refuse_unfit(self) -> None:
        """Raises UsageError for a backbone that does not learn from random weights."""
        if self.recipe.architecture.backbone == VGG19 and not self.recipe.initial_weights:
            raise UsageError(
                "The paper’s VGG-19 begins with weights of ImageNet, which are not shipped: name their file, safetensors with "
                "torchvision’s names, as “initial_weights” under “recipe” in a file for --config. Without one set the backbone there to "
                f"“{VGG19_BN}”, which learns from random weights, or choose --preset small."
            )

    def recipe_of(self, architecture: UniversalArchitecture) -> RecipeSettings:
        """How the network of a row is fitted."""
        own = self.resnet50_weights if architecture.backbone == RESNET50 else self.recipe.initial_weights
        return replace(self.recipe, architecture=architecture, anchors_file="", initial_weights=own)


def preset_settings(preset: str) -> ReproductionSettings:
    """The settings of ``paper``, ``small`` or ``smoke``."""
    return _PRESETS[preset]()


def _small() -> ReproductionSettings:
    """A demonstration for two cores: a quarter of the width with batch normalisation, from random weights, on parts of
    slices; anchors found on the phantoms, and the last row also with all lesions."""
    recipe = RecipeSettings(
        architecture=UniversalArchitecture(
            backbone=VGG19_BN, base=16, pyramid=64, head=64, head_layers=2, dense_widths=(16, 8)
        ),
        fit=EngineSettings(
            steps=1600,
            batch=4,
            learning_rate=1e-3,
            schedule="cosine",
            warmup_steps=50,
            final_share=0.02,
            clip_norm=5.0,
            precision="bf16",  # on two cores with AMX a step takes a third of the time of float32
            validate_every=400,
            monitor=MONITOR,
            tensorboard=False,
        ),
        validate_epochs=0,
        crop=CropSettings(size_px=256),
    )
    return ReproductionSettings(recipe, search_anchors=True, complete=True)


def _smoke() -> ReproductionSettings:
    """A few steps of a tiny network on coarse slices: shows that every part works, and nothing else."""
    recipe = RecipeSettings(
        size_px=128,
        architecture=UniversalArchitecture(
            backbone=VGG19_BN, base=2, pyramid=4, head=4, head_layers=1, dense_widths=(2, 2)
        ),
        fit=EngineSettings(steps=6, batch=2, learning_rate=1e-3, validate_every=3, monitor=MONITOR, tensorboard=False),
        validate_epochs=0,
    )
    return ReproductionSettings(recipe, search_anchors=True, bootstraps=20, timed_images=2, examples=1)


_PRESETS: dict[str, Callable[[], ReproductionSettings]] = {
    "paper": ReproductionSettings,
    "small": _small,
    "smoke": _smoke,
}
