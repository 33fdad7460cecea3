"""What can be set for a run of ``pet-weak``; a bundle stores those that belong to its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Point

from ..bundle_settings import stored_settings
from ..region import check_region
from .architecture import STRIDE

MOST_PX = 4096
"""A larger input is no projection of a person."""


@dataclass(frozen=True)
class Seen:
    """What a network sees of a PET.

    Attributes:
        pixel_mm: of the projections, nearest neighbour (section 3.1: 2 mm).
        most_suv: SUV that becomes 1; higher ones are clipped, 0 stays 0 (section 3.2: 30).
        canvas_px: height and width of the input at least, with the body in its middle; larger in steps of 16 where the body needs
            it [choice].
    """

    pixel_mm: float = 2.0
    most_suv: float = 30.0
    canvas_px: tuple[int, int] = (512, 256)

    def seen(self) -> Seen:
        """This alone, without what else a method's settings hold: prepared projections depend on nothing else."""
        return Seen(self.pixel_mm, self.most_suv, self.canvas_px)


@dataclass(frozen=True)
class PetWeakSettings(Seen):
    """What the network sees, and how two maps become lesions [choice].

    Attributes:
        map_share: back-projected maps count from this on.
        uptake_share: of the highest SUV of a place that counts, a tumour reaches down to this share.
        reach_mm: a tumour may reach so far beyond the places that count, by default the 16 pixels of a cell of the maps. On 32 phantoms
            with a tumour the mean Dice coefficient of a model was .61 with it, and .48 with half of it.
        least_suvmax: uptake below this is no tumour's.
        explained_share: the peak of a tumour is at least this share of what a projection shows where it lies, in one of the two
            views: what lies at the crossing of two tumours' shadows explains neither.
        split_share: two peaks are two tumours where the uptake between them falls below this share of the lower.
        diffuse_share: where the maps count in more than this share of the body's projection, they point nowhere: said with the
            result.
        most_lesions: at most so many, the highest scores, are reported.
        region_ras_mm: report only lesions whose centre lies in this box, axis-aligned in RAS mm (lowest and highest corner);
            None for everywhere.
        operating_point: which lesions are reported: a name that the model gives, a least score as text, or empty for the model's
            default.
    """

    map_share: float = 0.5
    uptake_share: float = 0.4
    reach_mm: float = 32.0
    least_suvmax: float = 2.0
    explained_share: float = 0.9
    split_share: float = 0.6
    diffuse_share: float = 0.2
    most_lesions: int = 50
    region_ras_mm: tuple[Point, Point] | None = None
    operating_point: str = ""

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if not 0.1 <= self.pixel_mm <= 50 or not 0 < self.most_suv < math.inf:
            raise UsageError("Pixels of projections measure .1 to 50 mm, and the SUV that becomes 1 lies above 0.")
        if not all(0 < px <= MOST_PX and px % STRIDE == 0 for px in self.canvas_px) or len(self.canvas_px) != 2:
            raise UsageError(f"Height and width of the canvas are multiples of {STRIDE} pixels, up to {MOST_PX}.")
        for name in ("map_share", "uptake_share", "explained_share", "split_share", "diffuse_share"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(f"“{name}” lies above 0, up to 1, not at {getattr(self, name):g}.")
        if not (0 <= self.reach_mm <= 500 and 0 <= self.least_suvmax < math.inf):
            raise UsageError("A reach lies from 0 to 500 mm, and the least SUVmax is 0 or more.")
        if self.most_lesions < 1:
            raise UsageError("At least one lesion must be allowed.")
        check_region(self.region_ras_mm)


def settings_for(bundle: Bundle | None) -> PetWeakSettings:
    """The settings that belong to the bundle's weights; see :func:`..bundle_settings.stored_settings`."""
    return stored_settings(PetWeakSettings, bundle, "pet_weak_settings")
