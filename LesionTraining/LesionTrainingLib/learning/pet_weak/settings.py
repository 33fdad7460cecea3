"""What can be set of the recipe of ``pet-weak``. The defaults are the paper's; where it is silent, they say [choice]."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.pet_weak.architecture import CAM, FCN, UNET, PetWeakArchitecture
from LesionDetectionLib.methods.pet_weak.settings import PetWeakSettings

from ..augmentation.intensity import FOR_SUV, IntensitySettings
from ..augmentation.spatial_2d import SliceSettings
from ..engine.settings import EngineSettings
from ..slices.settings import require

ACCURACY, POINTING, DISTANCE, DICE, CLEAR, LOSS = "accuracy", "pointing", "distance mm", "Dice", "clear", "loss"
"""What a validation tells, see :mod:`.measuring`."""
CLASSIFIER_TELLS = (ACCURACY, POINTING, DISTANCE, LOSS)
SEGMENTATION_TELLS = (DICE, POINTING, DISTANCE, CLEAR, LOSS)
_RISING = (ACCURACY, POINTING, DICE, CLEAR)


@dataclass(frozen=True)
class VariationSettings:
    """How projections are varied, each of a patient's two by its own values [choice]; the paper does not say whether it does.

    Attributes:
        rotation_rad, scale: greatest rotation, and greatest share by which a projection is magnified or made smaller; either way.
        shift: greatest shift along height and width, as a share of these.
        share: chance of these three; the other projections keep their own pixels.
        mirror: chance that the coronal projection is mirrored, left to right; the sagittal one never is: a patient has a front
            and a back.
        intensity: a factor on the uptake, noise and filters, as other doses and scanners have them; both projections of a patient
            share all but the noise.
    """

    rotation_rad: float = 0.05
    scale: float = 0.1
    shift: float = 0.04
    share: float = 1.0
    mirror: float = 0.0
    intensity: IntensitySettings = FOR_SUV

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        for name in ("share", "mirror"):
            require(0 <= getattr(self, name) <= 1, f"variation.{name}", "from 0 to 1", getattr(self, name))
        for name in ("rotation_rad", "shift"):
            require(0 <= getattr(self, name) < inf, f"variation.{name}", "0 or more", getattr(self, name))
        require(0 <= self.scale < 1, "variation.scale", "from 0 to below 1", self.scale)

    def in_space(self) -> SliceSettings:
        """Without the mirror, which is of one of both projections only."""
        return SliceSettings(0.0, self.rotation_rad, 0.0, self.scale, self.shift, self.share)


@dataclass(frozen=True)
class PseudoLabelSettings:
    """What of a classifier's map becomes the label that a fully convolutional network learns from [choice]; see
    :mod:`.pseudo_labels`.

    Attributes:
        map_share: the map of the scan's own class from this on.
        uptake_share: and the uptake from this share of the highest that the projection shows there.
    """

    map_share: float = 0.5
    uptake_share: float = 0.4

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        for name in ("map_share", "uptake_share"):
            value = getattr(self, name)
            require(0 < value <= 1, f"pseudo_labels.{name}", "above 0, and 1 at most", value)


def _fit() -> EngineSettings:
    """The batch of 8 projections, those of 4 patients, is the paper's (section 2); optimiser, rate and watching [choice]."""
    return EngineSettings(
        batch=4, learning_rate=1e-4, validate_every=1000, monitor=LOSS, higher_is_better=False, optimizer="adam"
    )


def _still() -> VariationSettings:
    plain = IntensitySettings(shift=0.0, contrast_range=(1.0, 1.0), fixed=0.0, share=0.0)
    return VariationSettings(0.0, 0.0, 0.0, 0.0, 0.0, plain)


