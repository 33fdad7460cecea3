"""What can be set for a run of ``liver-ct``; a bundle stores those that belong to its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import UsageError

from ..bundle_settings import stored_settings
from ..slices.settings import SliceSettings

LIVER, EVERYWHERE = WHERE = ("liver", "everywhere")


@dataclass(frozen=True)
class LiverSettings(SliceSettings):
    """Choices that the paper leaves open [choice], and limits.

    Attributes:
        window_hu: the paper names none; this one shows liver and lesions [choice].
        where: ``liver``: the liver is found first, and only its slices and what lies in it are looked at; ``everywhere``: all
            slices, for images in which the liver is not found, or known to fill the view. One slice alone is always looked at
            as it is.
        liver_margin_mm: a box whose centre lies so far outside of what was found to be the liver still counts, or a fifth of its
            shorter side.
        proposals: of Faster R-CNN's first stage so many boxes a slice are judged by the second.
        box_margin_px: the boxes of DeepLesion, which are learned, reach 5 pixels beyond the lesion; pixels of the input.
    """

    window_hu: tuple[float, float] = (-150.0, 250.0)
    where: str = LIVER
    liver_margin_mm: float = 10.0
    proposals: int = 300
    box_margin_px: float = 5.0

    def __post_init__(self) -> None:
        if self.where not in WHERE:
            raise UsageError(f"Where is looked is {' or '.join(f'“{one}”' for one in WHERE)}, not “{self.where}”.")
        if not (0 <= self.liver_margin_mm < math.inf and 0 <= self.box_margin_px < math.inf):
            raise UsageError("Margins around the liver and around lesions cannot be negative, or without end.")
        if self.proposals < 1:
            raise UsageError(f"At least one proposal a slice must be judged, not {self.proposals}.")
        super().__post_init__()


def settings_for(bundle: Bundle | None) -> LiverSettings:
    """The settings that belong to the bundle's weights; see :func:`..bundle_settings.stored_settings`."""
    return stored_settings(LiverSettings, bundle, "liver_settings")
