"""Images in NRRD, NIfTI and MetaImage files: reading, writing, and the door to DICOM.

ITK's frame is LPS (left, posterior, superior positive), ours is RAS; the sign of the first two world axes changes here
and nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import DependencyError, GeometryError, InputError, OutputError
from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, MR, PET, SUV_BW, UNKNOWN, FloatArray, Image
from LesionDetectionLib.core.progress import Progress

from . import metaimage, nifti
from .file_kinds import ARCHIVES, READABLE, WRITABLE, file_ending, image_name

_NIFTI, _META_IMAGE = (".nii", ".nii.gz"), (".mha", ".mhd")

_MODALITY_KEYS = ("modality", "Modality", "0008|0060", "DICOM.Modality", "DICOM_0008_0060")
_MODALITIES = {"CT": CT, "MET_MOD_CT": CT, "PT": PET, "PET": PET, "MET_MOD_PET": PET, "MR": MR, "MET_MOD_MR": MR}
_UNIT_KEYS = ("unit", "units")
_UNITS = (HU, SUV_BW, BQ_PER_ML)

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0])
_RIGHT_ANGLE_TOLERANCE = 1e-4
"""Largest cosine between two image axes that a file in ITK's formats may have: 0.006 degrees."""


def read_image(path: Path, series: str | None = None, progress: Progress | None = None) -> Image:
    """Read a NRRD, NIfTI or MetaImage file, a DICOM file, or the DICOM series in a folder (and its subfolders).

    Voxels keep the file's number type (DICOM: values after rescaling). Modality and unit are filled where the file says
    them: always for DICOM, seldom for the others, which leave them empty.

    Args:
        series: which series of a DICOM folder: number in the list, UID, its unique beginning or end, or description.

    Raises:
        InputError: missing, damaged, or not a scalar three-dimensional image.
        GeometryError: the voxels do not lie on a grid that can be trusted.
        SeveralSeriesError: a folder of several series and no ``series``; ``choices`` lists them.
        DependencyError: a compressed DICOM series that no installed decoder reads.
        Cancelled: through ``progress``.
    """
    path, progress = Path(path), progress or Progress()
    if not path.exists():
        raise InputError(f"There is no file or folder {path}. Check the path.")
    progress(0.0, f"Reading {path.name}")
    if path.is_dir() or file_ending(path) not in READABLE:
        from . import dicom, dicom_headers  # brings pydicom, which the other formats do not need

        if path.is_dir() or dicom_headers.may_be_dicom(path):
            return dicom.read_dicom(path, series, progress)
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes). Copy or export it again from its source.")
    if file_ending(path) in ARCHIVES:
        raise InputError(f"{path} is an archive. Unpack it first, and name the folder or the image that comes of it.")
    if file_ending(path) not in READABLE:
        raise InputError(
            f"{path} is no image that this program reads. It reads {', '.join(READABLE)}, DICOM files and DICOM folders."
        )
    if series is not None:
        raise InputError(f"{path} is a single image, so there is no series “{series}” to choose. Leave the choice out.")
    image = _read_volume(path, progress)
    progress(1.0, f"Read {path.name}")
    return image


def write_image(image: Image, path: Path) -> None:
    """Write an image to ``.nrrd``, ``.nii``, ``.nii.gz``, ``.mha`` or ``.mhd`` (with its ``.zraw``), whole or not at all.

    Compressed where the format can. NRRD and MetaImage also keep modality and unit; NIfTI holds positions as float32
    (better than 0.1 micrometre at 1 m).

    Raises:
        OutputError: another ending, no permission, disk full.
        GeometryError: axes that are not at right angles, which these formats cannot hold.
    """
    path = Path(path)
    ending = file_ending(path)
    if not path.name.endswith(WRITABLE):  # small letters only: ITK's writers know no others
        raise OutputError(f"{path.name} has no ending that this program writes. Use one of {', '.join(WRITABLE)}.")
    volume = to_itk(image)
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(atomic_file(path))
        if ending == ".mhd":  # ITK puts the voxels beside the header, under the header's name; they move in first.
            voxels = stack.enter_context(atomic_file(path.with_suffix(".zraw")))
        _write(volume, temporary)
        if ending == ".mhd":
            _rename_in_header(temporary, voxels.name, path.with_suffix(".zraw").name)
        if ending in _NIFTI:
            try:
                nifti.check_complete(temporary)
            except InputError as error:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error


