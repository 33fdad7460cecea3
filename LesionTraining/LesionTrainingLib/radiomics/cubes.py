"""What 3D-RPET-Net sees of a patient: a cube around the tumour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.core.lesion import Mask

from .features import require_measurable
from .settings import RpetSettings

FloatArray = npt.NDArray[np.float32]
_LEAST_HU, _HU_RANGE = -1000.0, 2000.0


@dataclass(frozen=True, eq=False)
class Cubes:
    """Cubes of patients. n = patients, s = side.

    Attributes:
        patients: each once.
        values: [n, s, s, s] float32 in [0, 1].
    """

    patients: tuple[str, ...]
    values: FloatArray

    def of(self, patients: Sequence[str]) -> Cubes:
        """Only these patients, in this order."""
        places = {patient: place for place, patient in enumerate(self.patients)}
        return Cubes(tuple(patients), self.values[[places[patient] for patient in patients]])


def cube_of(image: Image, mask: npt.NDArray[np.bool_], settings: RpetSettings) -> FloatArray:
    """[s, s, s] float32 in [0, 1], axes to superior, anterior, right, its middle at the lesion's centroid.

    Sampled linearly; what lies outside the image is its lowest value. Where ``settings.masked``, a voxel counts by how much of the
    mask, sampled in the same way, lies there.

    Args:
        image: PET in SUV, or CT in HU.
        mask: [k, j, i] on its grid.

    Raises:
        InputError: an empty mask, or one of another shape, or values that are not numbers.
        ModalityError: neither PET in SUV nor CT in HU.
    """
    from scipy.ndimage import map_coordinates

    if mask.shape != image.shape_kji:
        raise InputError(f"A mask of {mask.shape} voxels does not fit “{image.name}” with {image.shape_kji}.")
    middle = np.array(Mask.from_full(mask).centroid_ras_mm(image.geometry))
    steps = (np.arange(settings.side) - (settings.side - 1) / 2) * settings.spacing_mm
    z, y, x = np.meshgrid(steps, steps, steps, indexing="ij")
    kji = image.geometry.ijk_from_ras(np.stack([x, y, z], axis=-1) + middle)[..., ::-1]
    low = np.maximum(0, np.floor(kji.reshape(-1, 3).min(axis=0)).astype(int))
    high = np.minimum(image.shape_kji, np.ceil(kji.reshape(-1, 3).max(axis=0)).astype(int) + 1)
    box = tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))
    places = np.moveaxis(kji - low, -1, 0)
    values = _in_range(image.voxels[box].astype(np.float32), require_measurable(image) == CT, settings.most_suv)
    if not np.isfinite(values).all():
        raise InputError(f"“{image.name}” has voxels at the lesion that are not numbers (NaN or infinite).")
    cube = map_coordinates(values, places, order=1, cval=0.0)
    if settings.masked:
        cube = cube * map_coordinates(mask[box].astype(np.float32), places, order=1, cval=0.0)
    return np.ascontiguousarray(cube, dtype=np.float32)


def _in_range(values: FloatArray, is_ct: bool, most_suv: float) -> FloatArray:
    scaled = (values - _LEAST_HU) / _HU_RANGE if is_ct else values / most_suv
    return np.clip(scaled, 0.0, 1.0, out=scaled)
