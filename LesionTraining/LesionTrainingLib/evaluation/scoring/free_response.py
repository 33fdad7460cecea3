"""What is read from a FROC curve: counts, sensitivities at the protocol's rates with their confidence, and by size.

The counts are named as LUNA16's script names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..froc import FrocCurve, false_positives_per_scan, froc, sensitivity_at, sensitivity_by_size, threshold_at_rate
from ..froc_bootstrap import CONFIDENCE, FrocBootstrap, bootstrap_froc
from ..matching.findings import BoolArray, ImageFindings
from ..matching.outcome import MISSED, Fate, Outcome
from ..matching.policy import Policy
from ..output.plots import Band, Curve, Mark, Plot, froc_plot, size_plot
from ..output.tables import Cell, Table
from ..reading.sets import Scoring
from .scored import SENSITIVITY, SIZES, Scored, ScoreOptions, band_name, match_all

FEW_IMAGES = 30
"""Fewer than these and a bootstrap draws too much of the same."""
_BAND_POINTS = 97
"""Places along the drawn part of the curve at which the confidence band is read."""

_NEAR_OCTAVES = 1.0
"""Names of places on the curve cover each other where they are nearer than this, in doublings of the rate."""


def score_free_response(policy: Policy, scoring: Scoring, options: ScoreOptions) -> Scored:
    """Score as LUNA16 and DeepLesion do. Raises Cancelled."""
    outcomes = match_all(policy, scoring.images, options.progress.part(0, 0.5))
    found = read_free_response(policy, scoring.images, outcomes, options)
    summary = {**found.summary, "rule": policy.rule}
    return Scored(policy, scoring.images, outcomes, summary, found.lead, found.tables, found.plots)


@dataclass(frozen=True, eq=False)
class FreeResponse:
    """What the outcomes of one policy give; see :class:`.scored.Scored`."""

    summary: dict[str, Any]
    lead: str
    tables: dict[str, Table]
    plots: dict[str, Plot]


def read_free_response(
    policy: Policy, images: Sequence[ImageFindings], outcomes: Sequence[Outcome], options: ScoreOptions
) -> FreeResponse:
    """Counts, curve, confidence, sizes and operating points. Raises Cancelled."""
    curve = froc(outcomes)
    sensitivities = {f"{rate:g}": sensitivity_at(curve, rate, upright=policy.upright) for rate in policy.rates}
    mean = float(np.mean(list(sensitivities.values())[: policy.averaged]))
    drawn_rates = np.geomspace(policy.rates[0], policy.rates[-1], _BAND_POINTS).tolist()
    boot = None
    if options.samples:
        options.progress(0.5, "Bootstrap")
        boot = bootstrap_froc(
            outcomes,
            [*policy.rates, *drawn_rates],
            policy.averaged,
            upright=policy.upright,
            samples=options.samples,
            seed=options.seed,
        )
    options.progress(0.8, "Tables and curves")
    sizes = _sizes(policy, outcomes)
    points = {
        name: operating_point(policy, outcomes, threshold) for name, threshold in options.operating_points.items()
    }
    counted = counts(policy, outcomes)
    summary = {
        **counted,
        "sensitivity_at_fp": sensitivities,
        mean_name(policy): mean,
        "bootstrap": _bootstrap_values(policy, boot, options) if boot is not None else None,
        "sensitivity_by_size": sizes,
        "operating_points": points,
    }
    tables = {
        SENSITIVITY: _rates_table(policy, len(outcomes), sensitivities, mean, boot),
        **({"Operating points": _points_table(policy, points)} if points else {}),
        SIZES: _sizes_table(policy, sizes),
        "Counts": counts_table(counted),
    }
    plots = {}
    if options.plots:
        plots["froc"] = _plot(policy, curve, mean, boot, np.array(drawn_rates), _places(policy, points))
        if counted[f"{policy.lesion_is}s"]:
            plots["sizes"] = _sizes_plot(sizes)
    return FreeResponse(summary, _lead(policy, summary, mean, boot), tables, plots)


def counts(policy: Policy, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What became of marks and lesions, with the names of LUNA16's script where it has one.

    ``candidates`` are the marks within the limit; ``ignored_double_detections`` are, as in the script, counted lesion by
    lesion: a further mark that hits two lesions counts twice.
    """
    fates = np.bincount(np.concatenate([outcome.fates for outcome in outcomes]), minlength=len(Fate))
    lesions = sum(len(outcome.lesion_marks) for outcome in outcomes)
    found = sum(int((outcome.lesion_marks >= 0).sum()) for outcome in outcomes)
    candidates = int(fates.sum() - fates[Fate.BEYOND_LIMIT] - fates[Fate.NOT_SHOWN])
    doubles = sum(int(np.maximum(outcome.lesion_hits - 1, 0).sum()) for outcome in outcomes)
    return {
        f"{policy.image_is}s": len(outcomes),
        f"{policy.lesion_is}s": lesions,
        "candidates": candidates,
        "true_positives": found,
        "false_negatives": lesions - found,
        "false_positives": int(fates[Fate.FALSE]),
        "ignored_on_excluded": int(fates[Fate.EXCLUDED]),
        "ignored_double_detections": doubles,
        "ignored_beyond_limit": int(fates[Fate.BEYOND_LIMIT]),
        "sensitivity": found / lesions if lesions else float("nan"),
        f"mean_candidates_per_{policy.image_is}": candidates / len(outcomes),
    }


