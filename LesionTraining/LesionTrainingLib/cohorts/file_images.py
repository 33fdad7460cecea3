"""Single image files of a cohort: their grid without their voxels, and their voxels with a meaning."""

from __future__ import annotations

import contextlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import LesionDetectionError, ModalityError
from LesionDetectionLib.core.image import CT, UNKNOWN, Geometry, Image, understood_as
from LesionDetectionLib.core.progress import Progress


def read_as(path: Path, modality: str, progress: Progress | None = None, assumed: bool = False) -> Image:
    """An image file or DICOM folder as an image of ``modality``.

    Args:
        assumed: whether nobody said the modality; a CT then has to look like one.

    Raises:
        ModalityError: it says that it is something else, or does not look like what was assumed.
        InputError, Cancelled: see :func:`LesionDetectionLib.io.files.read_image`.
    """
    from LesionDetectionLib.io.files import read_image

    image = understood_as(read_image(path, progress=progress), UNKNOWN if assumed else modality)
    if assumed and modality == CT and image.modality != CT:
        raise ModalityError(
            f"“{image.name}” does not look like a CT in Hounsfield units, and nothing says what it is. Say it: "
            "modality=CT, modality=PT or modality=MR."
        )
    return image


def grid_of(path: Path, series: str | None = None) -> Geometry:
    """The grid of an image file, or of the DICOM series in a folder, mostly from its headers.

    Raises:
        InputError: as reading it does.
    """
    from LesionDetectionLib.io.file_kinds import READABLE, file_ending
    from LesionDetectionLib.io.files import read_image

    if path.is_dir():
        from LesionDetectionLib.io.dicom import stack_geometry
        from LesionDetectionLib.io.dicom_series import choose, find_stacks

        stacks, skipped = find_stacks(path, Progress())
        return stack_geometry(choose(stacks, skipped, series, path))
    # ITK opens x.nii when asked for x.nii.gz, and knows no endings in capitals: the careful reader knows.
    plain = path.name.endswith(READABLE) and not (file_ending(path) == ".nii.gz" and path.with_suffix("").exists())
    if plain and path.is_file():
        with contextlib.suppress(RuntimeError, ValueError, LesionDetectionError):
            return _header_grid(path)
    return read_image(path).geometry  # also tells what is wrong with it


def _header_grid(path: Path) -> Geometry:
    """Raises RuntimeError or ValueError where ITK cannot tell a straight grid of three dimensions."""
    from LesionDetectionLib.io.files import ras_matrix

    sitk: Any = import_module("SimpleITK")  # untyped as it comes
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        reader.ReadImageInformation()
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
    if reader.GetDimension() != 3:
        raise ValueError("no scan")
    matrix = ras_matrix(reader.GetOrigin(), reader.GetDirection(), reader.GetSpacing())
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-4):
        raise ValueError("sheared")
    columns, rows, slices = reader.GetSize()
    return Geometry((slices, rows, columns), matrix)
