"""A scan on a coarse grid whose axes run along the patient's: what two scans are aligned on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, PET, FloatArray, Image

from .geometry import resample, to_axial

_WINDOW = {CT: (-1000.0, 300.0), PET: (0.0, 6.0)}
"""Values are cut to this: contrast agent, metal and bladder would otherwise decide alone."""
_BODY_ABOVE = {CT: -400.0, PET: 0.2}
_LEAST_VOXELS = 4
"""In each direction: ITK takes no fewer."""


@dataclass(frozen=True, eq=False)
class CoarseGrid:
    """A scan on a straight grid: i, j, k run along R, A, S.

    Attributes:
        values: [k, j, i] in 0 to 1, 0 outside of the body.
        seen: [k, j, i] where the scan has values.
        body: [k, j, i].
        step_mm: spacing.
        origin_mm: [3] RAS mm of the first voxel's centre.
    """

    values: npt.NDArray[np.float32]
    seen: npt.NDArray[np.bool_]
    body: npt.NDArray[np.bool_]
    step_mm: float
    origin_mm: FloatArray

    @classmethod
    def of(cls, image: Image, modality: str, step_mm: float) -> CoarseGrid:
        """Raises InputError where the image is too thin to align by, or there is no body in it."""
        coarse = resample(to_axial(image), (step_mm, step_mm, step_mm))
        ends = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in coarse.shape_kji[::-1]])).reshape(3, -1).T
        corners = coarse.geometry.ras_from_ijk(ends)
        origin = corners.min(axis=0) + step_mm / 2
        size = np.maximum(1, np.ceil((corners.max(axis=0) - corners.min(axis=0)) / step_mm).astype(int))
        if size.min() < _LEAST_VOXELS:
            raise InputError(
                f"“{image.name}” is too thin to be aligned by ({(corners.max(axis=0) - corners.min(axis=0)).min():.0f} mm). "
                "Give the alignment, or compare without one."
            )
        straight = np.diag([step_mm, step_mm, step_mm, 1.0])
        straight[:3, 3] = origin
        move = coarse.geometry.ras_to_ijk @ straight
        places = np.moveaxis(np.indices(tuple(int(n) for n in size[::-1]), dtype=np.float64), 0, -1)[..., ::-1]
        indices = places @ move[:3, :3].T + move[:3, 3]
        raw = ndimage.map_coordinates(
            np.asarray(coarse.voxels, dtype=np.float32), np.moveaxis(indices[..., ::-1], -1, 0), order=1, mode="nearest"
        )
        # To the voxels' edges: a scan of one slice has values, too.
        inside = (indices >= -0.5) & (indices <= np.array(coarse.shape_kji[::-1]) - 0.5)
        seen = np.isfinite(raw) & inside.all(axis=-1)
        low, high = _WINDOW.get(modality) or _percentiles(raw[seen])
        values = np.clip((np.where(seen, raw, low) - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
        body = _body(values > (_BODY_ABOVE[modality] - low) / (high - low) if modality in _BODY_ABOVE else values > 0.1)
        if not body.any():
            raise InputError(f"No body was found in “{image.name}”, so that it cannot be aligned. Compare without.")
        return cls(np.where(body, values, 0).astype(np.float32), seen, body, step_mm, origin)

    def places_mm(self, mask: npt.NDArray[np.bool_]) -> FloatArray:
        """[N, 3] RAS mm of the voxels of a mask."""
        return np.asarray(np.argwhere(mask)[:, ::-1] * self.step_mm + self.origin_mm)

    def at(self, array: npt.NDArray[Any], places_mm: FloatArray) -> FloatArray:
        """[N] what an array of this grid has at places, [N, 3] RAS mm; 0 outside."""
        indices = (places_mm - self.origin_mm) / self.step_mm
        return np.asarray(ndimage.map_coordinates(array.astype(np.float32), indices.T[::-1], order=1, mode="constant"))

    def as_itk(self, sitk: Any, array: npt.NDArray[Any]) -> Any:
        """For SimpleITK, whose frame does not matter: places stay RAS."""
        image = sitk.GetImageFromArray(array)
        image.SetSpacing([self.step_mm] * 3)
        image.SetOrigin(self.origin_mm.tolist())
        return image


def _percentiles(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    low, high = np.percentile(values, (1, 99)) if values.size else (0.0, 1.0)
    return float(low), float(high)


def _body(above: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest part, its holes (lungs) filled slice by slice; the table, which is thin, is cut off."""
    # Slice by slice: a scan of a few slices would not survive an opening along them.
    cross = ndimage.generate_binary_structure(2, 1)[None]
    labels, count = ndimage.label(ndimage.binary_opening(above, cross))
    if count == 0:
        return np.zeros_like(above)
    body = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return np.stack([ndimage.binary_fill_holes(plane) for plane in body])
