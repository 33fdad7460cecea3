"""What came of a run, as the bundle's manifest and the model's card tell it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from LesionDetectionLib.methods.pet_weak.architecture import FCN, UNET, PetWeakArchitecture
from LesionDetectionLib.methods.pet_weak.settings import PetWeakSettings

from ...evaluation.froc import false_positives_per_scan, froc, sensitivity_at, threshold_at_rate
from ...evaluation.matching.outcome import MISSED
from .judging import JudgedCase
from .measuring import Row
from .settings import RecipeSettings
from .views import TrainingViews

POINT_RATES = (0.1, 0.25, 0.5, 1.0, 2.0)
"""False positives a scan that operating points are made for."""
DEFAULT_RATE = 0.5
"""[choice]: every second scan has a false mark, which is seen at a glance in a projection."""
LEAST_SCORE = 0.001
"""No point lies below this: in a scan that is taken for one without a tumour all scores are 0, and no lesion is shown."""
EVERYTHING = "everything"
"""The only operating point where no validation case could be detected in."""
EVERY_MARK = "every mark"
"""The lowest point: from here on no lower score would show more."""
_OWN = ("most_lesions", "region_ras_mm", "operating_point")
"""Settings of the method that are the user's; all others go with the weights, as the operating points hold for these only."""

LIMITS = (
    "It sees two projections of the whole body. A tumour in front of or behind something brighter, in both of them, cannot be "
    "seen; and where two tumours cross, a place between them may be marked.",
    "Its map has places of 16 pixels (32 mm at 2 mm): which of several hot spots in such a place is the tumour is decided by "
    "their uptake alone. Outlines are isocontours of the uptake, and not learned.",
    "It tells the kinds of scans apart that it learned from, and no others: a tumour of another organ is given one of these kinds, "
    "or none. Scans of other fields of view, tracers, uptake times or reconstructions are unlike what it learned from.",
)
_OWN_LIMITS = {
    FCN: "It learned from labels that another network made: what that one took for the tumour, right or wrong.",
    UNET: "It says nothing of what kind a tumour is.",
}


def bundled_settings(method: PetWeakSettings, judged: Sequence[JudgedCase]) -> dict[str, Any]:
    """What the bundle's manifest says of the method: settings and operating points."""
    settings = {name: value for name, value in asdict(method).items() if name not in _OWN}
    return {"pet_weak_settings": settings, **operating_points(judged)}


def operating_points(judged: Sequence[JudgedCase]) -> dict[str, Any]:
    """The points that a model offers: scores at which validation cases have so many false marks each; ends with the one that shows
    every mark, where there are so few."""
    if not judged:
        return {"operating_points": {EVERYTHING: 0.0}, "default_operating_point": EVERYTHING}
    outcomes = [one.outcome for one in judged]
    points = dict[str, float]()
    for rate in POINT_RATES:
        threshold = round(threshold_at_rate(outcomes, rate), 6)
        if threshold <= LEAST_SCORE:
            points[EVERY_MARK] = LEAST_SCORE
            break
        points[point_name(rate)] = threshold
    default = point_name(DEFAULT_RATE)
    return {"operating_points": points, "default_operating_point": default if default in points else EVERY_MARK}


def point_name(rate: float) -> str:
    """Of the operating point with so many false positives a scan."""
    return f"{rate:g} FP per scan"


def counts(cases: Sequence[TrainingViews], part: str) -> dict[str, Any]:
    """Scans of a part by their label, for the record."""
    labels = Counter(one.label for one in cases)
    return {f"{part}_scans": len(cases), f"{part}_labels": dict(sorted(labels.items()))}


