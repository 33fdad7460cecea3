"""Which part of a slice is worth showing."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

_MARGIN = 8
_BODY_HU = -500.0


def body_part(hu: npt.NDArray[Any], more: npt.NDArray[np.bool_] | None = None) -> tuple[slice, slice]:
    """Rows and columns of a slice, [j, i] in HU, with the patient in it, and a margin.

    Args:
        more: [j, i] what is to be seen, too.
    """
    dense = (hu > _BODY_HU).view(np.uint8)
    _, parts_of, sizes, _ = cv2.connectedComponentsWithStats(dense, connectivity=4)
    body = 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax()) if len(sizes) > 1 else -1  # the table is another part
    shown = parts_of == body
    if more is not None:
        shown |= more
    parts = []
    for axis, size in enumerate(shown.shape):
        used = np.flatnonzero(shown.any(axis=1 - axis))
        first, last = (int(used[0]), int(used[-1])) if used.size else (0, size - 1)
        parts.append(slice(max(0, first - _MARGIN), min(size, last + 1 + _MARGIN)))
    return parts[0], parts[1]
