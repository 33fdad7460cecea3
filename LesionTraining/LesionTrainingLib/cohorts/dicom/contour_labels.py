"""DICOM structure sets (RTSTRUCT) as lesions on the grid of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.errors import InputError, LesionDetectionError
from LesionDetectionLib.core.image import FloatArray, Geometry
from LesionDetectionLib.core.lesion import LESION, Code, Lesion, Mask, Point
from LesionDetectionLib.io.dicom_headers import is_cut_off, quiet_pydicom

from .contour_filling import fill
from .label_rules import PARTS, LabelRules, Labels, code_of, nothing_left, require_same_frame
from .mask_lesions import lesions_of_mask
from .patterns import fits

NO_LESION_TYPES = frozenset(
    [
        "EXTERNAL",
        "ORGAN",
        "AVOIDANCE",
        "BOLUS",
        "SUPPORT",
        "FIXATION",
        "DEVICE",
        "CONTRAST_AGENT",
        "CAVITY",
        "MARKER",
        "REGISTRATION",
        "ISOCENTER",
        "CONTROL",
        "DOSE_REGION",
        "DOSE_MEASUREMENT",
        "CTV",
        "PTV",
        "TREATED_VOLUME",
        "IRRAD_VOLUME",
        "BRACHY_CHANNEL",
        "BRACHY_ACCESSORY",
        "BRACHY_SRC_APP",
        "BRACHY_CHNL_SHLD",
    ]
)
"""Interpreted types (PS3.3 C.8.8.8.1) of structures that are no lesion, or one with a margin that is treated, not seen."""
_NO_LESION_NAMES = frozenset({"body", "external", "skin", "outer contour", "patient", "couch"})
"""Names that say the same where the type is empty."""
_SAME_PLANE = 0.02
"""Contours nearer than this share of the slice spacing lie in one plane."""
_FLAT = 0.25
"""A contour may leave its plane by this share of the slice spacing to either side: more, and it is not of these slices."""
_DECIMALS = 4
"""Of corners in voxels. Many programs draw through voxel centres: whether these are inside is not left to rounding."""
_POINT, _CLOSED = "POINT", ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


@dataclass(frozen=True, eq=False)
class Structure:
    """One structure: its contours as (geometric type, [n, 3] LPS mm)."""

    name: str
    label: str
    interpreted_type: str
    frame_of_reference: str
    meaning: Code
    contours: tuple[tuple[str, FloatArray], ...]

    @property
    def may_be_lesion(self) -> bool:
        """By its type, or else its name; what says neither may be one."""
        if self.interpreted_type:
            return self.interpreted_type not in NO_LESION_TYPES
        return self.name.strip().casefold() not in _NO_LESION_NAMES


def read_contours(path: Path, geometry: Geometry, frame_of_reference: str, rules: LabelRules) -> Labels:
    """The lesions of an RTSTRUCT file.

    A contour is filled in the slice nearest to its plane, if that is within half a slice: a voxel is inside when its
    centre is. Inner and overlapping contours of one plane make holes (even-odd), as do keyholes. Of several planes that
    fall to one slice the nearest to it counts. A contour of one point is a lesion without mask and size (diameter 0).

    Args:
        geometry: of the image; masks lie on it.
        frame_of_reference: of the image; empty where it has none.

    Raises:
        InputError: damaged, no RTSTRUCT, no structure fits the rules, or nothing of what was drawn lies in the image.
        GeometryError: the structures lie in another frame of reference.
    """
    try:
        with quiet_pydicom():
            return _read(path, geometry, frame_of_reference, rules)
    except (LesionDetectionError, MemoryError):
        raise
    except Exception as error:  # damaged files bring errors of every kind
        raise InputError(f"It cannot be read as a structure set ({type(error).__name__}). Export it again.") from error


def _read(path: Path, geometry: Geometry, frame_of_reference: str, rules: LabelRules) -> Labels:
    structures = read_structures(path)
    if rules.structures:
        chosen = [s for s in structures if fits(s.name, rules.structures) or fits(s.label, rules.structures)]
    else:
        chosen = [s for s in structures if s.may_be_lesion]
    if not chosen:
        there = ", ".join(f"“{s.name}” ({s.interpreted_type or 'no type'})" for s in structures)
        raise InputError(f"No structure is a lesion by the option structures; there are {there or 'none'}.")
    notes = []
    if len(chosen) < len(structures):
        notes.append(
            f"Structures not taken for lesions: {', '.join(f'“{s.name}”' for s in structures if s not in chosen)}."
        )
    lesions: list[Lesion] = []
    for structure in chosen:
        require_same_frame(structure.frame_of_reference, frame_of_reference, f"The structure “{structure.name}”")
        found, more = _lesions(structure, geometry, rules)
        lesions += found
        notes += more
    if not lesions and any(structure.contours for structure in chosen):
        raise InputError(nothing_left(notes))
    return Labels(tuple(lesions), tuple(dict.fromkeys(notes)))


def read_structures(path: Path) -> tuple[Structure, ...]:
    """The structures of a file, by number. Raises errors of every kind where it is damaged."""
    from pydicom import dcmread

    dataset = dcmread(path)
    if is_cut_off(dataset, path):
        raise ValueError("the file is cut off")
    if dataset.get("Modality") != "RTSTRUCT":
        raise InputError("It is no structure set (RTSTRUCT).")
    contours = {int(item.ReferencedROINumber): item for item in dataset.ROIContourSequence or ()}
    observed = {int(item.ReferencedROINumber): item for item in dataset.get("RTROIObservationsSequence") or ()}
    found = []
    for roi in dataset.StructureSetROISequence:
        number = int(roi.ROINumber)
        drawn = contours[number].get("ContourSequence") if number in contours else None
        observation = observed.get(number, {})
        found.append(
            Structure(
                str(roi.get("ROIName", "") or ""),
                str(observation.get("ROIObservationLabel", "") or ""),
                str(observation.get("RTROIInterpretedType", "") or "").upper(),
                str(roi.get("ReferencedFrameOfReferenceUID") or dataset.get("FrameOfReferenceUID") or ""),
                code_of(observation.get("RTROIIdentificationCodeSequence")) or LESION,
                tuple((str(item.ContourGeometricType).upper(), _points(item)) for item in drawn or ()),
            )
        )
    return tuple(found)


def _points(contour: Any) -> FloatArray:
    values = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
    if not np.isfinite(values).all():
        raise ValueError("a contour has a point that is not finite")
    return values


def _lesions(structure: Structure, geometry: Geometry, rules: LabelRules) -> tuple[list[Lesion], list[str]]:
    name = f"structure “{structure.name}”"
    note = f"Structure “{structure.name}”." if structure.name else ""
    closed = [points for kind, points in structure.contours if kind in _CLOSED and len(points) > 2]
    single = [points[0] for kind, points in structure.contours if kind == _POINT and len(points) == 1]
    notes = []
    other = len(structure.contours) - len(closed) - len(single)
    if other:
        notes.append(f"The {name} has contours that enclose nothing; they were left out: {other}.")
    lesions = [_point_lesion(point, structure.meaning, note) for point in single]
    if closed:
        mask, more = mask_of_contours(closed, geometry)
        notes += [f"The {name} {text}" for text in more]
        if mask is not None:
            parts = rules.one_lesion == PARTS
            lesions += lesions_of_mask(mask, geometry, parts=parts, meaning=structure.meaning, note=note)
    elif not single:
        notes.append(f"The {name} has no contour.")
    return lesions, notes


def _point_lesion(lps: FloatArray, meaning: Code, note: str) -> Lesion:
    center: Point = (-float(lps[0]) + 0.0, -float(lps[1]) + 0.0, float(lps[2]))
    return Lesion(center, 0.0, 1.0, meaning=meaning, note=note)


def mask_of_contours(contours: Sequence[FloatArray], geometry: Geometry) -> tuple[Mask | None, list[str]]:
    """The voxels inside contours, [n, 3] LPS mm each; None where there are none.

    Returns:
        The mask, and notes that go on after "The structure ...".
    """
    nk, nj, ni = geometry.shape_kji
    flat: list[tuple[float, FloatArray]] = []
    slanted = outside = 0
    for contour in contours:
        ijk = np.round(geometry.ijk_from_ras(contour * (-1, -1, 1)), _DECIMALS)
        height = float(ijk[:, 2].mean())
        if np.abs(ijk[:, 2] - height).max() > _FLAT:
            slanted += 1
        elif not -0.5 <= height < nk - 0.5:
            outside += 1
        else:
            flat.append((height, ijk[:, :2]))
    planes = _planes(flat)
    nearest = _nearest(planes)
    filled = {k: fill(plane.polygons, nj, ni) for k, plane in nearest.items()}
    filled = {k: picture for k, picture in filled.items() if picture.any()}
    notes = _contour_notes(slanted, outside, len(planes) - len(nearest), sorted(filled))
    if not filled:
        return None, notes
    first = min(filled)
    voxels = np.zeros((max(filled) - first + 1, nj, ni), dtype=bool)
    for k, picture in filled.items():
        voxels[k - first] = picture
    mask = Mask.from_full(voxels)
    i, j, k = mask.start_ijk
    return Mask(mask.voxels, (i, j, k + first)), notes


@dataclass(frozen=True, eq=False)
class _Plane:
    """Contours of one plane: its height in slices, and their corners as (i, j)."""

    height: float
    polygons: list[FloatArray]


def _planes(flat: Sequence[tuple[float, FloatArray]]) -> list[_Plane]:
    planes: list[_Plane] = []
    for height, polygon in sorted(flat, key=lambda entry: entry[0]):
        if planes and height - planes[-1].height <= _SAME_PLANE:
            planes[-1].polygons.append(polygon)
        else:
            planes.append(_Plane(height, [polygon]))
    return planes


def _nearest(planes: Sequence[_Plane]) -> dict[int, _Plane]:
    """Slice -> the plane nearest to it, of those that have it as their nearest slice."""
    nearest: dict[int, _Plane] = {}
    for plane in planes:
        k = int(np.floor(plane.height + 0.5))
        if k not in nearest or abs(plane.height - k) < abs(nearest[k].height - k):
            nearest[k] = plane
    return nearest


def _contour_notes(slanted: int, outside: int, shared: int, filled: Sequence[int]) -> list[str]:
    notes = []
    if slanted:
        notes.append(f"has contours that are not in the image's slices; they were left out: {slanted}.")
    if outside:
        notes.append(f"reaches beyond the image; contours left out: {outside}.")
    if shared:
        notes.append(f"is drawn finer than the image's slices; planes left out, as another is nearer: {shared}.")
    if not filled:
        notes.append("encloses no voxel's centre.")
    elif (gaps := filled[-1] - filled[0] + 1 - len(filled)) > 0:
        notes.append(f"is not drawn in every slice of its extent; slices left empty: {gaps}.")
    return notes
