"""What can be set of the reproduction, and its presets: the paper's own sizes, a demonstration, and a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.pet_weak.architecture import CAM, FCN, UNET, PetWeakArchitecture

from ...learning.engine.settings import EngineSettings
from ...learning.pet_weak.settings import RecipeSettings, VariationSettings, paper
from ...radiomics.settings import RadiomicsSettings, preset
from .rows import ALONE_ROW, FCN_ROW, OUR_ROW, UNET_ROW, TableRow

_KINDS = {"cam": CAM, "fcn": FCN, "unet": UNET}
"""Setting -> the kind of network that it is of."""


@dataclass(frozen=True)
class ReproductionSettings:
    """Everything but the data.

    Attributes:
        cam: how the paper's own network is fitted.
        fcn: how the fully convolutional network is; the classifier that its labels come from is the row “CAMs alone”, so that
            this is fitted as ``fcn.labelling`` says.
        unet: how the supervised network is.
        radiomics: which features, what learns from them, and 3D-RPET-Net. The folds are those of the networks, whatever
            ``radiomics.study.folds`` says.
        folds: of the cross-validation (section 4: five), by patient, each label and outcome as often in each as it goes.
        validation_share: of the patients that a fold does not test on, set aside to choose weights by [choice].
        outcomes: name of the table in the data's folder that has the patients' outcomes.
        response, survival: its columns: of the patients with a tumour of the oesophagus and of the lung.
        positive_response, positive_survival: the values there that are positive; empty for 1, yes, true and the like.
        least_score: only marks of at least this score are taken [choice]: the paper has no scores, and takes all that its maps
            leave, as 0 does.
        bootstraps: samples for intervals; 0 for none.
        examples: patients of each label that are shown.
    """

    cam: RecipeSettings = field(default_factory=lambda: paper(CAM))
    fcn: RecipeSettings = field(default_factory=lambda: paper(FCN))
    unet: RecipeSettings = field(default_factory=lambda: paper(UNET))
    radiomics: RadiomicsSettings = field(default_factory=RadiomicsSettings)
    folds: int = 5
    validation_share: float = 0.2
    outcomes: str = "outcomes.csv"
    response: str = "response"
    survival: str = "survival_3y"
    positive_response: str = ""
    positive_survival: str = ""
    least_score: float = 0.0
    bootstraps: int = 2000
    examples: int = 3

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if self.folds < 2:
            raise UsageError(f"“folds” must be 2 or more, not {self.folds}.")
        if not 0 < self.validation_share < 1:
            raise UsageError(f"“validation_share” must be between 0 and 1, not {self.validation_share:g}.")
        for name in ("bootstraps", "examples"):
            if getattr(self, name) < 0:
                raise UsageError(f"“{name}” must be 0 or more, not {getattr(self, name)}.")
        if not 0 <= self.least_score <= 1:
            raise UsageError(f"“least_score” must be from 0 to 1, not {self.least_score:g}.")
        for name, kind in _KINDS.items():
            given = getattr(self, name).architecture
            if given.kind != kind:
                raise UsageError(f"“{name}.architecture.kind” must be “{kind}”, not “{given.kind}”.")

    def recipe_of(self, row: TableRow) -> RecipeSettings:
        """How the network of a row is fitted."""
        alone = self.fcn.labeller()
        return {ALONE_ROW: alone, FCN_ROW: self.fcn, OUR_ROW: self.cam, UNET_ROW: self.unet}[row]


def preset_settings(preset: str) -> ReproductionSettings:
    """The settings of ``paper``, ``small`` or ``smoke``."""
    return _PRESETS[preset]()


def _networks(
    widths: tuple[int, int, int, int], classifying: EngineSettings, segmenting: EngineSettings, **others: object
) -> ReproductionSettings:
    """The three recipes, of one width."""

    def recipe(kind: str, fit: EngineSettings) -> RecipeSettings:
        plain = replace(paper(kind), architecture=PetWeakArchitecture(kind, widths), epochs=0.0, validate_epochs=0.0)
        return replace(plain, fit=fit, labelling=classifying, **others)  # type: ignore[arg-type]

    return ReproductionSettings(recipe(CAM, classifying), recipe(FCN, segmenting), recipe(UNET, segmenting))


def _fit(steps: int, rate: float) -> EngineSettings:
    return EngineSettings(
        steps=steps,
        batch=4,
        learning_rate=rate,
        schedule="cosine",
        warmup_steps=20,
        final_share=0.02,
        clip_norm=5.0,
        precision="bf16",  # on two cores with AMX a step takes a fraction of the time of float32
        validate_every=steps // 2,  # for the record; the last weights are kept: the rate has fallen to nothing by then
        tensorboard=False,
    )


def _small() -> ReproductionSettings:
    """A demonstration for two cores: pixels of 3 mm, a quarter of the width, few steps, varied projections, and fewer features."""
    seen = {"pixel_mm": 3.0, "canvas_px": (352, 176)}
    networks = _networks((8, 16, 32, 64), _fit(700, 2e-3), _fit(250, 2e-3), variation=VariationSettings(), **seen)
    supervised = replace(networks.unet, fit=_fit(150, 2e-3))  # a step takes more than twice as long
    radiomics = preset("quick")
    study = replace(radiomics.study, permutations=0, bootstraps=1000)
    own = replace(radiomics, study=study)
    return replace(networks, unet=supervised, radiomics=own, validation_share=0.1, bootstraps=1000)


def _smoke() -> ReproductionSettings:
    """A few steps of tiny networks on two folds: shows that every part works, and nothing else."""
    networks = _networks((2, 2, 4, 4), _fit(4, 1e-3), _fit(4, 1e-3), pixel_mm=5.6, canvas_px=(192, 96))
    radiomics = preset("quick")
    study = replace(radiomics.study, permutations=0, bootstraps=50, inner_folds=2, features=(2,))
    rpet = replace(radiomics.rpet, side=8, spacing_mm=12.0, widths=(2, 4), hidden=4, steps=4)
    features = replace(radiomics.features, families=("statistics",), spacing_mm=0.0, least_voxels=1)
    few = replace(radiomics, study=study, rpet=rpet, features=features)
    return replace(networks, radiomics=few, folds=2, bootstraps=50, examples=2)


_PRESETS: dict[str, Callable[[], ReproductionSettings]] = {
    "paper": ReproductionSettings,
    "small": _small,
    "smoke": _smoke,
}
