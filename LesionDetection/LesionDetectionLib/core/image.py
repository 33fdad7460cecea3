"""A medical image: voxels with a known place in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import GeometryError, InputError, ModalityError

CT, PET, MR, UNKNOWN = "CT", "PT", "MR", ""
"""Modalities by their DICOM code."""

HU, SUV_BW, BQ_PER_ML = "HU", "SUVbw", "Bq/ml"
"""Units of voxel values: Hounsfield units; standardized uptake value by body weight (g/ml); activity concentration."""

SUV_LBM, SUV_BSA = "SUVlbm", "SUVbsa"
"""Standardized uptake values of other types, for ``Image.suv_factors``: by lean body mass (g/ml; also called SUL; after
Janmahasatian et al. 2005) and by body surface area (cm2/ml)."""

PHANTOM = "Phantom"
"""In ``Image.identifiers`` of what is computer-made: which one. A model that learned from nothing else says so."""

_CALLED = {PET: "PET"}
"""What people call a modality whose code is another."""
_ONLY_HU_BELOW, _NO_HU_ABOVE = -200.0, 100_000.0
"""A CT of a patient has fat and air below -200 HU; metal ends far below 100,000."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Geometry:
    """A voxel grid in the patient.

    Attributes:
        shape_kji: number of slices, rows, columns.
        ijk_to_ras: [4, 4] float64; (column i, row j, slice k, 1) -> RAS mm (right, anterior, superior positive). Voxel
            *centres* lie at whole indices.

    Raises:
        GeometryError: the matrix is not a finite, invertible affine, or the shape is not three positive numbers.
    """

    shape_kji: tuple[int, int, int]
    ijk_to_ras: FloatArray

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape_kji)
        matrix = np.array(self.ijk_to_ras, dtype=np.float64)
        if len(shape) != 3 or min(shape) < 1:
            raise GeometryError(f"An image needs three dimensions with at least one voxel in each; this has {shape}.")
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not np.allclose(matrix[3], (0, 0, 0, 1)):
            raise GeometryError("The image's position and axes are not a finite 4 x 4 affine matrix.")
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise GeometryError("The image's axes span no volume (a spacing of zero, or two equal axes).")
        matrix.flags.writeable = False
        object.__setattr__(self, "shape_kji", shape)
        object.__setattr__(self, "ijk_to_ras", matrix)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j, k in mm."""
        i, j, k = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @property
    def voxel_volume_mm3(self) -> float:
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])))

    @property
    def ras_to_ijk(self) -> FloatArray:
        """[4, 4]; the inverse of ``ijk_to_ras``."""
        return np.asarray(np.linalg.inv(self.ijk_to_ras), dtype=np.float64)

    def ras_from_ijk(self, ijk: npt.ArrayLike) -> FloatArray:
        """Positions in RAS mm, [..., 3], of continuous voxel indices (i, j, k), [..., 3]."""
        return np.asarray(ijk, dtype=np.float64) @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]

    def ijk_from_ras(self, ras_mm: npt.ArrayLike) -> FloatArray:
        """Continuous voxel indices (i, j, k), [..., 3], of positions in RAS mm, [..., 3]."""
        inverse = self.ras_to_ijk
        return np.asarray(ras_mm, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]

    def contains_ras(self, ras_mm: npt.ArrayLike) -> bool:
        """Whether a position in RAS mm lies in a voxel of the grid (half a voxel beyond the outer centres counts)."""
        ijk = self.ijk_from_ras(ras_mm)
        return bool(np.all(ijk >= -0.5) and np.all(ijk < np.array(self.shape_kji[::-1]) - 0.5))

    def same_grid(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Whether both have the same voxels at the same places, to ``tolerance_mm`` at every corner."""
        if self.shape_kji != other.shape_kji:
            return False
        last = np.array(self.shape_kji[::-1]) - 1
        corners = np.array(np.meshgrid(*[(0, n) for n in last], indexing="ij")).reshape(3, -1).T
        return bool(np.abs(self.ras_from_ijk(corners) - other.ras_from_ijk(corners)).max() <= tolerance_mm)

    def crop(self, start_ijk: tuple[int, int, int], size_ijk: tuple[int, int, int]) -> Geometry:
        """The geometry of the box of ``size_ijk`` voxels that begins at voxel ``start_ijk``."""
        matrix = np.array(self.ijk_to_ras)
        matrix[:3, 3] = self.ras_from_ijk(start_ijk)
        return Geometry((size_ijk[2], size_ijk[1], size_ijk[0]), matrix)


