"""What a run tells beside its lesions: controls, sentences, and plain values for its record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from LesionDetectionLib.core.detections import Control
from LesionDetectionLib.core.image import Image

from ..region import region_note
from .lesions import peak_ras_mm
from .liver_reference import LiverReference
from .places import LeftOut
from .settings import ActivePetCtSettings

LEAST_SUVMAX, LEAST_VOLUME = "least_suvmax", "least_volume_ml"

_UNTRAINED = (
    "What is marked takes up tracer. Heart, vessels, gullet, thyroid, marrow, muscle, brown fat and every inflammation do so "
    "too: whether it is a lesion is for a person to say."
)
_HIGHEST_SUV, _HIGHEST_ML = 20.0, 50.0
_NAMED = 3
"""So many of the regions that were left out are named, the most avid."""


def controls(settings: ActivePetCtSettings, threshold: float, lowest: float) -> tuple[Control, ...]:
    """Least SUVmax and least volume, in this order.

    Args:
        threshold: least SUVmax of what is shown at first.
        lowest: least SUVmax of what was reported.
    """
    return (
        Control(
            LEAST_SUVMAX,
            "Least SUVmax",
            _just_below(threshold),
            _just_below(lowest),
            max(_HIGHEST_SUV, 2 * threshold),
            decimals=1,
        ),
        Control(LEAST_VOLUME, "Least volume", settings.least_volume_ml, 0.0, _HIGHEST_ML, "mL"),
    )


def sentences(
    settings: ActivePetCtSettings,
    pet: Image,
    warnings: Sequence[str],
    liver: LiverReference | None,
    left_out: Sequence[LeftOut],
    found: int,
) -> tuple[str, ...]:
    """All that must be shown with the result.

    Args:
        warnings: of the images.
        found: number of regions, of which ``settings.most_lesions`` are reported.
    """
    told = [_UNTRAINED, *warnings]
    if liver is not None:
        told.append(liver.in_words(settings))
    if left_out:
        told.append(_left_out(left_out))
    if settings.region_ras_mm is not None:
        told.append(region_note(settings.region_ras_mm, "Active lesions"))
    if found > settings.most_lesions:
        told.append(f"Only the {settings.most_lesions} most avid of {found} regions of uptake are shown.")
    return (*told, *pet.notes)


def left_out_record(left_out: Sequence[LeftOut], part: Image) -> list[dict[str, Any]]:
    """The regions near the lungs that were not reported, for the provenance."""
    voxel_ml = part.geometry.voxel_volume_mm3 / 1000
    return [
        {
            "max_suvbw": round(item.region.suvmax, 3),
            "mtv_ml": round(item.region.count * voxel_ml, 3),
            "peak_ras_mm": [round(float(mm), 1) for mm in peak_ras_mm(part, item.region)],
            "why": item.why,
        }
        for item in left_out
    ]


def liver_record(liver: LiverReference | None) -> dict[str, Any]:
    """The liver reference, for the provenance; nothing where none was used."""
    if liver is None:
        return {}
    place = [round(mm, 1) for mm in liver.center_ras_mm]
    values = {"mean_suvbw": round(liver.mean, 4), "sd_suvbw": round(liver.deviation, 4), "voxels": liver.voxels}
    if liver.lean_factor is not None:
        values |= {
            "mean_sulbm": round(liver.lean_factor * liver.mean, 4),
            "sd_sulbm": round(liver.lean_factor * liver.deviation, 4),
        }
    return {"liver_reference": {"center_ras_mm": place, **values}}


def _left_out(left_out: Sequence[LeftOut]) -> str:
    by_reason: dict[str, list[float]] = {}
    for item in left_out:
        by_reason.setdefault(item.why, []).append(item.region.suvmax)
    parts = []
    for why, values in by_reason.items():
        named = ", ".join(f"{value:.1f}" for value in values[:_NAMED])
        more = f" and {len(values) - _NAMED} lower" if len(values) > _NAMED else ""
        parts.append(f"{len(values)} {why}, of SUVmax {named}{more}")
    return (
        f"Left out, though in the lungs' hull: {'; '.join(parts)}. To see them, switch “lungs only” off or set "
        "“leave out organs from” (organs_thicker_mm) to 0."
    )


def _just_below(suv: float) -> float:
    """A lesion is shown above a control's value, and belongs to a rule from its threshold on."""
    return math.nextafter(suv, 0.0)
