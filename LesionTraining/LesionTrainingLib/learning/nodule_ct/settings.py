"""What can be set of the recipe of ``nodule-ct``. Where the paper names a value, it is the default or said so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.nodule_ct.network import ReductionArchitecture, ScreeningArchitecture
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ..augmentation.clutter import ClutterSettings
from ..augmentation.intensity import IntensitySettings
from ..augmentation.spatial_3d import GeometrySettings
from ..engine.settings import EngineSettings
from ..sampling.filtering import FilterSettings

NEGATIVES = ("lung", "vessel", "dense", "pleura", "mimic", "mined")
"""Kinds of places without a nodule, see :mod:`.positions`."""
PAPER_THRESHOLD = 0.85
"""The candidate threshold of the paper (section 3)."""


@dataclass(frozen=True)
class SamplingSettings:
    """Where patches are taken.

    Attributes:
        shift_radii: a positive patch's centre lies anywhere within this share of the nodule's radius (the paper: 1).
        clear_radii, clear_mm: a negative patch's centre is at least the greater of ``clear_radii`` radii and radius plus
            ``clear_mm`` away from every nodule: what is nearer is neither nodule nor background.
        screening_positives: share of nodules in a screening batch, before the sample filter.
        reduction_positives: share of nodules in a batch of the second stage.
        screening_negatives: weights of the kinds of negatives of the first stage, see :mod:`.positions`.
        reduction_negatives: the same for the second stage.
        proposed: share of the second stage's positives that lie where the screening network put its candidate.
    """

    shift_radii: float = 0.8
    clear_radii: float = 1.5
    clear_mm: float = 4.0
    screening_positives: float = 0.25
    reduction_positives: float = 0.4
    screening_negatives: dict[str, float] = field(
        default_factory=lambda: {
            "lung": 0.2,
            "vessel": 0.3,
            "dense": 0.1,
            "pleura": 0.15,
            "mimic": 0.1,
            "mined": 0.15,
        }
    )
    reduction_negatives: dict[str, float] = field(
        default_factory=lambda: {"mined": 0.5, "mimic": 0.1, "vessel": 0.15, "dense": 0.1, "pleura": 0.15}
    )
    proposed: float = 0.5

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        for name in ("screening_positives", "reduction_positives"):
            _require(0 < getattr(self, name) < 1, name, "between 0 and 1, both kinds being needed", getattr(self, name))
        _require(0 <= self.proposed <= 1, "proposed", "from 0 to 1", self.proposed)
        for name in ("shift_radii", "clear_radii", "clear_mm"):
            _require(0 <= getattr(self, name) < inf, name, "0 or more", getattr(self, name))
        for name in ("screening_negatives", "reduction_negatives"):
            _check_weights(name, getattr(self, name))


def _stage(steps: int, batch: int, learning_rate: float) -> EngineSettings:
    """Adam, which needs fewer steps than the paper's descent; the rate falls along half a cosine (the paper starts at
    0.001 and lets it fall in ways it does not say); weight decay is beta of Eq. 4."""
    return EngineSettings(
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        optimizer="adam",
        schedule="cosine",
        final_share=0.02,
        weight_decay=1e-4,
    )


def _small_screening() -> ScreeningArchitecture:
    """A quarter of the paper's widths: a whole scan in seconds on two cores; multiples of 16 run fastest there."""
    return ScreeningArchitecture(widths=(16, 16, 16, 48))


def _small_reduction() -> ReductionArchitecture:
    return ReductionArchitecture(trunk_widths=(16, 16, 16), widths=(32, 64), hidden=64)


