"""What ``make_pictures.py`` takes of panels and slice views, on the strict double of Slicer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH = 470
VIEW = 360
COLORS = 256
OUTLINE = (230, 60, 40)
PATIENCE_S = 900


@contextmanager
def a_slicer(lists: Path) -> Iterator[Any]:
    """The double, as a person uses it, with folders of its own for models and settings."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import pytest
    from slicer_double import api
    from slicer_double.slicer_app import running

    with tempfile.TemporaryDirectory() as folder:
        patch = pytest.MonkeyPatch()
        patch.chdir(folder)
        patch.setenv("LESION_MODELS", "SlicerLesionDetection/Models")  # as it is shown: no folder of this computer
        try:
            with running(api.load(lists), Path(folder), patch) as app:
                app.testing = False
                yield app
        finally:
            patch.undo()


def take(app: Any, widget: Any, path: Path, only: Any = None, height: int = 2400, dark: bool = False) -> None:
    """Draw a module's panel, or one part of it, cut off what is empty, and keep it small."""
    from PySide6 import QtCore
    from slicer_double.values import to_real

    app.picture(widget, path, (WIDTH, height), dark=dark)
    picture = Image.open(path).convert("RGB")
    if only is not None:
        part, top = to_real(only), to_real(widget.parent)
        corner = part.mapTo(top, QtCore.QPoint(0, 0))
        picture = picture.crop((corner.x(), corner.y(), corner.x() + part.width(), corner.y() + part.height()))
    pixels = np.asarray(picture, dtype=np.int16)
    drawn = np.flatnonzero((np.abs(pixels - pixels[-1, -1]).max(axis=2) > 8).any(axis=1))
    picture = picture.crop((0, max(int(drawn[0]) - 8, 0), picture.width, min(int(drawn[-1]) + 10, picture.height)))
    picture.quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {picture.width} x {picture.height}, {path.stat().st_size / 1000:.0f} kB", flush=True)


def slice_view(name: str, place: Any, middle: Any, millimetres: float, background: Any = None) -> Image.Image:
    """What a slice view blends of its layers at a place, by Slicer's own slice logic: without outlines and marks, as the double
    has no graphics.

    Args:
        place, middle: RAS mm; the slice goes through the first, the picture's middle lies at the second within it.
        millimetres: width and height of what is shown.
        background: volume to show there first.
    """
    import slicer
    from vtk.util.numpy_support import vtk_to_numpy

    if background is not None:
        slicer.util.setSliceViewerLayers(background=background)
    view = slicer.app.layoutManager().sliceWidget(name)
    node, logic = view.mrmlSliceNode(), view.sliceLogic()
    node.SetDimensions(VIEW, VIEW, 1)
    node.SetFieldOfView(millimetres, millimetres, 1)
    node.JumpSliceByCentering(*(float(n) for n in middle))
    node.JumpSliceByOffsetting(*(float(n) for n in place))
    logic.UpdatePipeline()
    producer = logic.GetImageDataConnection().GetProducer()
    producer.Update()
    data = producer.GetOutputDataObject(0)
    width, height, _one = data.GetDimensions()
    pixels = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(height, width, -1)
    return Image.fromarray(np.ascontiguousarray(pixels[::-1, :, :3]))


def save_side_by_side(pictures: list[Image.Image], path: Path, gap: int = 8) -> None:
    width = sum(one.width for one in pictures) + gap * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(one.height for one in pictures)), "white")
    x = 0
    for picture in pictures:
        sheet.paste(picture, (x, 0))
        x += picture.width + gap
    sheet.quantize(COLORS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {sheet.width} x {sheet.height}, {path.stat().st_size / 1000:.0f} kB", flush=True)


def outlined(picture: Image.Image, slice_node: Any, mask: Any, geometry: Any) -> Image.Image:
    """The picture of a slice view with the outline of a mask's cut through its plane."""
    from scipy.ndimage import binary_dilation

    matrix = slice_node.GetXYToRAS()
    to_ras = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    y, x = np.mgrid[: picture.height, : picture.width]
    places = np.stack([x, picture.height - 1 - y, np.zeros_like(x), np.ones_like(x)], axis=-1) @ to_ras.T
    kji = np.rint(geometry.ijk_from_ras(places[..., :3])).astype(int)[..., ::-1]
    there = ((kji >= 0) & (kji < geometry.shape_kji)).all(axis=-1)
    inside = there & mask.full(geometry.shape_kji)[tuple(np.where(there[..., None], kji, 0).T)].T
    pixels = np.array(picture)
    pixels[binary_dilation(inside, iterations=2) & ~inside] = OUTLINE
    return Image.fromarray(pixels)
