"""How chest phantoms are scanned: one protocol for all of a cohort, or a mixture as hospitals have it."""

from __future__ import annotations

from dataclasses import replace

from .chest_settings import FAST, PRESETS, ChestSettings
from .phantom import random_stream

_LUNGS = replace(FAST, vessel_tips=1300, tube_current_mas=(30.0, 250.0))
_MIXED: tuple[tuple[float, ChestSettings], ...] = (
    (
        0.45,
        replace(_LUNGS, shape_ijk=(440, 350, 270), spacing_mm=(0.72, 0.72, 1.0), slice_thickness_mm=1.0, psf_mm=0.9),
    ),
    (0.35, _LUNGS),
    (0.2, replace(_LUNGS, shape_ijk=(400, 320, 135), spacing_mm=(0.8, 0.8, 2.0), slice_thickness_mm=2.5, psf_mm=1.1)),
)
"""(Share, settings): thin slices with a sharp kernel, the fast preset, thick slices. A model that knows one protocol only
takes its sharpness for granted."""

MIXED = "mixed"
PROTOCOL_NAMES = (*PRESETS, MIXED)


def protocol(name: str, seed: int) -> ChestSettings:
    """The settings of the phantom of ``seed`` under a protocol of :data:`PROTOCOL_NAMES`."""
    if name != MIXED:
        return PRESETS[name]
    shares = [share for share, _ in _MIXED]
    return _MIXED[int(random_stream(seed, "protocol").choice(len(shares), p=shares))][1]
