"""The scan around the lesions in 3D: a small copy that is seen through, so that it is drawn in time without a GPU."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import vtk
from vtkmodules.util.numpy_support import numpy_to_vtk

from LesionDetectionLib.core.image import PET, Image

_MOST_SIDE = 128
"""Voxels along the longest side of the copy."""
_CT_POINTS = (
    # HU, opacity, red, green, blue: lungs and skin a breath, bones a little more.
    (-1000, 0.0, 0.5, 0.65, 0.85),
    (-800, 0.0, 0.5, 0.65, 0.85),
    (-650, 0.02, 0.5, 0.65, 0.85),
    (-420, 0.02, 0.65, 0.72, 0.85),
    (-300, 0.0, 0.8, 0.6, 0.5),
    (160, 0.0, 0.9, 0.75, 0.62),
    (280, 0.12, 1.0, 0.93, 0.8),
    (900, 0.45, 1.0, 0.98, 0.92),
)
_DENSEST = 0.9
"""Opacity of a PET's highest shown value in its projection."""

Values = npt.NDArray[np.float32]


def reduced(
    voxels: npt.NDArray[Any], most: bool, side: int = _MOST_SIDE
) -> tuple[npt.NDArray[np.float32], np.ndarray[Any, Any]]:
    """A copy of at most ``side`` voxels along each axis, and how many voxels went into one of it along i, j and k.

    Args:
        voxels: [k, j, i]; what is no number counts as the least value.
        most: take the highest of the values that become one, as a projection needs; else their mean.
    """
    steps_kji = [max(1, -(-n // side)) for n in voxels.shape]
    step_k, step_j, step_i = steps_kji
    nk, nj, ni = (-(-n // step) for n, step in zip(voxels.shape, steps_kji, strict=True))
    small = np.empty((nk, nj, ni), dtype=np.float32)
    for k in range(nk):
        block = np.asarray(voxels[k * step_k : (k + 1) * step_k], dtype=np.float32)
        plane = np.nan_to_num(block.max(axis=0) if most else block.mean(axis=0), nan=0.0, posinf=0.0, neginf=0.0)
        small[k] = (
            _highest(plane, step_j, step_i) if most else cv2.resize(plane, (ni, nj), interpolation=cv2.INTER_AREA)
        )
    return small, np.array([step_i, step_j, step_k], dtype=float)


def _highest(plane: Values, step_j: int, step_i: int) -> Values:
    rows = np.maximum.reduceat(plane, np.arange(0, plane.shape[0], step_j), axis=0)
    return np.asarray(np.maximum.reduceat(rows, np.arange(0, plane.shape[1], step_i), axis=1))


class SpaceScan:
    """The copy of one image, as something that a renderer draws.

    Args:
        image: CT or PET.
        copy: of :func:`reduced`.
        most: value of a PET that is drawn brightest.
    """

    def __init__(self, image: Image, copy: tuple[Values, np.ndarray[Any, Any]], most: float) -> None:
        values, steps = copy
        self._mapper = vtk.vtkFixedPointVolumeRayCastMapper()
        self._mapper.SetInputData(_image_data(values, image, steps))
        self._mapper.SetAutoAdjustSampleDistances(False)
        self._mapper.SetMaximumImageSampleDistance(8.0)
        self.volume = vtk.vtkVolume()
        self.volume.SetMapper(self._mapper)
        self.volume.SetUserMatrix(_turn(image, steps))
        looks = self.volume.GetProperty()
        looks.SetInterpolationTypeToLinear()
        if image.modality == PET:
            self._mapper.SetBlendModeToMaximumIntensity()
            _pet_looks(looks, most)
        else:
            _ct_looks(looks)

    def set_coarseness(self, pixels: float) -> None:
        """Cast one ray for so many pixels along each side of the picture."""
        self._mapper.SetImageSampleDistance(min(max(pixels, 1.0), 8.0))


def _ct_looks(looks: Any) -> None:
    opacity, color = vtk.vtkPiecewiseFunction(), vtk.vtkColorTransferFunction()
    for value, alpha, red, green, blue in _CT_POINTS:
        opacity.AddPoint(value, alpha)
        color.AddRGBPoint(value, red, green, blue)
    looks.SetScalarOpacity(opacity)
    looks.SetColor(color)
    looks.ShadeOn()
    looks.SetAmbient(0.5)
    looks.SetDiffuse(0.9)
    looks.SetSpecular(0.1)


def _pet_looks(looks: Any, most: float) -> None:
    opacity, color = vtk.vtkPiecewiseFunction(), vtk.vtkColorTransferFunction()
    opacity.AddPoint(0.0, 0.0)
    opacity.AddPoint(most, _DENSEST)
    color.AddRGBPoint(0.0, 0.0, 0.0, 0.0)
    color.AddRGBPoint(most, 1.0, 1.0, 1.0)
    looks.SetScalarOpacity(opacity)
    looks.SetColor(color)
    looks.ShadeOff()


def _image_data(values: Values, image: Image, steps: np.ndarray[Any, Any]) -> Any:
    data = vtk.vtkImageData()
    data.SetDimensions(*values.shape[::-1])
    data.SetSpacing(*(np.asarray(image.spacing_mm) * steps))
    scalars: Any = numpy_to_vtk(np.ravel(values), deep=True)  # type: ignore[no-untyped-call]
    data.GetPointData().SetScalars(scalars)
    return data


def _turn(image: Image, steps: np.ndarray[Any, Any]) -> Any:
    """From the copy's millimetres to RAS mm."""
    to_ras = np.asarray(image.ijk_to_ras, dtype=float)
    matrix = np.eye(4)
    matrix[:3, :3] = to_ras[:3, :3] / np.asarray(image.spacing_mm)
    # The middle of the first voxel of the copy lies between those that became it.
    matrix[:3, 3] = to_ras[:3, :3] @ ((steps - 1) / 2) + to_ras[:3, 3]
    turned = vtk.vtkMatrix4x4()
    for row in range(4):
        for column in range(4):
            turned.SetElement(row, column, float(matrix[row, column]))
    return turned
