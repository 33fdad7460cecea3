"""What a network's map looks like from the front and from the side: kept for pictures, as it is in no file of detections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.imaging.geometry import to_axial

MAP = "map.npz"
"""Beside a patient's detections."""
_LEVELS = 255
_NAMES = ("coronal", "sagittal", "shape_kji", "ijk_to_ras")


@dataclass(frozen=True, eq=False)
class SeenMap:
    """The highest values of a map along both directions, in axial order.

    Attributes:
        coronal: [k, i] in 0 to 1.
        sagittal: [k, j].
        shape_kji, ijk_to_ras: of the map's grid.
    """

    coronal: npt.NDArray[np.float32]
    sagittal: npt.NDArray[np.float32]
    shape_kji: tuple[int, int, int]
    ijk_to_ras: npt.NDArray[np.float64]

    @classmethod
    def of(cls, values: Image) -> SeenMap:
        """Of a map in 0 to 1 on any grid."""
        axial = to_axial(values)
        shown = np.clip(np.asarray(axial.voxels, dtype=np.float32), 0, 1)
        return cls(shown.max(axis=1), shown.max(axis=2), axial.shape_kji, axial.ijk_to_ras)

    def save(self, path: Path) -> None:
        """Write it, in steps of 1/255, whole or not at all. Raises OutputError."""
        coronal, sagittal = (np.round(view * _LEVELS).astype(np.uint8) for view in (self.coronal, self.sagittal))
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                coronal=coronal,
                sagittal=sagittal,
                shape_kji=np.array(self.shape_kji),
                ijk_to_ras=self.ijk_to_ras,
            )

    @classmethod
    def load(cls, path: Path) -> SeenMap | None:
        """What :meth:`save` wrote; None where it is not there or damaged."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                coronal, sagittal, shape, matrix = (kept[name] for name in _NAMES)
        except (OSError, ValueError, KeyError, EOFError):
            return None
        k, j, i = map(int, shape)
        front, side = (view.astype(np.float32) / _LEVELS for view in (coronal, sagittal))
        return cls(front, side, (k, j, i), matrix)
