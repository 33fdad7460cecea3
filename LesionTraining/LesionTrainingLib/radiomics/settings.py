"""What can be set of a radiomics study; plain values, so that they can come from YAML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from LesionDetectionLib.core.errors import UsageError

FAMILIES = (
    "morphology",
    "local_intensity",
    "statistics",
    "intensity_histogram",
    "glcm",
    "glrlm",
    "glszm",
    "gldzm",
    "ngtdm",
    "ngldm",
)
"""Of features, by the chapters of the IBSI reference manual (Zwanenburg et al., Radiology 295 (2020) 328-338)."""
NOT_DISCRETISED = ("morphology", "local_intensity", "statistics")
"""Families that need no bins."""
LARGEST, ALL = "largest", "all"
LOGISTIC, FOREST, RPET_NET = "logistic", "forest", "rpet-net"
CLASSIFIERS = (LOGISTIC, FOREST, RPET_NET)
UNIVARIATE, LASSO = "univariate", "l1"
PRESETS = ("quick",)


@dataclass(frozen=True)
class FeatureSettings:
    """Which features, of what. [choice]: the paper names none of these.

    Attributes:
        families: of :data:`FAMILIES`.
        spacing_mm: the image is resampled to this isotropic spacing first (in the slice only, with ``by_slice``); 0: not.
        pet_bin_width_suv: width of the grey levels of a PET, from SUV 0 on; 0: no bins of one width.
        ct_bin_width_hu: the same of a CT, from -1000 HU on.
        bins: number of grey levels between the least and the greatest value in the mask; 0: none. With a width too, what depends on
            grey levels is there twice.
        by_slice: texture and shape slice by slice, and not in 3D.
        lesion: ``largest``: of several lesions that of the largest volume; ``all``: all together as one.
        least_voxels: a smaller mask is no reason for an answer: its patient is left out.
    """

    families: tuple[str, ...] = FAMILIES
    spacing_mm: float = 4.0
    pet_bin_width_suv: float = 0.5
    ct_bin_width_hu: float = 25.0
    bins: int = 0
    by_slice: bool = False
    lesion: str = LARGEST
    least_voxels: int = 64

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        unknown = [family for family in self.families if family not in FAMILIES]
        if unknown or not self.families:
            what = f"There is no family of features “{unknown[0]}”." if unknown else "No family of features is named."
            raise UsageError(f"{what} There are {', '.join(FAMILIES)}.")
        _among("lesion", self.lesion, (LARGEST, ALL))
        for name in ("spacing_mm", "pet_bin_width_suv", "ct_bin_width_hu", "bins"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError(f"“{name}” must be 0 or more.")
        if self.least_voxels < 1:
            raise UsageError("“least_voxels” must be at least 1.")


@dataclass(frozen=True)
class StudySettings:
    """How the classifier is fitted and judged. [choice]: of these the paper names five folds alone.

    Attributes:
        folds: outer ones; each patient is told by a classifier that was fitted on the other folds.
        repeats: how often the patients are dealt out anew.
        inner_folds: within the patients to learn from; they choose ``features`` and ``strengths``.
        classifier: ``logistic``; ``forest``; ``rpet-net``, the network that looks at the images.
        selection: ``univariate``: the features that tell the classes apart best, each alone (area below its ROC); ``l1``: those with
            the largest weights of a logistic regression that sets most weights to 0.
        features: how many are kept; the inner folds choose one.
        strengths: inverse regularisation C of the logistic regression; the inner folds choose one.
        least_in_leaf: patients in a leaf of a forest; the inner folds choose one.
        trees: of a forest.
        correlation: of features that are correlated more strongly than this only that which tells the classes apart best is kept.
        threshold: probability from which a patient is called positive; 0: the share of positives among those learned from.
        permutations: how often all is done again with outcomes dealt out by chance; 0: not.
        bootstraps: samples for the interval of the area below the ROC.
        seed: of everything random.
    """

    folds: int = 5
    repeats: int = 1
    inner_folds: int = 3
    classifier: str = LOGISTIC
    selection: str = UNIVARIATE
    features: tuple[int, ...] = (2, 4, 8)
    strengths: tuple[float, ...] = (0.01, 0.1, 1.0)
    least_in_leaf: tuple[int, ...] = (5,)
    trees: int = 100
    correlation: float = 0.9
    threshold: float = 0.0
    permutations: int = 200
    bootstraps: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        _among("classifier", self.classifier, CLASSIFIERS)
        _among("selection", self.selection, (UNIVARIATE, LASSO))
        for name, least in (("folds", 2), ("repeats", 1), ("inner_folds", 2), ("trees", 1), ("bootstraps", 1)):
            if getattr(self, name) < least:
                raise UsageError(f"“{name}” must be at least {least}, not {getattr(self, name)}.")
        if self.permutations < 0 or self.seed < 0:
            raise UsageError("“permutations” and “seed” must be 0 or more.")
        for name in ("features", "strengths", "least_in_leaf"):
            values = getattr(self, name)
            if not values or min(values) <= 0:
                raise UsageError(f"“{name}” needs values above 0.")
        if not 0 < self.correlation <= 1 or not 0 <= self.threshold < 1:
            raise UsageError("“correlation” lies above 0 and up to 1, “threshold” from 0 to below 1.")


@dataclass(frozen=True)
class RpetSettings:
    """3D-RPET-Net and its fit. [choice]: all of it but two convolutions, a pooling after each, and two full layers.

    Attributes:
        side: voxels along each edge of the cube that it sees, a multiple of 4.
        spacing_mm: of the cube.
        most_suv: SUV is clipped to 0 to this, and divided by it (CT: -1000 to 1000 HU become 0 to 1).
        masked: whether it sees the lesion alone, and 0 around it.
        widths: channels of the two convolutions.
        hidden: units of the first full layer.
        dropout: before each full layer.
        flips: whether the cubes are mirrored by chance in learning.
        steps, batch, learning_rate, weight_decay: of the fit.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    side: int = 32
    spacing_mm: float = 4.0
    most_suv: float = 30.0
    masked: bool = True
    widths: tuple[int, int] = (16, 32)
    hidden: int = 64
    dropout: float = 0.5
    flips: bool = True
    steps: int = 300
    batch: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    device: str = "auto"

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if self.side < 4 or self.side % 4:
            raise UsageError(f"“side” must be a multiple of 4, not {self.side}.")
        if min(*self.widths, self.hidden, self.steps, self.batch) < 1:
            raise UsageError("“widths”, “hidden”, “steps” and “batch” must be at least 1.")
        if min(self.spacing_mm, self.most_suv, self.learning_rate) <= 0 or not 0 <= self.dropout < 1:
            raise UsageError(
                "“spacing_mm”, “most_suv” and “learning_rate” must be above 0, “dropout” from 0 to below 1."
            )


@dataclass(frozen=True)
class RadiomicsSettings:
    """All of a study: of the features, of what learns from them, of the network that is compared with it."""

    features: FeatureSettings = field(default_factory=FeatureSettings)
    study: StudySettings = field(default_factory=StudySettings)
    rpet: RpetSettings = field(default_factory=RpetSettings)


def preset(name: str) -> RadiomicsSettings:
    """The settings of this name; the defaults for an empty one. ``quick``: few features and chances, to see that it runs.

    Raises:
        UsageError: there is no such preset.
    """
    settings = RadiomicsSettings()
    if not name:
        return settings
    if name not in PRESETS:
        raise UsageError(f"There is no preset “{name}”. There is {', '.join(PRESETS)}.")
    return replace(
        settings,
        features=replace(settings.features, families=("statistics", "glcm")),
        study=replace(settings.study, permutations=20, bootstraps=200, features=(2, 4), strengths=(0.1,), trees=25),
        rpet=replace(settings.rpet, side=16, spacing_mm=8.0, widths=(4, 8), hidden=16, steps=40),
    )


def _among(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(f"“{name}” cannot be “{value}”. Choose one of {', '.join(known)}.")