@dataclass(frozen=True)
class RecipeSettings:
    """Everything of a training run but the cases.

    Attributes:
        spacing_mm: working voxel size (i, j, k) of the detector; see :class:`NoduleSettings`.
        screening, reduction: the networks.
        screening_stage, reduction_stage: how each is fitted.
        filtering: online sample filtering of the first stage.
        regression_weight: lambda of Eq. 4 (the paper: 0.5).
        sampling, geometry, intensity, clutter: where patches come from and how they are varied.
        mining_threshold: least screening probability of what is mined on the training scans.
        mined_per_scan: at most this many mined negatives a scan, the most probable.
        mining_rounds: the first stage is fitted in this many equal parts, with mining before each but the first.
        mining_scans: at least so many scans, every n-th, are mined between these parts; for the second stage all are.
        candidates_per_scan: the candidate threshold is the lowest with at most this many candidates that are no nodules
            per validation scan, on average.
        least_candidate_threshold: but no lower than this, nor higher than the paper's 0.85.
        operating_points: name -> false positives per validation scan.
        default_operating_point: one of these names.
    """

    spacing_mm: tuple[float, float, float] = NoduleSettings.spacing_mm
    screening: ScreeningArchitecture = field(default_factory=_small_screening)
    reduction: ReductionArchitecture = field(default_factory=_small_reduction)
    screening_stage: EngineSettings = field(default_factory=lambda: _stage(steps=800, batch=128, learning_rate=3e-3))
    reduction_stage: EngineSettings = field(default_factory=lambda: _stage(steps=900, batch=16, learning_rate=2e-3))
    filtering: FilterSettings = field(default_factory=FilterSettings)
    regression_weight: float = 0.5
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    geometry: GeometrySettings = field(default_factory=GeometrySettings)
    intensity: IntensitySettings = field(default_factory=IntensitySettings)
    clutter: ClutterSettings = field(default_factory=ClutterSettings)
    mining_threshold: float = 0.5
    mined_per_scan: int = 200
    mining_rounds: int = 2
    mining_scans: int = 12
    candidates_per_scan: float = 100.0
    least_candidate_threshold: float = 0.1
    operating_points: dict[str, float] = field(
        default_factory=lambda: {"sensitive": 4.0, "balanced": 1.0, "specific": 0.25}
    )
    default_operating_point: str = "balanced"

    def __post_init__(self) -> None:
        """Raises UsageError for what would fail, or give a model that nobody can use, after hours of fitting."""
        NoduleSettings(spacing_mm=self.spacing_mm)
        sizes = (*self.screening.widths, *self.reduction.trunk_widths, *self.reduction.widths, self.reduction.hidden)
        _require(min(sizes) >= 1, "widths and hidden of the networks", "at least 1", min(sizes))
        for name in ("mined_per_scan", "mining_rounds", "mining_scans"):
            _require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name, most in (("mining_threshold", 1.0), ("least_candidate_threshold", PAPER_THRESHOLD)):
            _require(0 <= getattr(self, name) <= most, name, f"from 0 to {most:g}", getattr(self, name))
        for name in ("regression_weight", "candidates_per_scan"):
            _require(0 <= getattr(self, name) < inf, name, "0 or more", getattr(self, name))
        for name, rate in self.operating_points.items():
            _require(0 <= rate < inf, f"operating_points.{name}", "0 or more", rate)
        if self.default_operating_point not in self.operating_points:
            known = ", ".join(self.operating_points) or "none"
            raise UsageError(
                f"The default operating point “{self.default_operating_point}” is none of the operating points ({known})."
            )
        for stage in (self.screening_stage, self.reduction_stage):
            _require(stage.seed == 0, "seed of a stage", "left out, as the run's seed (--seed) is used", stage.seed)


def _check_weights(name: str, weights: Mapping[str, float]) -> None:
    unknown = sorted(set(weights) - set(NEGATIVES))
    if unknown:
        raise UsageError(f"“{name}” knows no negatives “{unknown[0]}”. There are: {', '.join(NEGATIVES)}.")
    for kind, weight in weights.items():
        _require(0 <= weight < inf, f"{name}.{kind}", "0 or more", weight)
    _require(sum(weights.values()) > 0, name, "above 0 for one kind at least", dict(weights))


def _require(good: bool, name: str, wanted: str, value: object) -> None:
    if not good:
        raise UsageError(f"“{name}” must be {wanted}, not {value}.")
