"""What can be set of the recipe of ``high-uptake-ct``. The defaults are the paper's; where it is silent, they say [choice]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings

from ..augmentation.intensity import IntensitySettings
from ..engine.settings import EngineSettings
from ..sampling.class_balance import BalanceSettings

LARGEST, ALL = "largest", "all"
"""Which slices with active lesions are learned from."""
ANYWHERE, HULL, DENSE, VESSEL, INACTIVE, RIM = "anywhere", "hull", "dense", "vessel", "inactive", "rim"
BACKGROUND = (ANYWHERE, HULL, DENSE, VESSEL, INACTIVE, RIM)
"""Kinds of places that are no active lesion, see :mod:`.places`."""


@dataclass(frozen=True)
class SliceSettings:
    """Which slices of a case are learned from.

    Attributes:
        slices: of a case with active lesions: ``largest``, the one with the largest section of one (the paper, section 4.1);
            ``all`` that cut one; or a number as text, ``"8"``: the largest section of each lesion first, then others,
            evenly spread over those that cut one.
        slices_without: of a case without active lesions, so many, evenly spread over the lungs [choice]: the paper learns
            from cases with such lesions only.
        slices_inactive: further slices a case at most, through places that are known to hold no active lesion although
            they look like one (inactive lesions, mimics) [choice]; the paper has none but those that a slice shows anyway.
    """

    slices: str = LARGEST
    slices_without: int = 3
    slices_inactive: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        good = self.slices in (LARGEST, ALL) or (self.slices.isdecimal() and int(self.slices) > 0)
        _require(good, "slices", f"“{LARGEST}”, “{ALL}” or a number as text, such as “8”", self.slices)
        for name in ("slices_without", "slices_inactive"):
            _require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))

    def most(self, count: int) -> int:
        """How many of ``count`` slices that cut an active lesion are taken."""
        return 1 if self.slices == LARGEST else count if self.slices == ALL else min(count, int(self.slices))


@dataclass(frozen=True)
class SamplingSettings:
    """Which pixels patches are taken around. Lesion or background is drawn first, see ``balance`` of the recipe.

    Attributes:
        background: kinds of background -> weight. ``anywhere``: any pixel of a slice (the paper: only this); ``hull``: in the
            hull of the lungs; ``dense``: of these, those above ``dense_hu`` (vessels, walls, mediastinum); ``vessel``: of
            these, what a square of ``body_mm`` does not fit into, and ``around_mm`` about it (the hila, most of all);
            ``inactive``: as dense, and near a known place that is no active lesion; ``rim``: just outside an active lesion.
        by_lesion: share of the lesion pixels that are drawn lesion by lesion, each as likely; the others are drawn pixel by
            pixel (the paper: all of them), by which a lesion ten times as large comes ten times as often.
        dense_hu, body_mm, around_mm: see ``background``; ``dense_hu`` is half-way between lung and soft tissue.
        inactive_mm: a place within this of a known one, in space, is near it.
        rim_mm: a pixel of the same slice within this of an active lesion is just outside it.
        clear_mm: nearer than this to an active lesion, in the slice, nothing is learned as background: at a lesion's edge a
            pixel is both, and outlines are not exact to a pixel. The paper: 0.
    """

    background: dict[str, float] = field(default_factory=lambda: {ANYWHERE: 1.0})
    by_lesion: float = 0.0
    dense_hu: float = -400.0
    body_mm: float = 9.0
    around_mm: float = 3.0
    inactive_mm: float = 8.0
    rim_mm: float = 6.0
    clear_mm: float = 0.0

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        _require(0 <= self.by_lesion <= 1, "by_lesion", "from 0 to 1", self.by_lesion)
        for name in ("body_mm", "around_mm", "inactive_mm", "rim_mm", "clear_mm"):
            _require(0 <= getattr(self, name) < inf, name, "0 or more", getattr(self, name))
        _require(abs(self.dense_hu) < inf, "dense_hu", "a number", self.dense_hu)
        unknown = sorted(set(self.background) - set(BACKGROUND))
        if unknown:
            raise UsageError(f"“background” knows no places “{unknown[0]}”. There are: {', '.join(BACKGROUND)}.")
        for kind, weight in self.background.items():
            _require(0 <= weight < inf, f"background.{kind}", "0 or more", weight)
        _require(
            sum(self.background.values()) > 0, "background", "above 0 for one kind at least", dict(self.background)
        )


@dataclass(frozen=True)
class VariationSettings:
    """How patches are varied. The paper does not vary them: all is off by default.

    Attributes:
        flip: chance of a flip along each axis of the slice, and along the slices.
        turn: turn by 0, 90, 180 or 270 degrees in the slice, each as likely.
        intensity: noise, filters, contrast and shift in HU, as other scanners have them.
    """

    flip: float = 0.0
    turn: bool = False
    intensity: IntensitySettings = field(
        default_factory=lambda: IntensitySettings(shift=0.0, contrast_range=(1.0, 1.0), share=0.0)
    )

    def __post_init__(self) -> None:
        """Raises UsageError for a chance that is none."""
        _require(0 <= self.flip <= 1, "flip", "from 0 to 1", self.flip)


def _fit() -> EngineSettings:
    """Adam and N = 256 are the paper's (section 4.1); rate and number of steps [choice], as it names neither."""
    return EngineSettings(steps=8000, batch=256, optimizer="adam", learning_rate=1e-4)