def metrics_of(views: Row, judged: Sequence[JudgedCase], labels: Mapping[str, str], threshold: float) -> dict[str, Any]:
    """Of the validation cases, in plain values; None where something is not defined.

    Args:
        views: of their projections, see :mod:`.measuring`.
        judged: their volumes.
        labels: of the cases by name.
        threshold: of the default operating point.
    """
    found: dict[str, Any] = {
        "projections": {name: _plain(value) for name, value in views.items()},
        "scans": len(judged),
    }
    if not judged:
        return found
    outcomes = [one.outcome for one in judged]
    scores = np.concatenate([outcome.lesion_scores for outcome in outcomes])
    curve = froc(outcomes)
    shown = (scores >= threshold) & (scores > MISSED)
    by_label: dict[str, list[float]] = {}
    for one in judged:
        by_label.setdefault(labels[one.name], []).append(one.dice(threshold))
    told = {label: _spread(values) for label, values in sorted(by_label.items())}
    return {
        **found,
        "lesions": len(scores),
        "found": int(shown.sum()),
        "false_positives_per_scan": round(false_positives_per_scan(outcomes, threshold), 3),
        "sensitivity_at_fp_per_scan": {f"{rate:g}": _plain(sensitivity_at(curve, rate)) for rate in POINT_RATES},
        "dice": {label: values for label, values in told.items() if values},
    }


def limits_for(network: PetWeakArchitecture) -> tuple[str, ...]:
    """What the model cannot do."""
    return (*LIMITS, _OWN_LIMITS[network.kind]) if network.kind in _OWN_LIMITS else LIMITS


def card_lines(
    record: Mapping[str, Any], metrics: Mapping[str, Any], settings: RecipeSettings, point: str
) -> tuple[str, ...]:
    """Sentences for the model card, and a table in Markdown.

    Args:
        point: name of the default operating point.
    """
    seconds = ", ".join(f"{part} {value} s" for part, value in record["seconds"].items())
    lines = [
        f"{record['parameters']:,} parameters, fitted on both projections of {record['training_scans']} scans "
        f"({_labels(record['training_labels'])}), pixels of {settings.pixel_mm:g} mm. {supervision(settings)} Times: {seconds}.",
        f"On the projections of {record['validation_scans']} other scans ({_labels(record['validation_labels'])}): "
        + ", ".join(f"{name} {_told(value)}" for name, value in metrics["projections"].items() if value is not None)
        + f"; a map points at a tumour where its peak lies within {settings.pointing_mm:g} mm of the annotated point.",
    ]
    if metrics["scans"]:
        found = f"{metrics['found']} of {metrics['lesions']} lesions"
        lines.append(
            f"In {metrics['scans']} of these scans as volumes, at “{point}”: {found} found, by a mark nearer to their centre "
            f"than their radius, with {metrics['false_positives_per_scan']:g} false marks a scan. The operating points are scores "
            "at which these scans have so many false marks each."
        )
    if metrics.get("dice"):
        rows = [f"| {label} | {mean} ± {spread} | {n} |" for label, (mean, spread, n) in metrics["dice"].items()]
        lines.append(
            "\n".join(["| scans | Dice of all tumours at this point | number |", "| --- | --- | --- |", *rows])
        )
    lines.append(
        "The same seed gives the same weights on the same machine with as many threads; elsewhere sums are taken in another "
        "order and the weights differ a little."
    )
    return tuple(lines)


def supervision(settings: RecipeSettings) -> str:
    """What the network was told of each scan, in a sentence."""
    kind = settings.architecture.kind
    if kind == UNET:
        return "Of each scan it was told where tumours are drawn."
    if kind == FCN:
        return "Of each scan it was told where the maps of a classifier lie, which was told the scan's class and nothing else."
    if not settings.distance_weight:
        return "Of each scan it was told the class, and nothing else."
    return (
        f"Of each scan it was told the class and one point in the middle of the largest tumour; the weight of the distance loss "
        f"is {settings.distance_weight:g}."
    )


def _labels(found: Mapping[str, int]) -> str:
    return ", ".join(f"{label} {count}" for label, count in found.items())


def _spread(values: Sequence[float]) -> tuple[float, float, int] | None:
    """Mean, standard deviation and number of those that are known."""
    known = np.array([value for value in values if math.isfinite(value)])
    return (round(float(known.mean()), 3), round(float(known.std()), 3), len(known)) if len(known) else None


def _plain(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _told(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3g}"
