"""What a click works on: voxels in axial order with positions in mm along their own axes, and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.image import Geometry

FloatArray = npt.NDArray[np.floating[Any]]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class ClickSettings:
    """How to segment from a click.

    Attributes:
        largest_diameter_mm: the search ends at half of this from the centre.
        pet_level: where between background (0) and lesion (1) the border in PET lies. 0.42 to 0.5 is usual: 0.45 gives
            spheres of 20 to 40 mm their volume.
        jump_cost: how dear a step between neighbouring rays is; larger gives rounder lesions.
        leak_cost: how dear it is to include what does not look like the lesion.
        rim_share: share of the directions that must run into hotter tissue before the middle counts as a dead one (PET).
        polar_rays, azimuthal_rays: number of rays from pole to pole and around.
        radial_steps: possible radii on a ray.
        rounds: how often appearance, surface and centre are improved.
    """

    largest_diameter_mm: float = 150.0
    pet_level: float = 0.45
    jump_cost: float = 1.5
    leak_cost: float = 1.0
    rim_share: float = 0.65
    polar_rays: int = 20
    azimuthal_rays: int = 40
    radial_steps: int = 64
    rounds: int = 3


class Volume:
    """Voxels in axial order with positions in mm along their own axes.

    Attributes:
        voxels: [k, j, i].
        spacing_mm: (i, j, k).
        in_plane_mm: the larger of the first two.
    """

    def __init__(self, voxels: npt.NDArray[Any], geometry: Geometry) -> None:
        self.voxels = voxels
        self.spacing_mm = np.array(geometry.spacing_mm)
        self.in_plane_mm = float(self.spacing_mm[:2].max())
        # QR: an orthonormal frame that turns with the image; the rest holds spacing (and shear, of a tilted gantry).
        rest = np.linalg.qr(geometry.ijk_to_ras[:3, :3])[1]
        self._mm_from_ijk = rest * np.sign(np.diag(rest))[:, None]
        self._ijk_from_mm = np.linalg.inv(self._mm_from_ijk)

    @property
    def edge_mm(self) -> float:
        """How far from a border voxels are mixed."""
        return max(0.6, 0.7 * self.in_plane_mm)

    @property
    def is_flat(self) -> bool:
        return len(self.voxels) == 1

    def ijk(self, center_ijk: FloatArray, offsets_mm: FloatArray) -> FloatArray:
        """Continuous indices, [..., 3], of offsets in mm from a centre, [..., 3]."""
        return np.asarray(offsets_mm @ self._ijk_from_mm.T + center_ijk)

    def mm(self, steps_ijk: FloatArray) -> FloatArray:
        """Offsets in mm, [..., 3], of steps in index space, [..., 3]: the inverse of :meth:`ijk`."""
        return np.asarray(steps_ijk @ self._mm_from_ijk.T)

    def sample(self, ijk: FloatArray) -> FloatArray:
        """Linearly interpolated values, [...], at continuous indices [..., 3]; the nearest voxel's beyond the edge."""
        coordinates = ijk[..., ::-1].reshape(-1, 3).T  # SciPy takes no single point
        values = ndimage.map_coordinates(self.voxels, coordinates, output=np.float32, order=1, mode="nearest")
        return np.asarray(values.reshape(ijk.shape[:-1]))

    def box(self, center_ijk: FloatArray, radius_mm: float) -> Box:
        """The part of the image within ``radius_mm`` of a centre; at least one voxel."""
        reach = radius_mm * np.linalg.norm(self._ijk_from_mm, axis=1)
        size = np.array(self.voxels.shape[::-1])
        low = np.clip(np.floor(center_ijk - reach).astype(int), 0, size - 1)
        high = np.clip(np.ceil(center_ijk + reach).astype(int) + 1, low + 1, size)
        k, j, i = (slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))
        return k, j, i

    def offsets_mm(self, box: Box, center_ijk: FloatArray) -> FloatArray:
        """[k, j, i, 3] mm of the voxels of a box from a centre."""
        k, j, i = np.meshgrid(*[np.arange(part.start, part.stop, dtype=np.float32) for part in box], indexing="ij")
        ijk = np.stack([i, j, k], axis=-1) - center_ijk.astype(np.float32)
        return np.asarray(ijk @ self._mm_from_ijk.T.astype(np.float32))