def to_itk(image: Image) -> Any:
    """The image as a ``SimpleITK.Image`` (a copy), in LPS.

    Raises:
        GeometryError: axes that are not at right angles.
    """
    sitk = _simpleitk()

    direction = image.ijk_to_ras[:3, :3] / np.array(image.spacing_mm)
    if np.abs(direction.T @ direction - np.eye(3)).max() > _RIGHT_ANGLE_TOLERANCE:
        raise GeometryError(
            f"The axes of “{image.name}” are not at right angles; resample it to a straight grid first."
        )
    voxels: npt.NDArray[Any] = image.voxels
    if voxels.dtype == np.float16:
        voxels = voxels.astype(np.float32)
    volume = sitk.GetImageFromArray(np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("=")))
    volume.SetSpacing(image.spacing_mm)
    volume.SetOrigin((_LPS_FROM_RAS @ image.ijk_to_ras[:3, 3]).tolist())
    volume.SetDirection((_LPS_FROM_RAS @ direction).ravel().tolist())
    if image.modality:
        volume.SetMetaData("modality", image.modality)
    if image.unit:
        volume.SetMetaData("unit", image.unit)
    return volume


def ras_matrix(origin_lps: npt.ArrayLike, direction_lps: npt.ArrayLike, spacing_mm: npt.ArrayLike) -> FloatArray:
    """``ijk_to_ras`` [4, 4] from ITK's origin (mm), direction (9 cosines, row by row) and spacing."""
    matrix = np.eye(4)
    directions = np.asarray(direction_lps, dtype=np.float64).reshape(3, 3)
    matrix[:3, :3] = _LPS_FROM_RAS @ directions * np.asarray(spacing_mm, dtype=np.float64)
    matrix[:3, 3] = _LPS_FROM_RAS @ np.asarray(origin_lps, dtype=np.float64)
    return matrix


