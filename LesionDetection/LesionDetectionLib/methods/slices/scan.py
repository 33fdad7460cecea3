"""One scan on its way through a detector of slices: which slices are looked at, what comes of their boxes, what is told of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.image import CT, HU, Image, require_usable
from LesionDetectionLib.imaging.boxes import require_box_in
from LesionDetectionLib.imaging.geometry import to_axial

from ..region import region_note
from ..scan_notes import UNLIKE, told_range, unlike, unsaid_kind
from .findings import SliceFindings, reached_slices, slice_stride, slices_to_look_at
from .lesions import Found, linked, unlinked
from .preprocessing import Placing
from .settings import SliceSettings

SQUARE = 1.05
"""By this factor a pixel may be longer than wide."""


@dataclass(frozen=True, eq=False)
class SliceScan:
    """Attributes:
    given: as it was given.
    image: the same, said to be a CT.
    axial: the same in axial order.
    slices: to look at, of the axial image.
    linked: whether boxes of slices are linked; if not, there is one slice.
    """

    given: Image
    image: Image
    axial: Image
    slices: Sequence[int]
    linked: bool

    @classmethod
    def of(cls, image: Image, settings: SliceSettings) -> SliceScan:
        """Raises InputError where the image cannot be used, or the region lies outside of it."""
        require_usable(image, modality=CT, unit=HU, for_what="looking for lesions")
        if settings.region_ras_mm is not None:
            require_box_in(image, settings.region_ras_mm)
        # Unknown to NRRD and NIfTI files; it looks like a CT.
        as_ct = replace(image, modality=CT, unit=HU)
        axial = to_axial(as_ct)
        slices = slices_to_look_at(axial.geometry, settings)
        return cls(image, as_ct, axial, slices, not settings.looks_at_middle(axial.shape_kji[0]))

    def only(self, k: int) -> SliceScan:
        """The same with one slice to look at, each box of which is a lesion."""
        return replace(self, slices=[k], linked=False)

    def within(self, settings: SliceSettings) -> list[int]:
        """Those of the slices that lie in the region, where there is one, and not only near it."""
        return [k for k in self.slices if k in reached_slices(self.axial.geometry, settings, beyond_mm=0.0)]

    def placing(self, settings: SliceSettings) -> Placing:
        """Of each slice in the network's input."""
        _, height, width = self.axial.shape_kji
        return Placing.of((height, width), settings.size_px)

    def candidates(self, found: Sequence[SliceFindings], settings: SliceSettings, threshold: float) -> list[Found]:
        """All lesions that score ``threshold`` or more, the best first; in the region where there is one."""
        if self.linked:
            stride = slice_stride(self.axial.geometry, settings)
            every = linked(found, settings, stride, self.axial.shape_kji[0] - 1)
        else:
            every = [one for findings in found for one in unlinked(findings)]
        passed = [one for one in every if one.score >= threshold]
        if settings.region_ras_mm is None:
            return passed
        low, high = settings.region_ras_mm
        grid = self.axial.geometry
        return [one for one in passed if np.all((low <= (at := grid.ras_from_ijk(one.center_ijk()))) & (at <= high))]

    def warnings(self, bundle: Bundle, settings: SliceSettings, found: int) -> list[str]:
        """Sentences on the model, the scan, and what was not looked at.

        Args:
            found: lesions, those included that are too many to be reported.
        """
        warnings = [*bundle.warnings(), *self.given.notes, *self._grid_warnings(settings)]
        warnings += unsaid_kind(self.given, CT, HU)
        if not self.linked and self.axial.shape_kji[0] > 1:
            count, name = self.axial.shape_kji[0], self.given.name
            which = "the middle one" if self.slices[0] == count // 2 else f"slice {self.slices[0] + 1}, from the feet,"
            warnings.append(f"Only {which} of the {count} slices of “{name}” was looked at.")
        if settings.region_ras_mm is not None:
            warnings.append(region_note(settings.region_ras_mm, "Lesions"))
        if found > settings.most_lesions:
            warnings.append(f"Only the {settings.most_lesions} highest scores of {found} findings are shown.")
        return warnings

    def _grid_warnings(self, settings: SliceSettings) -> list[str]:
        """What is unlike the images that the model learned from."""
        name, warnings = self.given.name, []
        x, y, slices = self.axial.spacing_mm
        if settings.slices_mm[1] > 0 and slices > settings.slices_mm[1] * UNLIKE:
            warnings.append(
                f"The slices of “{name}” are {slices:.1f} mm apart; the model learned from {told_range(settings.slices_mm)} mm. "
                "It may miss or mark anything, and sizes are rough."
            )
        if max(x, y) > SQUARE * min(x, y):
            warnings.append(
                f"The pixels of “{name}” are {x:.2f} mm wide and {y:.2f} mm high; the model learned from square ones. "
                "It may miss or mark anything."
            )
        pixels = max(x, y) / max(self.placing(settings).scale_xy)
        if unlike(pixels, settings.pixels_mm):
            warnings.append(
                f"As the model sees them, pixels of “{name}” are {pixels:.2f} mm wide; it learned from "
                f"{told_range(settings.pixels_mm)} mm. It may miss or mark anything."
            )
        return warnings
