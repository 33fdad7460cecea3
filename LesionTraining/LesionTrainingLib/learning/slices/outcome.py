"""What came of a run on slices, as the bundle's manifest and the model's card tell it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from LesionDetectionLib.methods.slices.settings import SliceSettings

from ...evaluation.froc import false_positives_per_scan, froc, sensitivity_at, sensitivity_by_size, threshold_at_rate
from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.outcome import Outcome
from .judged import JudgedSlice, as_rows, average_precision
from .slices import TrainingSlices

Method = TypeVar("Method", bound=SliceSettings)

POINT_RATES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""False positives an image that operating points are made for. The paper shows its pictures at .5."""
DEFAULT_RATE = 0.25
"""[choice]: a scan of the trunk has hundreds of slices, and half a false mark in each is more than anybody reads."""
LIMITS = (
    "It looks at single slices with one neighbour on either side, and knows nothing of the rest of the patient, of earlier "
    "scans or of other series.",
    "It learned from marked lesions as if they were all that there are. In DeepLesion most slices show lesions that nobody "
    "marked: a model of these learns to pass some by, and some of the marks that count as false are lesions.",
    "Lesions that are much smaller or larger than those it learned from, or of other regions, and scans with other pixels, "
    "slice distances, doses, filters or contrast agents, are found less often. The thresholds do not follow.",
    "Operating points were set on single slices, most of which show a lesion: how many false marks a whole scan has is not "
    "known from them.",
)


def learned_from(method: Method, training: Sequence[TrainingSlices]) -> Method:
    """The method's settings with the grids of the slices that were learned from."""
    grids = np.array([one.grid_mm for one in training])
    return replace(method, pixels_mm=_range(grids[:, 0]), slices_mm=_range(grids[:, 1]))


def operating_points(judged: Sequence[JudgedSlice]) -> dict[str, Any]:
    """The points that a model offers, as the bundle's manifest has them."""
    outcomes = [one.outcome() for one in judged]
    points = {point_name(rate): round(threshold_at_rate(outcomes, rate), 6) for rate in POINT_RATES}
    return {"operating_points": points, "default_operating_point": point_name(DEFAULT_RATE)}


def point_name(rate: float) -> str:
    """Of the operating point with so many false positives an image."""
    return f"{rate:g} FP per image"


def counts(slices: Sequence[TrainingSlices], part: str) -> dict[str, Any]:
    """Cases, slices and lesions of a part, for the record."""
    boxes = sum(int(one.counted.sum()) for one in slices)
    without = sum(len(one.lesions(n)) == 0 for one in slices for n in range(len(one)))
    found: dict[str, Any] = {
        f"{part}_scans": len(slices),
        f"{part}_slices": sum(map(len, slices)),
        f"{part}_slices_without_lesions": without,
        f"{part}_boxes": boxes,
    }
    kinds = Counter(kind for one in slices if one.kinds for kind in np.array(one.kinds)[one.counted].tolist() if kind)
    return found | ({f"{part}_kinds": dict(sorted(kinds.items()))} if kinds else {})


def validation_metrics(judged: Sequence[JudgedSlice]) -> dict[str, Any]:
    """By the rules of DeepLesion, in plain values; None where something is not defined."""
    outcomes = [one.outcome() for one in judged]
    curve = froc(outcomes)
    rates = {f"{rate:g}": _plain(sensitivity_at(curve, rate, upright=DeepLesion.upright)) for rate in DeepLesion.rates}
    threshold = threshold_at_rate(outcomes, DeepLesion.size_rate)
    most = max(len(one.boxes) for one in judged)
    return {
        "slices": len(judged),
        "slices_without_lesions": sum(not len(one.truth) for one in judged),
        "lesions": sum(len(one.truth) for one in judged),
        "average_precision": _plain(average_precision(as_rows(judged, most))),
        "sensitivity_at_fp_per_image": rates,
        "sensitivity_by_size_at_4_fp": _by_size(outcomes, threshold),
        "sensitivity_by_kind_at_4_fp": _by_kind(judged, outcomes, threshold),
        "highest_fp_per_image": _plain(false_positives_per_scan(outcomes, 0.0)),
    }


def card_lines(
    record: Mapping[str, Any], metrics: Mapping[str, Any], seen: SliceSettings, default_point: str
) -> tuple[str, ...]:
    """Sentences for the model card, and the tables in Markdown.

    Args:
        seen: with the grids that were learned from.
    """
    seconds = ", ".join(f"{part} {value} s" for part, value in record["seconds"].items())
    kinds = record.get("training_kinds", {})
    regions = f" By kind: {', '.join(f'{kind} {count}' for kind, count in kinds.items())}." if kinds else ""
    rows = " | ".join(_told(value) for value in metrics["sensitivity_at_fp_per_image"].values())
    sizes = [
        f"| {name} | {found} of {every} |" for name, (found, every) in metrics["sensitivity_by_size_at_4_fp"].items()
    ]
    names = " | ".join(metrics["sensitivity_at_fp_per_image"])
    return (
        f"{record['parameters']:,} parameters, fitted on {record['training_boxes']} sections of lesions in "
        f"{record['training_slices']} slices of {record['training_scans']} scans "
        f"({record['training_slices_without_lesions']} slices without a lesion).{regions} Times: {seconds}.",
        f"It saw slices {_span(seen.slices_mm)} mm apart, and pixels of {_span(seen.pixels_mm)} mm after each slice "
        f"had been brought to {seen.size_px} pixels.",
        f"Single slices of {record['validation_scans']} other scans: {metrics['lesions']} sections of lesions in "
        f"{metrics['slices']} slices, {metrics['slices_without_lesions']} of them without any. Average precision at an IoU of "
        f".5: {_told(metrics['average_precision'])}. Sensitivity by false positives an image:",
        f"| {names} |\n| {' | '.join('---' for _ in metrics['sensitivity_at_fp_per_image'])} |\n| {rows} |",
        "\n".join(["| size of the section | found at 4 false positives an image |", "| --- | --- |", *sizes]),
        "The operating points are scores at which these slices have so many false positives each; the default is "
        f"“{default_point}”.",
        "The same seed gives the same weights on the same machine with as many threads; elsewhere sums are taken in "
        "another order and the weights differ a little.",
    )


def _by_size(outcomes: Sequence[Outcome], threshold: float) -> dict[str, tuple[int, int]]:
    bands = DeepLesion.size_bands_mm
    found = sensitivity_by_size(outcomes, threshold, bands)
    return {_band(low, high): pair for (low, high), pair in zip(bands, found, strict=True)}


def _by_kind(
    judged: Sequence[JudgedSlice], outcomes: Sequence[Outcome], threshold: float
) -> dict[str, tuple[int, int]]:
    rows = [
        (kind, score >= threshold and score > -math.inf)
        for one, outcome in zip(judged, outcomes, strict=True)
        for kind, score in zip(one.kinds, outcome.lesion_scores.tolist(), strict=False)
        if kind
    ]
    every, found = Counter(kind for kind, _ in rows), Counter(kind for kind, hit in rows if hit)
    return {kind: (found[kind], every[kind]) for kind in sorted(every)}


def _band(low: float, high: float) -> str:
    if not low:
        return f"below {high:g} mm"
    return f"{low:g} to {high:g} mm" if math.isfinite(high) else f"{low:g} mm and more"


def _span(pair: Sequence[float]) -> str:
    low, high = pair
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _range(mm: Any) -> tuple[float, float]:
    return round(float(mm.min()), 3), round(float(mm.max()), 3)


def _plain(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _told(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"
