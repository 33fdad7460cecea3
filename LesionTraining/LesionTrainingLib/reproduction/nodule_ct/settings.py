"""What can be set of the reproduction, and its presets: the paper's own sizes, a demonstration, and a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.nodule_ct.network import ReductionArchitecture, ScreeningArchitecture

from ...evaluation.froc_bootstrap import SAMPLES
from ...learning.augmentation.clutter import ClutterSettings
from ...learning.augmentation.intensity import IntensitySettings
from ...learning.augmentation.spatial_3d import GeometrySettings
from ...learning.engine.settings import EngineSettings
from ...learning.nodule_ct.settings import PAPER_THRESHOLD, RecipeSettings, SamplingSettings


@dataclass(frozen=True)
class ReproductionSettings:
    """Everything but the data.

    Attributes:
        recipe: how both networks are fitted, online sample filtering on, with skips and regression: the ablations take
            these away.
        validation_share: of the patients of the nine subsets that are not tested on, set aside for thresholds. The paper
            speaks of a validation set and does not say which.
        bootstraps: samples for the 95 % intervals; 0 for none.
    """

    recipe: RecipeSettings = field(default_factory=RecipeSettings)
    validation_share: float = 0.1
    bootstraps: int = SAMPLES

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if not 0 < self.validation_share < 1:
            raise UsageError(f"“validation_share” must be between 0 and 1, not {self.validation_share}.")
        if self.bootstraps < 0:
            raise UsageError(f"“bootstraps” must be 0 or more, not {self.bootstraps}.")
        if not (self.recipe.reduction.skips and self.recipe.reduction.regression):
            raise UsageError(
                "“recipe.reduction” is ResNet+HL here, with skips and regression; the others are made of it."
            )
        if self.recipe.filtering.hard_share >= 1:
            raise UsageError("“recipe.filtering” is on here; the network without it is fitted beside.")


def preset_settings(preset: str) -> ReproductionSettings:
    """The settings of ``paper``, ``small`` or ``smoke``."""
    return ReproductionSettings(_PRESETS[preset]())


def _paper() -> RecipeSettings:
    """What the paper names (section 3), and no help that it does not name: no clutter, no varied intensities, no mining
    while the first network is fitted.

    It is silent on steps, batches and how the rate falls from 0.001; these are ours.
    """
    return RecipeSettings(
        screening=ScreeningArchitecture(),
        reduction=ReductionArchitecture(),
        screening_stage=_descent(steps=40_000, batch=256),
        reduction_stage=_descent(steps=30_000, batch=64),
        sampling=SamplingSettings(
            shift_radii=1.0, screening_negatives={"lung": 1.0}, reduction_negatives={"mined": 1.0}
        ),
        geometry=GeometrySettings(scale_share=1.0),
        intensity=IntensitySettings(shift=0.0, contrast_range=(1.0, 1.0), share=0.0),
        clutter=ClutterSettings(share=0.0),
        mining_threshold=PAPER_THRESHOLD,
        mined_per_scan=400,
        mining_rounds=1,
        least_candidate_threshold=PAPER_THRESHOLD,
    )


def _descent(steps: int, batch: int) -> EngineSettings:
    """SGD from 0.001 with momentum 0.9 and weight decay 1e-4 (beta of Eq. 4), down along half a cosine."""
    return EngineSettings(
        steps=steps,
        batch=batch,
        optimizer="sgd",
        learning_rate=1e-3,
        momentum=0.9,
        weight_decay=1e-4,
        schedule="cosine",
        final_share=0.01,
        log_every=10,
    )


def _smoke() -> RecipeSettings:
    """A few steps of tiny networks on a coarse grid: shows that every part works, and nothing else."""
    return RecipeSettings(
        spacing_mm=(2.0, 2.0, 2.5),
        screening=ScreeningArchitecture(widths=(4, 4, 8, 8)),
        reduction=ReductionArchitecture(trunk_widths=(4, 4, 8), widths=(8, 8), hidden=8),
        screening_stage=EngineSettings(steps=12, batch=16, learning_rate=1e-2, tensorboard=False),
        reduction_stage=EngineSettings(steps=6, batch=6, learning_rate=5e-3, tensorboard=False),
        mining_scans=2,
        mined_per_scan=20,
        candidates_per_scan=20.0,
    )


_PRESETS: dict[str, Callable[[], RecipeSettings]] = {"paper": _paper, "small": RecipeSettings, "smoke": _smoke}
