"""A DICOM file or folder as an :class:`Image`: the passes over headers and pixels, joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from LesionDetectionLib.core.errors import GeometryError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Geometry, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.suv import NOT_CONVERTED, PetScale, impossible_values, pet_scale, without_suv

from .dicom_grid import SAME_POSITION_MM, StackGrid, slice_order, stack_grid
from .dicom_headers import Plane, Skipped
from .dicom_pet import read_pet_header
from .dicom_pixels import AIR_HU, Decoded, Pixels, can_decode, decode, joined, require_decoders
from .dicom_series import Stack, check_alike, choose, find_stacks

_HOUNSFIELD_TYPES = ("", "HU", "US")
"""Rescale types of ordinary CT; others (electron density, effective atomic number, ...) are not HU."""


def read_dicom(path: Path, series: str | None, progress: Progress) -> Image:
    """Read one series of a DICOM folder (or one file); see :func:`files.read_image`."""
    stacks, skipped = find_stacks(path, progress.part(0.0, 0.3))
    image = read_stack(choose(stacks, skipped, series, path), skipped, progress.part(0.3, 1.0))
    if path.is_file() and image.shape_kji[0] == 1:
        note = "This is one file of a series; name its folder to read the whole series."
        return replace(image, notes=(*image.notes, note))
    return image


def read_stack(stack: Stack, skipped: Sequence[Skipped], progress: Progress) -> Image:
    """Read the pixels of one choice of :func:`dicom_series.find_stacks`.

    Raises:
        GeometryError: the slices are no volume: mixed, displaced, too many missing, or a position twice.
        InputError: more than a tenth of the images are damaged.
        DependencyError: no decoder for the transfer syntax.
        Cancelled: through ``progress``.
    """
    check_alike(stack.planes)
    require_decoders(stack.planes)
    _grid(_one_a_position(stack.planes))  # refuses a broken stack before its pixels are read
    decoded = decode(stack.planes, progress.part(0.0, 0.9))
    unique, copies = _drop_equal(decoded)
    grid = _grid(unique.planes)
    first = unique.planes[0]
    meaning = _meaning(unique)
    stored = joined(unique.values) if meaning.factor == 1 else _scaled(unique, meaning.factor)
    voxels = grid.apply(stored, outside=AIR_HU if first.modality == CT else 0)
    progress(1.0, "Read")
    return Image(
        voxels,
        grid.ijk_to_ras,
        first.modality,
        meaning.unit,
        name=_name(first),
        notes=(*stack.notes, *copies, *_damage_notes(decoded, skipped), *grid.notes, *meaning.notes),
        identifiers={
            key: value
            for key, value in (
                ("StudyInstanceUID", first.study_uid),
                ("SeriesInstanceUID", first.series_uid),
                ("FrameOfReferenceUID", first.frame_of_reference),
                ("SeriesDescription", first.description),
            )
            if value
        },
        suv_factors=meaning.suv_factors,
    )


def stack_geometry(stack: Stack) -> Geometry:
    """The grid of the image that :func:`read_stack` makes of ``stack``, mostly from its headers alone.

    Damaged pixels move that grid only where they are those of an outermost slice: these two are decoded. Where slices
    are uneven or tilted, each of them has a say in the grid, and all are.

    Raises:
        GeometryError, InputError, DependencyError: as :func:`read_stack`.
    """
    check_alike(stack.planes)
    require_decoders(stack.planes)
    planes = _with_good_ends(stack.planes)
    grid = _grid(_one_a_position(planes))
    if not grid.is_exact:
        planes = decode(planes, Progress()).planes
        grid = _grid(_one_a_position(planes))
    columns, rows = grid.padding
    shape = len(grid.below), planes[0].rows + rows, planes[0].columns + columns
    return Geometry(shape, grid.ijk_to_ras)


def _with_good_ends(planes: Sequence[Plane]) -> Sequence[Plane]:
    """Without the outermost planes whose pixels cannot be decoded."""
    first, last = 0, len(planes) - 1
    while first < last and not can_decode(planes[first]):
        first += 1
    while last > first and not can_decode(planes[last]):
        last -= 1
    return planes[first : last + 1]


@dataclass(frozen=True)
class _Meaning:
    factor: float
    unit: str
    notes: tuple[str, ...]
    suv_factors: dict[str, float] = field(default_factory=dict)


def _meaning(decoded: Decoded) -> _Meaning:
    """The unit of the values, what to multiply them by to get it, and what to tell about it."""
    planes = decoded.planes
    first = planes[0]
    notes = []
    if any(plane.photometric == "MONOCHROME1" for plane in planes):
        notes.append("Stored for display with black and white swapped (MONOCHROME1); the values are unchanged.")
    if first.modality in (CT, PET) and any(plane.slope is None or plane.intercept is None for plane in planes):
        return _Meaning(1.0, "", (*notes, "The files lack rescale slope or intercept, so the unit is unknown."))
    if first.modality == CT:
        if first.rescale_type not in _HOUNSFIELD_TYPES:
            return _Meaning(1.0, "", (*notes, f"The values are of the type “{first.rescale_type}”, not HU."))
        return _Meaning(1.0, HU, tuple(notes))
    if first.modality == PET:
        scale = _pet_scale(decoded)
        notes += [f"{NOT_CONVERTED}: {scale.reason}"] if scale.reason else []
        notes += [scale.note] if scale.note else []
        return _Meaning(scale.factor, scale.unit, tuple(notes), scale.suv_factors)
    return _Meaning(1.0, "", tuple(notes))


def _pet_scale(decoded: Decoded) -> PetScale:
    try:
        header = read_pet_header(decoded.planes)
    except Exception as error:  # a bit flipped in the header: pydicom raises errors of every kind
        return PetScale(1.0, "", f"The header of a file is damaged ({type(error).__name__}).")
    scale = pet_scale(header)
    if scale.unit == SUV_BW and (reason := impossible_values(decoded.values, scale.factor)):
        return without_suv(header, reason)
    return scale


def _grid(planes: Sequence[Plane]) -> StackGrid:
    first = planes[0]
    positions = [plane.position for plane in planes]
    return stack_grid(positions, first.orientation, first.pixel_spacing, first.thickness)


def _one_a_position(planes: Sequence[Plane]) -> list[Plane]:
    _, distances = slice_order([plane.position for plane in planes], planes[0].orientation)
    keep = np.concatenate([[True], np.diff(distances) > SAME_POSITION_MM])
    return [plane for plane, kept in zip(planes, keep, strict=True) if kept]


def _drop_equal(decoded: Decoded) -> tuple[Decoded, list[str]]:
    """Without slices that repeat the one before them, value for value.

    Raises:
        GeometryError: two different slices at one position, which nothing in their headers told apart.
    """
    _, distances = slice_order([plane.position for plane in decoded.planes], decoded.planes[0].orientation)
    keep = [0]
    for n in range(1, len(decoded.planes)):
        if distances[n] - distances[keep[-1]] > SAME_POSITION_MM:
            keep.append(n)
        elif not np.array_equal(decoded.values[n], decoded.values[keep[-1]]):
            raise GeometryError(
                f"Two images lie at the same position with different pixels, at LPS {_place(decoded.planes[n])} mm, and "
                "nothing in their headers tells the two phases apart. Put them in two folders."
            )
    dropped = len(decoded.planes) - len(keep)
    if not dropped:
        return decoded, []
    unique = Decoded(tuple(decoded.planes[n] for n in keep), tuple(decoded.values[n] for n in keep), decoded.damaged)
    return unique, [f"Slices that repeat another one exactly were left out: {dropped}."]


def _scaled(decoded: Decoded, factor: float) -> Pixels:
    return np.stack([(values.astype(np.float64) * factor).astype(np.float32) for values in decoded.values])


def _damage_notes(decoded: Decoded, skipped: Sequence[Skipped]) -> list[str]:
    """Files are counted, as their names may hold the patient's name, and notes go into results."""
    count = decoded.damaged + sum(item.damaged for item in skipped)
    return [f"Damaged files were left out: {count}."] if count else []


def _place(plane: Plane) -> str:
    return f"({', '.join(f'{mm:.1f}' for mm in plane.position)})"


def _name(plane: Plane) -> str:
    """The series' description, fit for a file name; file and folder names may hold the patient's name."""
    text = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "-", plane.description).strip(" .-")
    return text or f"{plane.modality} series {plane.series_number}"
