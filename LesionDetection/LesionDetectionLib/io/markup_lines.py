"""Lines that 3D Slicer saved (``.mrk.json``), without Slicer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import InputError

_LARGEST_BYTES = 1 << 24
_TO_RAS = {"RAS": (1.0, 1.0, 1.0), "0": (1.0, 1.0, 1.0), "LPS": (-1.0, -1.0, 1.0), "1": (-1.0, -1.0, 1.0)}
"""By the file's ``coordinateSystem``; old files have numbers."""


def read_line(path: Path) -> npt.NDArray[np.float64]:
    """[2, 3] RAS mm of the ends of the one line in the file.

    Raises:
        InputError: it cannot be read, is no line markup, or the line has not both of its ends.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(f"{path} is too large for a line.")
        content = json.loads(path.read_text(encoding="utf-8"))
        (line,) = (markup for markup in content["markups"] if markup["type"] == "Line")
        signs = _TO_RAS[str(line.get("coordinateSystem", "LPS"))]
        ends = np.array([point["position"] for point in line["controlPoints"]], dtype=np.float64) * signs
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is not one line, as 3D Slicer saves it (.mrk.json, type Line, in RAS or LPS)."
        ) from error
    if ends.shape != (2, 3) or not np.isfinite(ends).all():
        raise InputError(f"The line in {path} has not two ends.")
    return ends
