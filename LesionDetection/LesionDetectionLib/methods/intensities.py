"""Voxel values as networks take them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def scaled(hu: npt.NDArray[np.floating | np.integer], window_hu: tuple[float, float]) -> npt.NDArray[np.float32]:
    """Hounsfield units as the networks take them: the window becomes 0 to 1, what lies beyond is clipped."""
    low, high = window_hu
    unit: npt.NDArray[np.float32] = np.subtract(hu, np.float32(low), dtype=np.float32)
    unit *= np.float32(1 / (high - low))  # in place: a whole chest on the working grid has 130 MB
    return np.clip(unit, 0, 1, out=unit)
