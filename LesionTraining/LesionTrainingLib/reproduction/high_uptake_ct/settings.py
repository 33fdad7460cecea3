"""What can be set of the reproduction, and its presets: the paper's own sizes, a demonstration, and a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.high_uptake_ct.network import PRESETS as ARCHITECTURES
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture

from ...learning.engine.settings import EngineSettings
from ...learning.high_uptake_ct.settings import (
    ANYWHERE,
    DENSE,
    HULL,
    LARGEST,
    RIM,
    RecipeSettings,
    SamplingSettings,
    SliceSettings,
    VariationSettings,
)
from ...learning.sampling.class_balance import BalanceSettings

_EVERY_SLICE = 1_000_000


@dataclass(frozen=True)
class ReproductionSettings:
    """Everything but the data.

    Attributes:
        recipe: how the network of each fold is fitted.
        folds: of the cross-validation, drawn by patient; as many as there are patients with active lesions where these are
            fewer.
        validation_share: of the patients that a fold does not test on, set aside to measure the accuracy of the classes on,
            by which batches are balanced. The paper speaks of a validation set and does not say which [choice]. 0: the
            training slices serve.
        slices_without: of a scan without active lesions at most so many slices are looked at, evenly spread over those in
            which anything is searched (the lungs, or all); 0 for all of these, as the paper does with LOLA.
        subset_list: name of a text file in the data's folder, one case or patient a line: the subset that the paper calls
            LUNGCX. Without such a file there are no rows of it.
        examples: test slices that are shown, as in Fig. 7.
        grey_share: a filter whose weights have less than this share of the standard deviation of the layer's most varied
            filter counts as uniformly grey [choice]: the paper judges by eye.
    """

    recipe: RecipeSettings = field(default_factory=RecipeSettings)
    folds: int = 10
    validation_share: float = 0.1
    slices_without: int = 0
    subset_list: str = "lungcx.txt"
    examples: int = 6
    grey_share: float = 0.25

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if self.folds < 2:
            raise UsageError(f"“folds” must be 2 or more, not {self.folds}.")
        if not 0 <= self.validation_share < 1:
            raise UsageError(f"“validation_share” must be from 0 to below 1, not {self.validation_share}.")
        for name in ("slices_without", "examples"):
            if getattr(self, name) < 0:
                raise UsageError(f"“{name}” must be 0 or more, not {getattr(self, name)}.")
        if not 0 < self.grey_share < 1:
            raise UsageError(f"“grey_share” must be between 0 and 1, not {self.grey_share}.")

    @property
    def measured_slices(self) -> SliceSettings:
        """What is measured on: of a case with active lesions the slice with the largest section of one (section 4.1), of one
        without them see ``slices_without``; whatever the network learns from."""
        return SliceSettings(LARGEST, self.slices_without or _EVERY_SLICE, 0)


def preset_settings(preset: str) -> ReproductionSettings:
    """The settings of ``paper``, ``small`` or ``smoke``."""
    return _PRESETS[preset]()


def _paper() -> ReproductionSettings:
    """What the paper names (sections 3 and 4.1), and no help that it does not name: one slice a case, its pixels drawn
    anywhere in it, looked at as a whole, no varied patches. Its numbers of hidden units, steps and the learning rate are
    not known; these are ours."""
    fit = EngineSettings(steps=40_000, batch=256, optimizer="adam", learning_rate=1e-4, log_every=10)
    return ReproductionSettings(RecipeSettings(lungs_only=False, fit=fit))


def _small() -> ReproductionSettings:
    """A demonstration for two cores: few hidden units, more slices of each case, patches turned and flipped, background drawn
    where it is hard, and the lungs' hull only."""
    recipe = RecipeSettings(
        spacing_mm=(1.0, 1.0, 0.0),
        window_hu=(-600.0, 300.0),
        architecture=ARCHITECTURES["small"],
        fit=EngineSettings(
            steps=1200, batch=128, learning_rate=1e-3, schedule="cosine", final_share=0.02, tensorboard=False
        ),
        balance=BalanceSettings(every=100),
        balance_most=256,
        selection=SliceSettings("8", 0, 0),
        sampling=SamplingSettings({ANYWHERE: 0.1, HULL: 0.2, DENSE: 0.5, RIM: 0.2}, by_lesion=0.5, clear_mm=1.0),
        variation=VariationSettings(flip=0.5, turn=True),
    )
    return ReproductionSettings(recipe, slices_without=5)


def _smoke() -> ReproductionSettings:
    """A few steps of a tiny network on three folds: shows that every part works, and nothing else."""
    recipe = RecipeSettings(
        architecture=PatchArchitecture((4, 6), (8, 8)),
        fit=EngineSettings(steps=20, batch=16, learning_rate=1e-3, tensorboard=False),
        balance=BalanceSettings(every=10),
        balance_most=64,
        selection=SliceSettings("3", 0, 0),
        sampling=SamplingSettings({HULL: 0.5, DENSE: 0.5}),
    )
    return ReproductionSettings(recipe, folds=3, slices_without=3, examples=4)


_PRESETS: dict[str, Callable[[], ReproductionSettings]] = {"paper": _paper, "small": _small, "smoke": _smoke}
