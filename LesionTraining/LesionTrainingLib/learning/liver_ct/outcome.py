"""What came of a run, as the bundle's manifest and the model's card tell it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from LesionDetectionLib.methods.liver_ct.architecture import LiverArchitecture
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings

from ...evaluation.froc import froc, sensitivity_at
from ...evaluation.matching.deeplesion import DeepLesion
from ..slices.judged import JudgedSlice
from ..slices.outcome import LIMITS, card_lines, operating_points, validation_metrics
from .largest import PAPER_IOU, STRICT_IOU, mean_squared_error, rule, sensitivity, showing
from .settings import RecipeSettings

ONE_BOX = "one box per slice"
"""The only operating point of a single-box detector."""
SINGLE_BOX_LIMITS = (
    "It gives exactly one box for every slice, whether the slice shows a lesion or not, and says nothing of how sure it is: "
    "every slice without a lesion has a false box, and of several lesions in a slice one can be found at most. Its score, 1, "
    "ranks nothing.",
    "It is a step on the way to a detector, and none yet: the paper's own found 7 to 8 of 100 lesions of its test slices, where "
    "an IoU above .1 was a hit.",
)
_BUNDLED = (
    "size_px",
    "slice_distance_mm",
    "window_hu",
    "proposals",
    "nms_iou",
    "box_margin_px",
    "slices_mm",
    "pixels_mm",
)
"""The settings of the method that belong to the weights; the user's own (where to look, region, limits) do not."""


def bundled_settings(
    method: LiverSettings, network: LiverArchitecture, judged: Sequence[JudgedSlice]
) -> dict[str, Any]:
    """What the bundle's manifest says of the method: settings and operating points.

    Args:
        method: with the grids that were learned from.
    """
    chosen = asdict(method)
    points = {"operating_points": {ONE_BOX: 0.0}, "default_operating_point": ONE_BOX}
    if not network.single_box:
        points = operating_points(judged)
    return {"liver_settings": {name: chosen[name] for name in _BUNDLED}, **points}


def metrics_of(method: LiverSettings, network: LiverArchitecture, judged: Sequence[JudgedSlice]) -> dict[str, Any]:
    """Of the validation slices, in plain values; None where something is not defined."""
    if not network.single_box:
        curve = froc([one.outcome(rule(PAPER_IOU)) for one in judged])
        lenient = {
            f"{rate:g}": _plain(sensitivity_at(curve, rate, upright=DeepLesion.upright)) for rate in DeepLesion.rates
        }
        return {**validation_metrics(judged), "sensitivity_at_fp_per_image_above_iou_0.1": lenient}
    return {
        "slices": len(judged),
        "slices_without_lesions": len(judged) - len(showing(judged)),
        "MSE": _plain(mean_squared_error(judged, method), 6),
        "sensitivity_above_iou_0.1": _plain(sensitivity(judged, PAPER_IOU)),
        "sensitivity_above_iou_0.5": _plain(sensitivity(judged, STRICT_IOU)),
    }


def limits_for(network: LiverArchitecture) -> tuple[str, ...]:
    """What the model cannot do; the last of the shared sentences is on operating points, which one box a slice has not."""
    return (*SINGLE_BOX_LIMITS, *LIMITS[:-1]) if network.single_box else LIMITS


def lines_for(
    record: Mapping[str, Any], metrics: Mapping[str, Any], seen: LiverSettings, network: LiverArchitecture, point: str
) -> tuple[str, ...]:
    """Sentences for the model card, and tables in Markdown.

    Args:
        seen: with the grids that were learned from.
        point: name of the default operating point.
    """
    if network.single_box:
        return _single_box_lines(record, metrics, seen)
    lines = card_lines(record, metrics, seen, point)
    told = metrics["sensitivity_at_fp_per_image_above_iou_0.1"]
    rates = ", ".join(f"{value:.3f} at {rate}" for rate, value in told.items() if value is not None)
    lenient = f"Where an IoU above .1 counts as a hit, as in the paper, sensitivities by false positives an image are {rates}."
    # Beside the other figures, before the sentences on thresholds and seeds.
    return (*lines[:-2], lenient, *lines[-2:]) if rates else lines


def _single_box_lines(record: Mapping[str, Any], metrics: Mapping[str, Any], seen: LiverSettings) -> tuple[str, ...]:
    seconds = ", ".join(f"{part} {value} s" for part, value in record["seconds"].items())
    kinds = ", ".join(f"{kind} {count}" for kind, count in record.get("training_kinds", {}).items())
    by_kind = f" All sections of lesions in these by kind: {kinds}." if kinds else ""
    return (
        f"{record['parameters']:,} parameters, fitted on the {record['training_slices_learned_from']} of "
        f"{record['training_slices']} slices of {record['training_scans']} scans that show a lesion; where there are several, on "
        f"the largest.{by_kind} Times: {seconds}.",
        f"It saw slices {_span(seen.slices_mm)} mm apart, and pixels of {_span(seen.pixels_mm)} mm after each slice had been "
        f"brought to {seen.size_px} pixels.",
        f"In {metrics['slices'] - metrics['slices_without_lesions']} single slices with a lesion of {record['validation_scans']} "
        f"other scans its box overlapped one with an IoU above .1 in {_percent(metrics['sensitivity_above_iou_0.1'])}, above .5 "
        f"in {_percent(metrics['sensitivity_above_iou_0.5'])}; the mean squared error of its edges, in shares of the slice's "
        f"side, was {_told(metrics['MSE'])}.",
        "The same seed gives the same weights on the same machine with as many threads; elsewhere sums are taken in another "
        "order and the weights differ a little.",
    )


def told_settings(settings: RecipeSettings) -> dict[str, Any]:
    """The recipe's settings, without the folder that the weights to begin with lay in: a bundle is passed on."""
    return {**asdict(settings), "initial_weights": Path(settings.initial_weights).name}


def _span(pair: Sequence[float]) -> str:
    low, high = pair
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _plain(value: float, digits: int = 4) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.0f} %"


def _told(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3g}"