@dataclass(frozen=True)
class RecipeSettings:
    """Everything of a training run but the cases. The defaults are those of the paper's own network; :func:`paper` has the others.

    Attributes:
        pixel_mm, most_suv, canvas_px: what the network sees, see :class:`LesionDetectionLib.methods.pet_weak.settings.Seen`.
        architecture: the network.
        distance_weight: lambda, the weight of the distance loss, which is a share of the input's diagonal, beside the cross-entropy;
            0 for maps that nobody corrects (the paper's “CAMs alone”). Of ``cam`` only. The paper gives no number [choice]: of 0, 5
            and 20 the last brought the maps nearest to the tumours of phantoms, at no cost to the classes.
        epochs: so many rounds through the patients, in place of ``fit.steps``; 0 for that number of steps [choice].
        fit: how the network is fitted; ``batch`` counts patients, each with both projections.
        validate_epochs: a validation after so many rounds, in place of ``fit.validate_every``; 0 for that number of steps.
        labelling: of ``fcn`` only: how the classifier is fitted that makes its labels; for as many rounds.
        pseudo_labels: of ``fcn`` only: what of its maps becomes a label.
        balanced: every class comes as often as the others [choice]; otherwise every patient does.
        variation: how projections are varied; not at all in the paper's own network.
        pointing_mm: a map points at the tumour where its peak lies so near to the annotated point [choice]; for the figures of
            validations.
        measured_cases: operating points and the figures in the record are of at most so many validation cases; 0 for all.
    """

    pixel_mm: float = PetWeakSettings.pixel_mm
    most_suv: float = PetWeakSettings.most_suv
    canvas_px: tuple[int, int] = PetWeakSettings.canvas_px
    architecture: PetWeakArchitecture = field(default_factory=PetWeakArchitecture)
    distance_weight: float = 20.0
    epochs: float = 200.0
    fit: EngineSettings = field(default_factory=_fit)
    validate_epochs: float = 5.0
    labelling: EngineSettings = field(default_factory=_fit)
    pseudo_labels: PseudoLabelSettings = field(default_factory=PseudoLabelSettings)
    balanced: bool = True
    variation: VariationSettings = field(default_factory=_still)
    pointing_mm: float = 20.0
    measured_cases: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for what would fail, or give a model that nobody can use, after hours of fitting."""
        self.method()
        if problem := self.architecture.problem():
            raise UsageError(f"The architecture cannot be: {problem}.")
        for name in ("distance_weight", "epochs", "validate_epochs"):
            require(0 <= getattr(self, name) < inf, name, "0 or more", getattr(self, name))
        require(0 < self.pointing_mm < inf, "pointing_mm", "above 0", self.pointing_mm)
        require(self.measured_cases >= 0, "measured_cases", "0 or more", self.measured_cases)
        _check_fit("fit", self.fit, SEGMENTATION_TELLS if self.architecture.segmenting else CLASSIFIER_TELLS)
        if self.architecture.kind == FCN:
            _check_fit("labelling", self.labelling, CLASSIFIER_TELLS)

    def method(self) -> PetWeakSettings:
        """The method's settings that belong to the weights."""
        return PetWeakSettings(self.pixel_mm, self.most_suv, self.canvas_px)

    def labeller(self) -> RecipeSettings:
        """Of the classifier that makes the labels of ``fcn``: the same without the distance loss."""
        architecture = replace(self.architecture, kind=CAM)
        return replace(self, architecture=architecture, distance_weight=0.0, fit=self.labelling)


def _check_fit(name: str, fit: EngineSettings, told: tuple[str, ...]) -> None:
    require(fit.seed == 0, f"{name}.seed", "left out, as the run's seed (--seed) is used", fit.seed)
    known = ", ".join(told)
    require(not fit.monitor or fit.monitor in told, f"{name}.monitor", f"one of {known}, or empty", fit.monitor)
    if fit.monitor:
        rises = fit.monitor in _RISING
        what = f"{name}.higher_is_better ({fit.monitor})"
        require(fit.higher_is_better == rises, what, str(rises).lower(), str(not rises).lower())


def paper(kind: str = CAM) -> RecipeSettings:
    """The paper's values for a kind of network (sections 2 and 3), and ours where it is silent. “CAMs alone” is ``cam`` with a
    ``distance_weight`` of 0.

    Raises:
        UsageError: there is no such kind.
    """
    settings = RecipeSettings()
    if kind == CAM:
        return settings
    if kind in (FCN, UNET):
        watched = replace(settings.fit, monitor=DICE, higher_is_better=True)
        return replace(settings, architecture=PetWeakArchitecture(kind), distance_weight=0.0, fit=watched)
    raise UsageError(f"There is no kind of network “{kind}”.")
