"""What came of a run, as the bundle's manifest and the model's card tell it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from LesionDetectionLib.methods.high_uptake_ct.settings import EVERY_CANDIDATE, VERIFIED, HighUptakeSettings

from ...evaluation.blob_detection import (
    FULL,
    VARIANTS,
    JudgedSlice,
    false_positive_rates,
    variant_thresholds,
    verification,
)
from .settings import ALL, LARGEST, SliceSettings
from .slices import TrainingSlices, lesion_count
from .thresholds import Thresholds

_BUNDLED = (
    "spacing_mm",
    "normalisation",
    "window_hu",
    "least_response",
    "least_area_px",
    "lungs_only",
    "hull_margin_mm",
    "slices_mm",
    "pixels_mm",
)
"""The settings of the method that belong to the weights; the user's own (region, limits) do not."""

LIMITS = (
    "It sees 75 x 75 pixels in five slices around each pixel, nothing of the rest of the patient, and no PET: what it calls "
    "active is a guess from texture and outline in CT.",
    "Small lesions are missed most often; an active lesion at the mediastinum, at the diaphragm or in collapsed lung may not "
    "be told from them.",
    "Lesions of a kind that was not among those it learned from, and scans with other slice distances, doses, filters or "
    "contrast agents, give other responses; the thresholds do not follow.",
)


def bundled_settings(
    method: HighUptakeSettings, thresholds: Thresholds, training: Sequence[TrainingSlices]
) -> dict[str, Any]:
    """What the bundle's manifest says of the method: settings, thresholds, and the grids that it learned from."""
    spacings = np.array([one.geometry.spacing_mm for one in training])
    chosen = asdict(
        replace(
            method,
            least_response=thresholds.least_response,
            least_area_px=thresholds.least_area_px,
            slices_mm=_range(spacings[:, 2]),
            pixels_mm=_range(spacings[:, :2]),
        )
    )
    return {
        "high_uptake_settings": {name: chosen[name] for name in _BUNDLED},
        "operating_points": {VERIFIED: thresholds.least_response, EVERY_CANDIDATE: 0.0},
        "default_operating_point": VERIFIED,
    }


def counts(slices: Sequence[TrainingSlices], part: str) -> dict[str, int]:
    """Scans, slices and lesions of a part, for the record."""
    return {
        f"{part}_scans": len(slices),
        f"{part}_scans_without_active_lesions": sum(not one.has_active for one in slices),
        f"{part}_slices": sum(len(one) for one in slices),
        f"{part}_lesions": lesion_count(slices),
    }


def threshold_metrics(thresholds: Thresholds, learned: Sequence[JudgedSlice]) -> dict[str, Any]:
    """Both thresholds, and what each alone comes to on the training slices that they were found on."""
    return {
        "least_response": thresholds.least_response,
        "least_area_px": thresholds.least_area_px,
        "training_slices": len(learned),
        "training_sections": sum(len(one.lesion_mm) for one in learned),
        "training_precision_recall": {
            "response": [_plain(value) for value in thresholds.response],
            "size": [_plain(value) for value in thresholds.size],
        },
    }


def validation_metrics(
    judged: Sequence[JudgedSlice], thresholds: Thresholds, without: Collection[str]
) -> dict[str, Any]:
    """Precision, recall and false positives of the four variants on validation slices, in plain values; None where something
    is not defined.

    Args:
        judged: the slices.
        without: names of the cases that have no active lesion: theirs are counted apart, as in Table 1.
    """
    showing = [one for one in judged if one.case not in without]
    clear = [one for one in judged if one.case in without]
    variants: dict[str, Any] = {}
    for variant in VARIANTS:
        limits = variant_thresholds(variant, thresholds.least_response, thresholds.least_area_px)
        found, false = verification(showing, *limits), false_positive_rates(clear, *limits)
        variants[variant] = {
            "precision": _plain(found.precision),
            "recall": _plain(found.recall),
            "true_blobs": found.true_blobs,
            "false_blobs": found.false_blobs,
            "false_positive_images": _plain(false.of_images),
            "false_positive_scans": _plain(false.of_scans),
        }
    return {
        "slices": len(showing),
        "lesion_sections": sum(len(one.lesion_mm) for one in showing),
        "slices_without_active_lesions": len(clear),
        "variants": variants,
    }


def card_lines(record: Mapping[str, Any], metrics: Mapping[str, Any], selection: SliceSettings) -> tuple[str, ...]:
    """Sentences for the model card, and the table of the four variants in Markdown."""
    limits, full = metrics["thresholds"], metrics["variants"][FULL]
    seconds = ", ".join(f"{part} {value} s" for part, value in record["seconds"].items())
    rows = [
        f"| {variant} | {_told(row['precision'])} | {_told(row['recall'])} | {_told(row['false_positive_images'])} | "
        f"{_told(row['false_positive_scans'])} |"
        for variant, row in metrics["variants"].items()
    ]
    table = [
        "| verification | precision | recall | slices with a false mark, of scans without active lesions | such scans |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]
    return (
        f"{record['parameters']:,} parameters, fitted on {record['lesion_pixels']:,} pixels of {record['training_lesions']} "
        f"active lesions, and on background, in {record['training_slices']} slices of {record['training_scans']} scans "
        f"({record['training_scans_without_active_lesions']} without active lesions). Of a case with active lesions it had "
        f"{_which(selection)}. Times: {seconds}.",
        f"Thresholds, each alone so that precision and recall are as equal as can be on {limits['training_slices']} of the "
        f"training slices: T_R = {limits['least_response']:.3f}, T_S = {limits['least_area_px']} pixels.",
        f"Single slices of {record['validation_scans']} other scans, {metrics['lesion_sections']} sections of active lesions in "
        f"{metrics['slices']} slices: with both thresholds the precision of blobs is {_told(full['precision'])}, the recall of "
        f"sections {_told(full['recall'])}. {metrics['slices_without_active_lesions']} slices are of scans without any.",
        "\n".join(table),
        "The same seed gives the same weights on the same machine with as many threads; elsewhere sums are taken in "
        "another order and the weights differ a little.",
    )


def _which(selection: SliceSettings) -> str:
    if selection.slices == LARGEST:
        return "the slice with the largest section of one"
    return "every slice that cuts one" if selection.slices == ALL else f"up to {selection.slices} slices that cut one"


def _range(mm: Any) -> tuple[float, float]:
    return round(float(mm.min()), 3), round(float(mm.max()), 3)


def _plain(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _told(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"