def operating_point(policy: Policy, outcomes: Sequence[Outcome], threshold: float) -> dict[str, Any]:
    """What marks of at least ``threshold`` find, and how many of them are false per image."""
    scores = np.concatenate([outcome.lesion_scores for outcome in outcomes])
    found = int(((scores >= threshold) & (scores > MISSED)).sum())
    return {
        "threshold": threshold,
        f"false_positives_per_{policy.image_is}": false_positives_per_scan(outcomes, threshold),
        "found": found,
        f"{policy.lesion_is}s": len(scores),
        "sensitivity": found / len(scores) if len(scores) else float("nan"),
    }


def shown_threshold(outcomes: Sequence[Outcome], rate: float) -> float:
    """The least useful threshold with at most this many false positives per image; below every score where there are never
    more."""
    return MISSED if false_positives_per_scan(outcomes, MISSED) <= rate else threshold_at_rate(outcomes, rate)


def counts_table(counted: dict[str, Any]) -> Table:
    """The counts for people."""
    return Table(("", "number"), tuple((name.replace("_", " "), value) for name, value in counted.items()))


def mean_name(policy: Policy) -> str:
    """What the mean sensitivity at the policy's rates is called in files."""
    if policy.averaged == len(policy.rates):
        return "cpm"
    return f"mean_sensitivity_at_{policy.rates[0]:g}_to_{policy.rates[policy.averaged - 1]:g}"


def mean_title(policy: Policy) -> str:
    """The same for people."""
    return (
        "CPM"
        if policy.averaged == len(policy.rates)
        else f"mean at {policy.rates[0]:g} to {policy.rates[policy.averaged - 1]:g}"
    )


def _bootstrap_values(policy: Policy, boot: FrocBootstrap, options: ScoreOptions) -> dict[str, Any]:
    parts = [part.tolist() for part in (boot.sensitivity.mean, boot.sensitivity.lower, boot.sensitivity.upper)]
    return {
        "samples": boot.samples,
        "seed": options.seed,
        "confidence": CONFIDENCE,
        "sensitivity_at_fp": {
            f"{rate:g}": {"mean": parts[0][i], "lower": parts[1][i], "upper": parts[2][i]}
            for i, rate in enumerate(policy.rates)
        },
        mean_name(policy): {
            "mean": float(boot.mean_sensitivity.mean),
            "lower": float(boot.mean_sensitivity.lower),
            "upper": float(boot.mean_sensitivity.upper),
        },
    }


