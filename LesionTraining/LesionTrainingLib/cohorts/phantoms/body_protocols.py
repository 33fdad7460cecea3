"""How body phantoms are scanned."""

from __future__ import annotations

from dataclasses import replace

from .body_settings import PRESETS, BodySettings
from .phantom import random_stream

PROTOCOL_NAMES = tuple(PRESETS)
_SLABS = ((0.26, 1.0, 1.0, 13), (0.1, 2.0, 2.0, 9), (0.14, 2.5, 2.5, 9), (0.06, 2.5, 5.0, 9), (0.44, 5.0, 5.0, 7))
"""(Share, spacing in mm, slice thickness in mm, slices): DeepLesion's are mostly of 1 and 5 mm."""
_ABDOMENS = ((0.35, 2.5, 2.5, 0), (0.25, 3.0, 3.0, 0), (0.4, 5.0, 5.0, 0))
_VARIED = {"slab": _SLABS, "liver": _SLABS, "abdomen": _ABDOMENS}


def protocol(name: str, seed: int) -> BodySettings:
    """The settings of the phantom of ``seed`` under a protocol of :data:`PROTOCOL_NAMES`; some differ by seed."""
    settings = PRESETS[name]
    if name not in _VARIED:
        return settings
    shares = [share for share, *_ in _VARIED[name]]
    chosen = int(random_stream(seed, "protocol").choice(len(shares), p=shares))
    _, spacing, thickness, slices = _VARIED[name][chosen]
    return replace(settings, spacing_mm=spacing, slice_thickness_mm=thickness, slices=slices)
