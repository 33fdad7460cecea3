"""Two sets of marks on the same images under one policy: whose figure is higher, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from LesionDetectionLib.core.progress import Progress

from ..froc import froc
from ..froc_bootstrap import CONFIDENCE, patients_drawn, sample_sensitivities, scan_weights
from ..matching.findings import FloatArray
from ..matching.policy import Policy
from ..metrics.wilcoxon import PairedComparison, wilcoxon
from ..output.plots import Curve, Plot, froc_plot
from ..output.tables import Cell, Table
from ..reading.sets import Scoring
from .free_response import FEW_IMAGES, corners, mean_name, mean_title
from .per_image import Tested, dice_values, free_response_values, image_column
from .protocols import score_by_protocol
from .scored import COMPARISON, Part, Scored, ScoreOptions

HEADING = "Compared with other marks"
_FIGURES = (
    "cpm",
    "average_precision",
    "mean_average_precision",
    "auroc",
    "picai_score",
    "dice",
    "false_positive_volume_ml",
    "false_negative_volume_ml",
    "sensitivity",
    "candidates",
    "true_positives",
    "false_positives",
)
"""Of the summaries; mean sensitivities too."""


@dataclass(frozen=True, eq=False)
class Compared:
    """The other marks.

    Attributes:
        policy: the same, at the operating point of these marks.
        scoring: the same truth with these marks.
        names: whose marks are the first, and whose are these.
    """

    policy: Policy
    scoring: Scoring
    names: tuple[str, str]


@dataclass(frozen=True)
class Difference:
    """Of one figure, first minus second.

    Attributes:
        figure: its name in files.
        title: its name for people.
        first, second: of each set of marks.
        lower, upper: 95 % bounds of the difference; NaN without samples.
        share_below_zero: of the samples; NaN without.
        samples: paired bootstrap samples of the images.
    """

    figure: str
    title: str
    first: float
    second: float
    lower: float
    upper: float
    share_below_zero: float
    samples: int

    @property
    def difference(self) -> float:
        return self.first - self.second

    def sentence(self, names: tuple[str, str], image_is: str) -> str:
        """The result in words."""
        if np.isnan(self.difference):
            return f"{self.title} cannot be compared: there is none."
        text = (
            f"{self.title} {self.first:.3f} (“{names[0]}”) against {self.second:.3f} (“{names[1]}”): difference "
            f"{_signed(self.difference)}"
        )
        if not self.samples:
            return f"{text}."
        return (
            f"{text} (95 %: {_signed(self.lower)} to {_signed(self.upper)}), below zero in "
            f"{100 * self.share_below_zero:.1f} % of {self.samples} paired samples of the {image_is}s."
        )


def with_comparison(scored: Scored, compared: Compared, options: ScoreOptions) -> Scored:
    """The same with a section on how it compares, on the images that both sets of marks have.

    Raises:
        Cancelled: through ``options.progress``.
    """
    names, policy = compared.names, scored.policy
    first, second = _on_common(scored, compared, options.progress)
    images = len(first.images)
    left_out = len(scored.images) + len(compared.scoring.images) - 2 * images
    if not images:
        return scored.having(
            COMPARISON, {f"{policy.image_is}s": 0}, Part(HEADING, ("No image has both sets of marks.",))
        )
    options.progress(0.6, "Comparing")
    plots, tested = dict[str, Plot](), list[Tested]()
    if policy.rates:
        difference = _of_means(first, second, options)
        tested, columns = free_response_values(first, second)
        if options.plots:
            plots["froc_comparison"] = _curves(first, second, names, difference)
    else:
        difference = _of_dice(first, second, options)
        tested, columns = dice_values(first, second)
    tests = [(one.what, wilcoxon(one.first, one.second, names)) for one in tested if one.first.size]
    side = _side_by_side(first.summary, second.summary, names)
    patients = patients_drawn(first.outcomes)
    sentence = difference.sentence(names, f"{patients} patient" if patients else policy.image_is)
    values = {**_values(policy, difference, names, images, left_out, tests, options), "sentence": sentence}
    few = ""
    if (patients or images) < FEW_IMAGES:
        few = (
            f" So few as {patients or images} {'patient' if patients else policy.image_is}s make the bounds too narrow."
        )
    common = f" {left_out} {policy.image_is}s that only one of them has are left out." if left_out else ""
    part = Part(
        HEADING,
        (
            f"On the same {images} {policy.image_is}s, by the same rules; differences are first minus second.{common}",
            f"{sentence}{few}",
            *(f"{what}: {test.sentence()}" for what, test in tests),
            side,
        ),
        plots,
        {f"{COMPARISON}.csv": columns},
        {f"{COMPARISON}.json": values},
    )
    added = scored.having(COMPARISON, values, part)
    return replace(added, lead=f"{scored.lead} {sentence}", parts=(part, *scored.parts))


def _on_common(scored: Scored, compared: Compared, progress: Progress) -> tuple[Scored, Scored]:
    """Both on the images that both have, in the order of the first."""
    theirs = {image.image: image for image in compared.scoring.images}
    mine = [image for image in scored.images if image.image in theirs]
    if not mine:
        return replace(scored, images=(), outcomes=()), replace(scored, images=(), outcomes=())
    plain = ScoreOptions(0, plots=False)
    first = scored
    if len(mine) < len(scored.images):
        part = replace(plain, progress=progress.part(0, 0.3))
        first = score_by_protocol(scored.policy, Scoring(tuple(mine), (), ()), part)
    others = Scoring(tuple(theirs[image.image] for image in mine), (), ())
    part = replace(plain, progress=progress.part(0.3, 0.6))
    return first, score_by_protocol(compared.policy, others, part)


def _of_means(first: Scored, second: Scored, options: ScoreOptions) -> Difference:
    """Of the mean sensitivity at the policy's rates (LUNA16's CPM)."""
    policy = first.policy
    name = mean_name(policy)
    rates = policy.rates[: policy.averaged]
    means = [
        sample_sensitivities(
            one.outcomes, rates, upright=policy.upright, samples=options.samples, seed=options.seed
        ).mean(axis=1)
        for one in (first, second)
    ]
    return _difference(
        name, mean_title(policy), float(first.summary[name]), float(second.summary[name]), means[0] - means[1]
    )


def _of_dice(first: Scored, second: Scored, options: ScoreOptions) -> Difference:
    """Of the mean Dice over the images with lesions."""
    dice = [image_column(one, "dice") for one in (first, second)]
    counts = np.isfinite(dice[0])
    weights = scan_weights(first.outcomes, options.samples, options.seed)[:, counts].astype(np.float64)
    with np.errstate(invalid="ignore"):
        samples = weights @ (dice[0] - dice[1])[counts] / weights.sum(axis=1)
    values = [float(one.summary["dice"]) for one in (first, second)]
    return _difference("dice", "Mean Dice", values[0], values[1], samples)


def _difference(figure: str, title: str, first: float, second: float, samples: FloatArray) -> Difference:
    used = samples[np.isfinite(samples)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(used, (tail, 1 - tail)) if used.size else (np.nan, np.nan)
    share = float((used < 0).mean()) if used.size else float("nan")
    return Difference(figure, title, first, second, float(low), float(high), share, int(used.size))


def _curves(first: Scored, second: Scored, names: tuple[str, str], difference: Difference) -> Plot:
    lines = []
    for one, name, value in zip((first, second), names, (difference.first, difference.second), strict=True):
        curve = froc(one.outcomes)
        turns = corners(curve)
        lines.append(
            Curve(
                f"{name}, {difference.title} {value:.3f}",
                curve.false_positives_per_scan[turns],
                curve.sensitivity[turns],
            )
        )
    return froc_plot(lines, per=first.policy.image_is, ticks=first.policy.rates)


def _side_by_side(first: Mapping[str, Any], second: Mapping[str, Any], names: tuple[str, str]) -> Table:
    rows = list[tuple[Cell, ...]]()
    for name in first:
        if name in _FIGURES or name.startswith("mean_sensitivity"):
            rows.append((name.replace("_", " "), first[name], second[name], first[name] - second[name]))
    return Table(("", *names, "difference"), tuple(rows))


def _values(
    policy: Policy,
    difference: Difference,
    names: tuple[str, str],
    images: int,
    left_out: int,
    tests: Sequence[tuple[str, PairedComparison]],
    options: ScoreOptions,
) -> dict[str, Any]:
    return {
        "first": names[0],
        "second": names[1],
        f"{policy.image_is}s": images,
        "left_out": left_out,
        "figure": difference.figure,
        "first_value": difference.first,
        "second_value": difference.second,
        "difference": difference.difference,
        "lower": difference.lower,
        "upper": difference.upper,
        "share_below_zero": difference.share_below_zero,
        "samples": difference.samples,
        "confidence": CONFIDENCE,
        "seed": options.seed,
        "wilcoxon": [{"of": what, **asdict(test), "sentence": test.sentence()} for what, test in tests],
    }


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
