"""DeepLesion's slices: PNG with 16 bits a pixel, HU = value - 32768."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .deeplesion_rows import KeySlice

ZERO_HU = 32768
"""The stored value that means 0 HU."""
_PNG_END = b"IEND"


def read_slice(path: Path, key: KeySlice) -> npt.NDArray[np.float32]:
    """One slice in HU. Raises InputError."""
    import cv2

    pixels: npt.NDArray[Any] | None = None
    try:
        content = path.read_bytes()  # OpenCV opens no paths with letters beyond ASCII on Windows
        # It gives what there is of a file that is cut off, and the rest black.
        if _PNG_END in content[-16:]:
            pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except cv2.error:
        pixels = None
    if pixels is None:
        raise InputError(f"{path} is no PNG image: it is damaged or cut off. Download it again.")
    if pixels.ndim != 2 or pixels.dtype != np.uint16:
        raise InputError(
            f"{path} has {8 * pixels.itemsize} bits in {pixels.ndim} dimensions; DeepLesion has 16 bits of grey."
        )
    if key.size != (0, 0) and pixels.shape != key.size[::-1]:
        raise InputError(
            f"{path} has {pixels.shape[1]} x {pixels.shape[0]} pixels, and the list says {key.size[0]} x {key.size[1]}."
        )
    return pixels.astype(np.float32) - ZERO_HU
