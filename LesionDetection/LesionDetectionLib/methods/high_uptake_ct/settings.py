"""What can be set for a run of ``high-uptake-ct``; a bundle stores those that belong to its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import OperatingPoint
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Point

from ..bundle_settings import stored_settings
from ..operating_points import choose_operating_point
from ..region import check_region

HOUNSFIELD, SIXTEEN_BIT = NORMALISATIONS = ("hounsfield", "16-bit")
SIXTEEN_BIT_HU = (-1024.0, 65535.0 - 1024.0)
"""What "16-bit values normalised to <0, 1>" (section 3) means where the lowest value is -1024 HU: no lung is above 0.016."""

VERIFIED, EVERY_CANDIDATE = "verified", "every candidate"
"""The operating points of a model that was trained here: T_R and T_S as found on the training slices, and neither."""


@dataclass(frozen=True)
class HighUptakeSettings:
    """Choices that the paper leaves open [choice], its two thresholds, and limits.

    Attributes:
        spacing_mm: working voxel size (i, j, k); 0 along an axis for the scan's own, as in the paper. A patch of 75 x 75
            pixels covers 53 mm at 0.7 mm; with a size of its own, a model sees every scan at one scale.
        normalisation: how Hounsfield units become [0, 1]: ``hounsfield`` by ``window_hu``, ``16-bit`` by (HU + 1024) / 65535,
            the paper to the letter.
        window_hu: become 0 and 1; values beyond are clipped.
        least_response: T_R, for a run without a chosen operating point; 0 for the model's own.
        least_area_px: T_S, pixels of the working grid. The operating point ``every candidate`` drops it, too.
        lungs_only: look only inside each lung's convex hull, slice by slice, grown by ``hull_margin_mm``; else everywhere, as
            the paper.
        hull_margin_mm: a lesion may reach so far out of the hull, into chest wall or mediastinum; beyond, it is cut off.
        region_ras_mm: look only in this box, axis-aligned in RAS mm (lowest and highest corner); None for everywhere.
            Responses in it are those of the whole scan.
        least_shared: of the larger of two blobs in neighbouring slices this share of its pixels must lie on the other for both
            to be parts of one lesion; 0 for a single pixel. By a pixel lesions leak along vessels and into each other: on
            seven phantoms with 11 lesions, with a network after 300 steps, outlines had a mean Dice coefficient of 0.40,
            and of 0.57 with a tenth, which was chosen on these phantoms: no lesion broke in two by it; more breaks them.
        most_lesions: at most so many lesions, the highest responses, are reported.
        all_candidates: report every lesion with R > 0, whatever the thresholds, for a review that moves these.
        most_candidates: of all these at most so many.
        slices_mm, pixels_mm: distances between slices, and sizes of pixels, (lowest, highest), that the model learned from; a
            scan beyond them by a tenth gets a warning. (0, 0): not known.
        operating_point: T_R: a name that the model gives, a number as text, or empty for ``least_response`` or, where that is
            0, the model's default.
    """

    spacing_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    normalisation: str = HOUNSFIELD
    window_hu: tuple[float, float] = (-1024.0, 3071.0)
    least_response: float = 0.0
    least_area_px: int = 0
    lungs_only: bool = True
    hull_margin_mm: float = 5.0
    region_ras_mm: tuple[Point, Point] | None = None
    least_shared: float = 0.1
    most_lesions: int = 100
    all_candidates: bool = False
    most_candidates: int = 1000
    slices_mm: tuple[float, float] = (0.0, 0.0)
    pixels_mm: tuple[float, float] = (0.0, 0.0)
    operating_point: str = ""

    def __post_init__(self) -> None:
        if not all(mm == 0 or 0.1 <= mm <= 10 for mm in self.spacing_mm):
            raise UsageError(
                f"The working voxel size {self.spacing_mm} mm is not between 0.1 and 10 mm; 0 is the scan's own."
            )
        if self.normalisation not in NORMALISATIONS:
            raise UsageError(f"The normalisation is “{NORMALISATIONS[0]}” or “{NORMALISATIONS[1]}”.")
        if not -math.inf < self.window_hu[0] < self.window_hu[1] < math.inf:
            raise UsageError(f"The window {self.window_hu} HU does not rise.")
        if not 0 <= self.least_response <= 1:
            raise UsageError(f"The least response T_R lies from 0 to 1, not at {self.least_response:g}.")
        if not (0 <= self.hull_margin_mm < math.inf and self.least_area_px >= 0):
            raise UsageError("The margin around the lungs and the least area T_S cannot be negative.")
        if not 0 <= self.least_shared <= 1:
            raise UsageError(f"The share of two blobs that must overlap lies from 0 to 1, not {self.least_shared:g}.")
        if min(self.most_lesions, self.most_candidates) < 1:
            raise UsageError("At least one lesion and one candidate must be allowed.")
        for name, (low, high) in (("slices_mm", self.slices_mm), ("pixels_mm", self.pixels_mm)):
            if not 0 <= low <= high < math.inf:
                raise UsageError(f"“{name}” is the lowest and the highest distance in mm, not {(low, high)}.")
        check_region(self.region_ras_mm)

    @property
    def unit_window_hu(self) -> tuple[float, float]:
        """Hounsfield units that become 0 and 1."""
        return SIXTEEN_BIT_HU if self.normalisation == SIXTEEN_BIT else self.window_hu


def settings_for(bundle: Bundle | None) -> HighUptakeSettings:
    """The settings that belong to the bundle's weights; see :func:`..bundle_settings.stored_settings`."""
    return stored_settings(HighUptakeSettings, bundle, "high_uptake_settings")


def thresholds_for(bundle: Bundle, settings: HighUptakeSettings) -> tuple[OperatingPoint, HighUptakeSettings]:
    """The operating point of a run, and the settings with its T_R (``least_response``) and T_S (``least_area_px``).

    Raises:
        UsageError: the model has no such operating point, or its number does not lie from 0 to 1.
        BundleError: see :func:`~..operating_points.operating_points`.
    """
    wanted = settings.operating_point
    point = choose_operating_point(bundle, wanted)
    if not wanted and settings.least_response > 0:
        if settings.least_response != point.threshold:
            point = OperatingPoint("chosen response", settings.least_response)
    elif point.name == EVERY_CANDIDATE:
        settings = replace(settings, least_area_px=0)
    return point, replace(settings, least_response=point.threshold)
