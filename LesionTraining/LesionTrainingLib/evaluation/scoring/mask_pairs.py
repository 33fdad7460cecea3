"""How well the outline of a mark agrees with that of the lesion it found."""

from __future__ import annotations

from dataclasses import dataclass, field

from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask

from ..matching.drawing import crop_of, moved
from ..matching.findings import ImageFindings
from ..metrics.dice import overlap
from ..metrics.surface import surface_distances

PERCENT = 95.0
"""Of the Hausdorff distance: the largest distance itself hangs on a single voxel."""


@dataclass(frozen=True)
class MaskAgreement:
    """One mark's mask against one lesion's.

    Attributes:
        true_ml, marked_ml: their volumes.
        dice: of their voxels.
        surface_mm: mean distance of both surfaces.
        hausdorff_95_mm: the distance that 95 % of either surface keep to.
    """

    true_ml: float
    marked_ml: float
    dice: float
    surface_mm: float
    hausdorff_95_mm: float

    @property
    def volume_error_ml(self) -> float:
        """Marked minus true."""
        return self.marked_ml - self.true_ml

    @property
    def volume_error_percent(self) -> float:
        """The same of the true volume."""
        return 100 * self.volume_error_ml / self.true_ml


def mask_agreement(lesion: Mask, mark: Mask, geometry: Geometry) -> MaskAgreement:
    """Compare two masks on the grid of ``geometry``; see :mod:`..metrics.dice` and :mod:`..metrics.surface`."""
    shape, start = crop_of([lesion, mark])
    true, marked = (moved(mask, start).full(shape) for mask in (lesion, mark))
    counts = overlap(true, marked)
    distances = surface_distances(true, marked, geometry.spacing_mm[::-1])
    voxel_ml = geometry.voxel_volume_mm3 / 1000
    return MaskAgreement(
        counts.first * voxel_ml,
        counts.second * voxel_ml,
        counts.dice,
        distances.mean_mm,
        distances.percentile_mm(PERCENT),
    )


@dataclass(frozen=True, eq=False)
class MaskPairs:
    """Pairs of masks that were compared already; a mask is the same only where it is the same object."""

    known: dict[tuple[Mask, Mask, Geometry], MaskAgreement] = field(default_factory=dict)

    def agreement(self, image: ImageFindings, lesion: int, mark: int) -> MaskAgreement | None:
        """Of a lesion and a mark of one image; None where one has no mask, or their grid is not known."""
        if image.geometry is None or not image.truth.masks or not image.marks.masks:
            return None
        true, marked = image.truth.masks[lesion], image.marks.masks[mark]
        if true is None or marked is None:
            return None
        key = (true, marked, image.geometry)
        if key not in self.known:
            self.known[key] = mask_agreement(*key)
        return self.known[key]