@dataclass(frozen=True)
class RecipeSettings:
    """Everything of a training run but the cases.

    Attributes:
        spacing_mm: working voxel size (i, j, k) of the detector, 0 for the scan's own along an axis (the paper: its own).
        normalisation, window_hu: how HU become [0, 1]; see :class:`HighUptakeSettings`.
        lungs_only, hull_margin_mm: where the detector looks, and where thresholds and precision are measured.
        architecture: the network; the paper's size of the hidden layers is not known, and is ours to choose.
        fit: how it is fitted.
        balance: how often lesion and background come, measured anew every ``every`` steps (section 3).
        balance_most: of each class at most so many validation pixels are measured on; 0 for all of the rarer one, as in the
            paper.
        selection: which slices.
        sampling: which pixels.
        variation: how patches are varied.
        threshold_slices: T_R and T_S are found on at most so many training slices, evenly spread; 0 for all (the paper).
        measured_slices: precision and recall in the record are of at most so many validation slices; 0 for all.
    """

    spacing_mm: tuple[float, float, float] = HighUptakeSettings.spacing_mm
    normalisation: str = HighUptakeSettings.normalisation
    window_hu: tuple[float, float] = HighUptakeSettings.window_hu
    lungs_only: bool = HighUptakeSettings.lungs_only
    hull_margin_mm: float = HighUptakeSettings.hull_margin_mm
    architecture: PatchArchitecture = field(default_factory=PatchArchitecture)
    fit: EngineSettings = field(default_factory=_fit)
    balance: BalanceSettings = field(default_factory=BalanceSettings)
    balance_most: int = 0
    selection: SliceSettings = field(default_factory=SliceSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    variation: VariationSettings = field(default_factory=VariationSettings)
    threshold_slices: int = 0
    measured_slices: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for what would fail, or give a model that nobody can use, after hours of fitting."""
        self.method()
        sizes = (*self.architecture.filters, *self.architecture.hidden)
        _require(min(sizes) >= 1, "filters and hidden of the architecture", "at least 1", min(sizes))
        _require(
            0 <= self.architecture.dropout < 1, "architecture.dropout", "from 0 to below 1", self.architecture.dropout
        )
        _require(self.balance.every >= 1, "balance.every", "at least 1", self.balance.every)
        _require(0 < self.balance.least <= 1, "balance.least", "above 0, and 1 at most", self.balance.least)
        for name in ("balance_most", "threshold_slices", "measured_slices"):
            _require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        _require(self.fit.seed == 0, "fit.seed", "left out, as the run's seed (--seed) is used", self.fit.seed)

    def method(self) -> HighUptakeSettings:
        """The method's settings that belong to the weights; its thresholds are still at 0."""
        return HighUptakeSettings(
            spacing_mm=self.spacing_mm,
            normalisation=self.normalisation,
            window_hu=self.window_hu,
            lungs_only=self.lungs_only,
            hull_margin_mm=self.hull_margin_mm,
        )


def weights_above_zero(weights: Mapping[str, float]) -> dict[str, float]:
    return {kind: weight for kind, weight in weights.items() if weight > 0}


def _require(good: bool, name: str, wanted: str, value: object) -> None:
    if not good:
        raise UsageError(f"“{name}” must be {wanted}, not {value}.")
