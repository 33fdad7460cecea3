"""Settings that recipes share which learn from slices: which slices, and which part of each."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.imaging.recist_mask import GRABCUT, WAYS


@dataclass(frozen=True)
class SelectionSettings:
    """Which slices of a case are learned from, and what is true in them. A case whose lesions are known by their diameters, as
    in DeepLesion, gives the slices with these; others give at least the slice with the largest section of each lesion.

    Attributes:
        slices_with: further slices a case, evenly spread over those that cut a lesion; only of cases whose lesions are known in
            all slices, by their outlines or as spheres.
        slices_without: of such cases also so many slices that cut none, first those through places that are known to look like
            a lesion and are none, then evenly spread [choice]; the paper has only slices with lesions.
        mask_way: how two diameters become a mask: ``grabcut`` (the paper), ``grabcut-dilated``, ``ellipse``, or ``best``.
        box_margin_px: what is put around an outline for its box, as DeepLesion's boxes have it around the diameters. Pixels of
            the input.
        least_section_px: a section of fewer pixels of the slice is neither lesion nor background [choice]: nobody sees it.
    """

    slices_with: int = 0
    slices_without: int = 0
    mask_way: str = GRABCUT
    box_margin_px: float = 5.0
    least_section_px: int = 3

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        require(self.mask_way in WAYS, "mask_way", f"one of {', '.join(WAYS)}", self.mask_way)
        for name in ("slices_with", "slices_without"):
            require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        require(0 <= self.box_margin_px < inf, "box_margin_px", "0 or more", self.box_margin_px)
        require(self.least_section_px >= 1, "least_section_px", "at least 1", self.least_section_px)


@dataclass(frozen=True)
class CropSettings:
    """The part of a slice that a sample is [choice]; the network is convolutional, and works on whole slices afterwards.

    Attributes:
        size_px: a square of so many pixels of the input, a multiple of the coarsest stride; 0 for the whole slice (the paper).
        anywhere: share of the squares that lie anywhere; the others hold a lesion that is drawn from those of the slice.
    """

    size_px: int = 0
    anywhere: float = 0.25

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        require(self.size_px >= 0, "crop.size_px", "0 or more", self.size_px)
        require(0 <= self.anywhere <= 1, "crop.anywhere", "from 0 to 1", self.anywhere)


def require(good: bool, name: str, wanted: str, value: object) -> None:
    if not good:
        raise UsageError(f"“{name}” must be {wanted}, not {value}.")
