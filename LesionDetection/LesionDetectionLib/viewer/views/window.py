"""A view's render window: its size, its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from slicer import vtkMRMLLayerDisplayableManager
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData

from .painter import Pixels

_MOST_PIXELS = 1_600_000
"""A view of a dense screen is drawn a little coarser than the screen instead of late."""


class Window:
    """Attributes:
    size: width and height, pixels.
    scale: pixels for each pixel of the page.
    """

    def __init__(self, render_window: Any) -> None:
        self._window = render_window
        self._image = vtkImageData()
        self.size = (0, 0)
        self.scale = 1.0
        self._element = (0.0, 0.0, 1.0)
        self._share = 1.0

    def resize(self, width: float, height: float, ratio: float) -> bool:
        """Take the size of the page's element; whether it is another.

        Args:
            width, height: in pixels of the page.
            ratio: pixels of the screen for each.
        """
        self._element = (width, height, ratio)
        many = width * height * ratio * ratio
        scale = self._share * (ratio if many <= _MOST_PIXELS else ratio * (_MOST_PIXELS / many) ** 0.5)
        size = (max(10, round(width * scale)), max(10, round(height * scale)))
        if size == self.size:
            return False
        self.size, self.scale = size, size[0] / width
        self._window.GetInteractor().UpdateSize(*size)
        return True

    def draw_share(self, share: float) -> bool:
        """Draw this share of the pixels along each side, which the page makes larger; whether that is another than before."""
        if share == self._share:
            return False
        self._share = share
        return self.resize(*self._element)

    def pixels(self) -> Pixels:
        """Draw, and give what was drawn."""
        self._window.Render()
        vtkMRMLLayerDisplayableManager.RenderWindowBufferToImage(self._window, self._image)
        width, height, _depth = self._image.GetDimensions()
        scalars: Any = self._image.GetPointData().GetScalars()
        values: Pixels = vtk_to_numpy(scalars)  # type: ignore[no-untyped-call]
        return np.array(values.reshape(height, width, -1)[::-1, :, :3])

    def xy(self, x: float, y: float) -> tuple[int, int]:
        """The window's pixel under a place of the page, counted from the lower left corner, as VTK does."""
        width, height = self.size
        column, row = int(x * self.scale), int(y * self.scale)
        return min(max(column, 0), width - 1), height - 1 - min(max(row, 0), height - 1)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where the middle of a window's pixel is in the page."""
        return (x + 0.5) / self.scale, (self.size[1] - y - 0.5) / self.scale
