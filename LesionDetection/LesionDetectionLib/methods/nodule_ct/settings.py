"""What can be set for a run of ``nodule-ct``; a bundle stores those that belong to its weights."""

from __future__ import annotations

from dataclasses import dataclass

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Point

from ..bundle_settings import stored_settings
from ..region import check_region


@dataclass(frozen=True)
class NoduleSettings:
    """Choices that the paper leaves open, and limits.

    Attributes:
        spacing_mm: working voxel size (i, j, k). The paper used the scans' own; one size makes a model fit every scan.
            At 0.75 x 0.75 x 1.25 mm the screening window covers 22 x 22 x 12 mm, the second 45 x 45 x 30 mm.
        window_hu: Hounsfield units that become 0 and 1; values beyond are clipped.
        candidate_threshold: least screening probability of a candidate (section 3: 0.85).
        candidate_distance_mm: non-maximum suppression: of candidates nearer than this the most probable stays.
        most_candidates: at most this many, the most probable, go to the second stage.
        lesion_distance_mm: of final lesions whose centres are nearer than this, or than the larger one's radius, the
            most probable stays.
        region_ras_mm: look for centres only in this box, axis-aligned in RAS mm (lowest and highest corner); None for
            everywhere. Candidates are the ones of the whole scan that lie in it.
        lungs_only: look only inside the lungs, grown by ``lung_margin_mm``.
        closing_mm: radius of the ball that rolls over the lung mask: dents that it cannot enter, such as those of pleural
            nodules and vessels, count as lung.
        lung_margin_mm: so far outside the lung mask a nodule's centre may lie (pleural nodules are cut off by the mask).
        thick_slices_mm: a scan with thicker slices than this gets a warning.
        most_lesions: at most this many, the highest scores, are reported.
        measure: outline and measure each lesion that is reported.
        operating_point: which lesions are reported: a name that the model gives, a least score as text, or empty for the
            model's default.
    """

    spacing_mm: tuple[float, float, float] = (0.75, 0.75, 1.25)
    window_hu: tuple[float, float] = (-1000.0, 400.0)
    candidate_threshold: float = 0.85
    candidate_distance_mm: float = 5.0
    most_candidates: int = 400
    lesion_distance_mm: float = 5.0
    region_ras_mm: tuple[Point, Point] | None = None
    lungs_only: bool = True
    closing_mm: float = 12.0
    lung_margin_mm: float = 5.0
    thick_slices_mm: float = 3.0
    most_lesions: int = 100
    measure: bool = True
    operating_point: str = ""

    def __post_init__(self) -> None:
        if not all(0.1 <= mm <= 10 for mm in self.spacing_mm):
            raise UsageError(f"The working voxel size {self.spacing_mm} mm is not between 0.1 and 10 mm.")
        if not self.window_hu[0] < self.window_hu[1]:
            raise UsageError(f"The window {self.window_hu} HU does not rise.")
        if not 0 <= self.candidate_threshold <= 1:
            raise UsageError(f"The candidate threshold is a probability from 0 to 1, not {self.candidate_threshold:g}.")
        if min(self.closing_mm, self.lung_margin_mm, self.candidate_distance_mm, self.lesion_distance_mm) < 0:
            raise UsageError("Distances in millimetres cannot be negative.")
        if min(self.most_candidates, self.most_lesions) < 1:
            raise UsageError("At least one candidate and one lesion must be allowed.")
        check_region(self.region_ras_mm)


def settings_for(bundle: Bundle | None) -> NoduleSettings:
    """The settings that belong to the bundle's weights; see :func:`..bundle_settings.stored_settings`."""
    return stored_settings(NoduleSettings, bundle, "nodule_settings")
