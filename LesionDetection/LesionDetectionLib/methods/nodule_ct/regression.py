"""Position and size as numbers a network can learn (Eq. 2), and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def encode(
    center_xyz_mm: FloatArray, diameter_mm: FloatArray, at_xyz_mm: FloatArray, patch_xyz_mm: FloatArray
) -> FloatArray:
    """Regression targets, [n, 4], of nodules seen from candidate positions.

    Args:
        center_xyz_mm: [n, 3] nodule centres; any one frame whose axes are the patch's.
        diameter_mm: [n] nodule diameters.
        at_xyz_mm: [n, 3] candidate positions, the centres of the patches, in the same frame.
        patch_xyz_mm: [3] size of the patch.

    Returns:
        Displacement over half the patch for x, y, z; log of the diameter over the patch's diagonal.
    """
    displacement = 2 * (center_xyz_mm - at_xyz_mm) / patch_xyz_mm
    size = np.log(np.asarray(diameter_mm) / np.linalg.norm(patch_xyz_mm))
    return np.concatenate([displacement, size[:, None]], axis=1)


def decode(targets: FloatArray, at_xyz_mm: FloatArray, patch_xyz_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centres, [n, 3] mm, and diameters, [n] mm: the inverse of :func:`encode`."""
    centers = at_xyz_mm + targets[:, :3] * patch_xyz_mm / 2
    return centers, np.exp(targets[:, 3]) * float(np.linalg.norm(patch_xyz_mm))