@dataclass(frozen=True, eq=False)
class Image:
    """Voxels, their place in the patient, and what their values mean. Frozen: no function changes its input.

    Attributes:
        voxels: [k, j, i] (slice, row, column), any real number type; a read-only view is kept, not a copy.
        ijk_to_ras: [4, 4] float64, see :class:`Geometry`.
        modality: DICOM code, ``CT``, ``PT``, ``MR``, or empty where unknown.
        unit: ``HU``, ``SUVbw``, ``Bq/ml``, or empty where unknown.
        name: how to call it on screen and in file names; never a patient's name.
        notes: what a user should know of how it was read ("the slice at 12.5 mm was missing and was interpolated").
        identifiers: DICOM UIDs and such, for links to the source; not shown by default.
        suv_factors: of a PET in ``SUVbw`` whose patient's size is known: what its values are to be multiplied by to be SUV of
            another type, by that type (``SUVlbm``, ``SUVbsa``); numbers above zero. Empty where nothing says them.

    Raises:
        InputError: the voxels are not three-dimensional real numbers, or a factor is no number above zero.
        GeometryError: see :class:`Geometry`.
    """

    voxels: npt.NDArray[Any]
    ijk_to_ras: FloatArray
    modality: str = UNKNOWN
    unit: str = ""
    name: str = "image"
    notes: tuple[str, ...] = ()
    identifiers: dict[str, str] = field(default_factory=dict)
    suv_factors: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        voxels = np.asarray(self.voxels)
        if voxels.ndim != 3:
            raise InputError(f"An image needs three dimensions; this has {voxels.ndim}.")
        if voxels.dtype.kind not in "iuf":
            raise InputError(f"Voxel values must be whole or real numbers, not {voxels.dtype}.")
        for kind, factor in self.suv_factors.items():
            if not 0 < factor < np.inf:
                raise InputError(f"The factor from SUVbw to {kind} must be a number above zero, not {factor}.")
        view = voxels.view()
        view.flags.writeable = False
        geometry = Geometry((voxels.shape[0], voxels.shape[1], voxels.shape[2]), self.ijk_to_ras)
        object.__setattr__(self, "voxels", view)
        object.__setattr__(self, "ijk_to_ras", geometry.ijk_to_ras)
        object.__setattr__(self, "_geometry", geometry)

    @property
    def geometry(self) -> Geometry:
        geometry: Geometry = self._geometry  # type: ignore[attr-defined]
        return geometry

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        return self.geometry.shape_kji

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j, k in mm."""
        return self.geometry.spacing_mm

    def with_voxels(self, voxels: npt.NDArray[Any], **changes: Any) -> Image:
        """The same image with other values on the same grid."""
        if voxels.shape != self.voxels.shape:
            raise GeometryError(f"Values of shape {voxels.shape} do not fit an image of shape {self.voxels.shape}.")
        return replace(self, voxels=voxels, **changes)

    def crop(self, start_ijk: tuple[int, int, int], size_ijk: tuple[int, int, int]) -> Image:
        """The box of ``size_ijk`` voxels from voxel ``start_ijk`` on, which must lie inside; a view, not a copy."""
        (i, j, k), (ni, nj, nk) = start_ijk, size_ijk
        voxels = self.voxels[k : k + nk, j : j + nj, i : i + ni]
        if min(start_ijk) < 0 or voxels.shape != (nk, nj, ni):
            raise GeometryError(f"The box at {start_ijk} of size {size_ijk} does not lie inside the image.")
        return replace(self, voxels=voxels, ijk_to_ras=self.geometry.crop(start_ijk, size_ijk).ijk_to_ras)


def understood_as(image: Image, modality: str = UNKNOWN) -> Image:
    """The image with its modality and unit filled in where its file did not say them.

    Args:
        modality: what the user says it is, ``CT`` (then HU, with a note where no value is below zero) or ``PT`` (then SUV
            by body weight); empty to take values that reach below -200, as only Hounsfield units do, for a CT, with a note
            that says so. An image that gives nothing away comes back as it is.

    Raises:
        ModalityError: the image says itself that it is something else.
    """
    if image.modality != UNKNOWN or image.unit:
        if modality not in (UNKNOWN, image.modality):
            raise ModalityError(f"“{image.name}” says that it is of modality {image.modality}, not {modality}.")
        return image
    if modality:
        shifted = modality == CT and float(image.voxels.min()) >= 0
        note = f"No value of “{image.name}” is below 0, as fat and air are in Hounsfield units: was 1024 added to them?"
        unit = {CT: HU, PET: SUV_BW}.get(modality, "")
        return replace(image, modality=modality, unit=unit, notes=(*image.notes, note) if shifted else image.notes)
    low, high = float(image.voxels.min()), float(image.voxels.max())
    if not (low <= _ONLY_HU_BELOW and high <= _NO_HU_ABOVE):
        return image
    note = f"“{image.name}” does not say what it is; by its values it was taken for a CT in Hounsfield units."
    return replace(image, modality=CT, unit=HU, notes=(*image.notes, note))


def require_usable(
    image: Image, *, modality: str | None = None, unit: str | None = None, least_slices: int = 1, for_what: str = "this"
) -> None:
    """Refuse an image that ``for_what`` cannot work on, with a sentence that says why.

    An unknown modality or unit passes when the values look right: a NRRD or NIfTI file says neither.

    Raises:
        ModalityError: another modality or unit, or values that cannot be Hounsfield units.
        GeometryError: fewer than ``least_slices`` slices.
        InputError: NaN or infinite voxels, or one value everywhere.
    """
    what = f"“{image.name}”"
    if modality and image.modality not in (modality, UNKNOWN):
        found, wanted = (_CALLED.get(one, one) for one in (image.modality, modality))
        raise ModalityError(f"{what} is {found}, but {for_what} needs {wanted}. Choose another image.")
    if unit and image.unit not in (unit, ""):
        raise ModalityError(f"The values of {what} are in {image.unit}, but {for_what} needs {unit}.")
    if image.shape_kji[0] < least_slices:
        raise GeometryError(
            f"{what} has {image.shape_kji[0]} slice(s), but {for_what} needs at least {least_slices}. Load the whole series."
        )
    voxels = image.voxels
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        count = int(voxels.size - np.isfinite(voxels).sum())
        raise InputError(
            f"{what} has {count} voxels that are not numbers (NaN or infinite). Replace them (for CT, by -1024) and try again."
        )
    low, high = float(voxels.min()), float(voxels.max())
    if low == high:
        raise InputError(f"Every voxel of {what} has the value {low:g}: there is nothing to find in an empty image.")
    if unit == HU and image.unit == "" and (low > _ONLY_HU_BELOW or high > _NO_HU_ABOVE):
        raise ModalityError(
            f"The values of {what} run from {low:g} to {high:g}, which cannot be Hounsfield units (air is -1000). "
            "Was the rescale slope and intercept lost, or is it not a CT?"
        )
