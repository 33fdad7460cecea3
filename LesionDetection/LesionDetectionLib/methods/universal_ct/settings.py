"""What can be set for a run of ``universal-ct``; a bundle stores those that belong to its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import UsageError

from ..bundle_settings import stored_settings
from ..slices.settings import LARGEST_INPUT_PX, SliceSettings, require_shares

INPUT_MULTIPLE = 64
"""Of the network's input: its coarsest level has a place for so many pixels, or for twice as many."""


@dataclass(frozen=True)
class UniversalSettings(SliceSettings):
    """Choices that the paper leaves open [choice], and limits. ``size_px``, ``slice_distance_mm`` and ``window_hu`` are the paper's
    (section 3.1).

    Attributes:
        mask_threshold: a pixel of this probability belongs to the mask.
        mask_box_margin_px: the boxes of DeepLesion, which are learned, reach 5 pixels beyond the lesion: so much is put around
            a mask before it is compared with its box. Pixels of the input.
    """

    mask_threshold: float = 0.5
    mask_box_margin_px: float = 5.0

    def __post_init__(self) -> None:
        if not (INPUT_MULTIPLE <= self.size_px <= LARGEST_INPUT_PX and self.size_px % INPUT_MULTIPLE == 0):
            raise UsageError(
                f"The size of the input is a multiple of {INPUT_MULTIPLE} pixels up to {LARGEST_INPUT_PX}, not {self.size_px}."
            )
        require_shares(self, ("mask_threshold",))
        if not 0 <= self.mask_box_margin_px < math.inf:
            raise UsageError("The margin around masks cannot be negative, or without end.")
        super().__post_init__()


def settings_for(bundle: Bundle | None) -> UniversalSettings:
    """The settings that belong to the bundle's weights; see :func:`..bundle_settings.stored_settings`."""
    return stored_settings(UniversalSettings, bundle, "universal_settings")
