"""The lesions' surfaces in 3D, in their colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from scipy.ndimage import gaussian_filter
from vtkmodules.util.numpy_support import numpy_to_vtk

from LesionDetectionLib.core.finding import Finding, Findings
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.io.display import lesion_color

_SMOOTH = 0.7
"""Standard deviation, voxels: stairs of a mask are no shape of a lesion."""
_MOST_VOXELS = 2_000_000
"""Of one mask; of a larger one every second voxel or fewer is taken."""
_LIT, _LIT_CURRENT = 0.25, 0.6
"""Light that a surface has of itself."""


class SpaceLesions:
    """Adds them to a renderer: a surface is made once a mask. Slicer would make all anew with each change, and keep them in the
    scene.

    Args:
        renderer: of the 3D view.
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self._made: dict[str, tuple[Mask, Any]] = {}

    @property
    def shown(self) -> tuple[str, ...]:
        """Ids of the findings whose surfaces are drawn."""
        return tuple(self._made)

    def show(self, findings: Findings | None, current: str) -> None:
        """Show the surfaces of what is drawn of these findings, and of nothing else; None for none.

        Args:
            current: id of the finding that is looked at.
        """
        items = {item.id: item for item in findings.drawn if item.lesion.mask is not None} if findings else {}
        for name in [
            name for name in self._made if name not in items or items[name].lesion.mask is not self._made[name][0]
        ]:
            self._renderer.RemoveActor(self._made.pop(name)[1])
        for name, item in items.items():
            assert findings is not None
            actor = self._actor(item, findings.run.geometry)
            actor.GetProperty().SetAmbient(_LIT_CURRENT if name == current else _LIT)

    def _actor(self, item: Finding, geometry: Geometry) -> Any:
        if item.id in self._made:
            return self._made[item.id][1]
        mask = item.lesion.mask
        assert mask is not None
        actor = vtk.vtkActor()
        mapper = vtk.vtkPolyDataMapper()
        mapper.SetInputData(_surface(mask, geometry))
        mapper.ScalarVisibilityOff()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*lesion_color(item.number))
        actor.GetProperty().SetDiffuse(0.8)
        self._renderer.AddActor(actor)
        self._made[item.id] = (mask, actor)
        return actor


def _surface(mask: Mask, geometry: Geometry) -> Any:
    """The surface of a mask, in RAS mm."""
    step = 1 + int((mask.voxels.size / _MOST_VOXELS) ** (1 / 3))
    voxels = np.pad(mask.voxels[::step, ::step, ::step].astype(np.float32), 2)
    smooth = gaussian_filter(voxels, _SMOOTH)
    # A lesion of a voxel or two must not be smoothed away.
    level = min(0.5, float(smooth.max()) / 2)
    data = vtk.vtkImageData()
    data.SetDimensions(*voxels.shape[::-1])
    scalars: Any = numpy_to_vtk(np.ravel(smooth), deep=True)  # type: ignore[no-untyped-call]
    data.GetPointData().SetScalars(scalars)
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(data)
    contour.SetValue(0, level)
    contour.ComputeNormalsOff()
    matrix = np.array(geometry.ijk_to_ras, dtype=float)
    matrix[:3, 3] = geometry.ras_from_ijk(np.array(mask.start_ijk, dtype=float) - 2 * step)
    matrix[:3, :3] *= step
    transform = vtk.vtkTransform()
    transform.SetMatrix([float(value) for value in matrix.ravel()])
    moved = vtk.vtkTransformPolyDataFilter()
    moved.SetTransform(transform)
    moved.SetInputConnection(contour.GetOutputPort())
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(moved.GetOutputPort())
    normals.SplittingOff()
    normals.AutoOrientNormalsOn()
    normals.Update()
    return normals.GetOutput()
