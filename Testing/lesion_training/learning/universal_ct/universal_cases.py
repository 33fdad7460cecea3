"""A tiny network, for the cases that all recipes of slices are tested on."""

from __future__ import annotations

from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture
from slice_cases import BrokenCase, EmptyCase, made_case, made_slices

__all__ = ["TINY", "BrokenCase", "EmptyCase", "made_case", "made_slices"]

TINY = UniversalArchitecture(
    backbone="vgg19_bn",
    base=2,
    pyramid=4,
    head=4,
    head_layers=1,
    dense_widths=(4, 2),
    scales=(0.5, 0.75),
    ratios=(1.0,),
)
"""With anchors of 16 and 24 pixels at its finest level."""
