"""What came of a run, as the bundle's manifest tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings

from ..slices.judged import JudgedSlice
from ..slices.outcome import operating_points
from .settings import RecipeSettings

_BUNDLED = (
    "size_px",
    "slice_distance_mm",
    "window_hu",
    "nms_iou",
    "mask_threshold",
    "mask_box_margin_px",
    "slices_mm",
    "pixels_mm",
)
"""The settings of the method that belong to the weights; the user's own (region, limits) do not."""


def bundled_settings(method: UniversalSettings, judged: Sequence[JudgedSlice]) -> dict[str, Any]:
    """What the bundle's manifest says of the method: settings and operating points.

    Args:
        method: with the grids that were learned from.
    """
    chosen = asdict(method)
    return {"universal_settings": {name: chosen[name] for name in _BUNDLED}, **operating_points(judged)}


def told_settings(settings: RecipeSettings) -> dict[str, Any]:
    """The recipe's settings, without the folders that its files lay in: a bundle is passed on."""
    names = {name: Path(getattr(settings, name)).name for name in ("anchors_file", "initial_weights")}
    return {**asdict(settings), **names}