def _sizes(policy: Policy, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    threshold = shown_threshold(outcomes, policy.size_rate)
    bands = sensitivity_by_size(outcomes, threshold, policy.size_bands_mm)
    return {
        f"at_false_positives_per_{policy.image_is}": policy.size_rate,
        "threshold": threshold,
        "bands": [
            {"from_mm": low, "to_mm": high, "found": found, "all": every}
            for (low, high), (found, every) in zip(policy.size_bands_mm, bands, strict=True)
        ],
    }


def _rates_table(policy: Policy, images: int, at: dict[str, float], mean: float, boot: FrocBootstrap | None) -> Table:
    rows = list[tuple[Cell, ...]]()
    for index, (rate, value) in enumerate(at.items()):
        bounds = (float(boot.sensitivity.lower[index]), float(boot.sensitivity.upper[index])) if boot else (None, None)
        rows.append((rate, value, *bounds))
    bounds = (float(boot.mean_sensitivity.lower), float(boot.mean_sensitivity.upper)) if boot else (None, None)
    rows.append((mean_title(policy), mean, *bounds))
    note = (
        f"95 % bounds from {boot.samples} bootstrap samples of the {boot.of(policy.image_is)}."
        if boot
        else "No bootstrap."
    )
    if boot and (boot.patients or images) < FEW_IMAGES:
        few = _count(boot.patients, "patient") if boot.patients else _count(images, policy.image_is)
        note += f" So few as {few} make them too narrow."
    columns = (f"false positives per {policy.image_is}", "sensitivity", "lower", "upper")
    return Table(columns, tuple(rows), note)


def _points_table(policy: Policy, points: dict[str, dict[str, Any]]) -> Table:
    rows = tuple((name, *row.values()) for name, row in points.items())
    columns = ("operating point", *(name.replace("_", " ") for name in next(iter(points.values()))))
    return Table(columns, rows, "The model's own operating points.")


def _sizes_table(policy: Policy, sizes: dict[str, Any]) -> Table:
    rows = tuple(
        (
            band_name(band["from_mm"], band["to_mm"]),
            band["found"],
            band["all"],
            band["found"] / band["all"] if band["all"] else None,
        )
        for band in sizes["bands"]
    )
    which = "All marks" if sizes["threshold"] == MISSED else f"Marks of score {sizes['threshold']:.3g} or more"
    note = f"{which}: at most {policy.size_rate:g} false positives per {policy.image_is}."
    return Table(("diameter", "found", "all", "sensitivity"), rows, note)


def _sizes_plot(sizes: dict[str, Any]) -> Plot:
    bands = sizes["bands"]
    names = [band_name(band["from_mm"], band["to_mm"]) for band in bands]
    return size_plot(names, [band["found"] for band in bands], [band["all"] for band in bands])


def _plot(
    policy: Policy,
    curve: FrocCurve,
    mean: float,
    boot: FrocBootstrap | None,
    drawn: np.ndarray[Any, np.dtype[np.float64]],
    marks: tuple[Mark, ...],
) -> Plot:
    band = None
    if boot is not None and boot.samples:
        start = len(policy.rates)
        band = Band(drawn, boot.sensitivity.lower[start:], boot.sensitivity.upper[start:])
    turns = corners(curve)
    x, y = curve.false_positives_per_scan[turns], curve.sensitivity[turns]
    line = Curve(f"{policy.name}, {mean_title(policy)} {mean:.3f}", x, y, band, marks)
    return froc_plot([line], per=policy.image_is, ticks=policy.rates)


def _places(policy: Policy, points: dict[str, dict[str, Any]]) -> tuple[Mark, ...]:
    """The operating points on the curve, the first one first; those beyond its ends, or too near another, are left out."""
    marks = list[Mark]()
    for name, row in points.items():
        rate, found = row[f"false_positives_per_{policy.image_is}"], row["sensitivity"]
        near = any(abs(np.log2(rate / mark.x)) < _NEAR_OCTAVES for mark in marks) if rate else True
        if policy.rates[0] <= rate <= policy.rates[-1] and not near and found == found:
            marks.append(Mark(name, rate, found))
    return tuple(marks)


def corners(curve: FrocCurve) -> BoolArray:
    """[P] the points at which the curve turns, the first and the last: those between lie on the straight lines."""
    x, y = np.diff(curve.false_positives_per_scan), np.diff(curve.sensitivity)
    turns = np.zeros(len(curve.sensitivity), dtype=bool)
    turns[[0, -1]] = True
    turns[1:-1] = ~((x[1:] == 0) & (x[:-1] == 0)) & ~((y[1:] == 0) & (y[:-1] == 0))
    return turns


def _lead(policy: Policy, summary: dict[str, Any], mean: float, boot: FrocBootstrap | None) -> str:
    every, images = summary[f"{policy.lesion_is}s"], summary[f"{policy.image_is}s"]
    if not every:
        return f"There is no {policy.lesion_is} in the {_count(images, policy.image_is)}, so there is no sensitivity."
    bounds = ""
    if boot is not None and boot.samples:
        bounds = f" (95 %: {float(boot.mean_sensitivity.lower):.3f} to {float(boot.mean_sensitivity.upper):.3f})"
    one = summary["sensitivity_at_fp"]["1"]
    at_one = f", sensitivity {one:.3f} at 1 false positive per {policy.image_is}"
    name = "CPM" if policy.averaged == len(policy.rates) else "Mean sensitivity at " + _rates_words(policy)
    return f"{name} {mean:.3f}{bounds}{at_one}; {_count(every, policy.lesion_is)} in {_count(images, policy.image_is)}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _rates_words(policy: Policy) -> str:
    used = [f"{rate:g}" for rate in policy.rates[: policy.averaged]]
    return f"{', '.join(used[:-1])} and {used[-1]} false positives per {policy.image_is}"