def _simpleitk() -> Any:
    """SimpleITK, untyped as it comes, loaded when first used.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import SimpleITK
    except ImportError as error:
        raise DependencyError("Reading and writing image files needs SimpleITK: pip install SimpleITK.") from error
    return SimpleITK


def _read_volume(path: Path, progress: Progress) -> Image:
    sitk = _simpleitk()

    notes: list[str] = []
    header = nifti.check_complete(path, progress.part(0.0, 0.4)) if file_ending(path) in _NIFTI else None
    if file_ending(path) in _META_IMAGE:
        metaimage.check_complete(path, progress.part(0.0, 0.4))
    with _readable_by_itk(path) as source, _itk_errors(path):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(source))
        reader.ReadImageInformation()
        _check_kind(reader, path)
        progress(0.5, f"Reading {path.name}")
        volume = reader.Execute()
        progress(0.9, f"Reading {path.name}")
    matrix = ras_matrix(volume.GetOrigin(), volume.GetDirection(), volume.GetSpacing())
    _check_axes(matrix, path)
    if header is not None and header.sform_is_sheared:
        notes.append("Its sform matrix is sheared or singular; its place was taken from the qform instead.")
    if header is not None and header.qform_code <= 0 and header.sform_code <= 0:
        notes.append("The file does not say where it lies in the patient; left and right may be swapped.")
    if header is not None and (note := header.two_places(matrix)):
        notes.append(note)
    modality, unit = _said_meaning(reader)
    return Image(sitk.GetArrayFromImage(volume), matrix, modality, unit, name=image_name(path), notes=tuple(notes))


def _check_kind(reader: Any, path: Path) -> None:
    sitk = _simpleitk()

    if any(re.fullmatch(r"Segment\d+_ID", key) for key in reader.GetMetaDataKeys()):
        raise InputError(f"{path} is a segmentation, not a scan. Name the scan it was drawn on.")
    dimensions, components = reader.GetDimension(), reader.GetNumberOfComponents()
    if dimensions != 3:
        what = "a single picture" if dimensions == 2 else "a series over time or of several channels"
        raise InputError(f"{path} has {dimensions} dimensions ({what}); a scan of three is needed. Export one volume.")
    if components != 1:
        kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
        raise InputError(f"{path} has {components} values a voxel ({kind}); a scan of one value a voxel is needed.")


def _check_axes(matrix: FloatArray, path: Path) -> None:
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if not np.isfinite(matrix).all() or lengths.min() <= 0:
        raise GeometryError(
            f"{path} has a position or axes that are not numbers, or a spacing of zero. Export it again."
        )
    axes = matrix[:3, :3] / lengths
    if np.abs(axes.T @ axes - np.eye(3)).max() > _RIGHT_ANGLE_TOLERANCE:
        raise GeometryError(
            f"{path} is sheared: its axes are not at right angles. Resample it to a straight grid "
            "(in 3D Slicer: harden its transform, then “Resample Scalar Volume”) and try again."
        )


def _said_meaning(reader: Any) -> tuple[str, str]:
    """Modality and unit where the header names them, else empty."""
    keys = reader.GetMetaDataKeys()
    modality = next((_MODALITIES.get(reader.GetMetaData(k).strip(), UNKNOWN) for k in _MODALITY_KEYS if k in keys), "")
    unit = next((reader.GetMetaData(k).strip() for k in _UNIT_KEYS if k in keys), "")
    return modality, unit if unit in _UNITS else ""


@contextlib.contextmanager
def _readable_by_itk(path: Path) -> Iterator[Path]:
    """The path to give to ITK, whose NIfTI reader opens ``x.nii`` when asked for ``x.nii.gz`` and both are there.

    Nor does it know endings in capitals.
    """
    ending = file_ending(path)
    mistaken = ending == ".nii.gz" and path.with_suffix("").exists()
    if ending not in _NIFTI or (path.name.endswith(ending) and not mistaken):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="lesion-") as folder:
        copy = Path(folder) / f"scan{ending}"
        shutil.copyfile(path, copy)
        yield copy


@contextlib.contextmanager
def _itk_errors(path: Path) -> Iterator[None]:
    """Turn ITK's errors into ours, and keep its warnings off the screen."""
    sitk = _simpleitk()

    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if "orthonormal" in text:
            raise GeometryError(
                f"{path} is sheared: its sform axes are not at right angles. Resample it to a straight grid and try again."
            ) from error
        if "Zero-valued spacing" in text or "negative spacing" in text.lower():
            raise GeometryError(f"{path} has a voxel spacing of zero or less. Export it again.") from error
        raise InputError(
            f"{path} cannot be read as {file_ending(path)}: it is damaged, cut off, or a part of it is missing "
            f"({_last_line(text)}). Copy or export it again from its source."
        ) from error
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def _last_line(text: str) -> str:
    """The last line of ITK's many, without source locations and addresses."""
    last = text.strip().splitlines()[-1]
    return re.sub(r"^(Reason|sitk::ERROR|ITK ERROR)[: ]+|\(0x[0-9a-f]+\)", "", last).strip().rstrip(".")


def _write(volume: Any, temporary: Path) -> None:
    sitk = _simpleitk()

    try:
        sitk.WriteImage(volume, str(temporary), True)
    except RuntimeError as error:
        # ITK drops the errno; a full disk is by far the likeliest reason once the folder could be made.
        full = shutil.disk_usage(temporary.parent).free < volume.GetNumberOfPixels() * volume.GetSizeOfPixelComponent()
        number = errno.ENOSPC if full else errno.EIO
        raise OSError(number, os.strerror(number) if full else _last_line(str(error))) from error


def _rename_in_header(header: Path, old: str, new: str) -> None:
    text = header.read_text(encoding="utf-8")
    header.write_text(text.replace(f"ElementDataFile = {old}", f"ElementDataFile = {new}"), encoding="utf-8")
