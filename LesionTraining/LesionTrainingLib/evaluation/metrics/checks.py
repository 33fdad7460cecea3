"""What the metrics demand of their input, in one sentence each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Mask = npt.NDArray[Any]


def finite(values: npt.ArrayLike, what: str) -> FloatArray:
    """[N] numbers as 64-bit floats.

    Raises:
        InputError: not one-dimensional, or not all finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise InputError(f"The {what} are an array of {array.ndim} dimensions; give a plain list of numbers.")
    wrong = int(np.count_nonzero(~np.isfinite(array)))
    if wrong:
        raise InputError(f"{wrong} of the {array.size} {what} are not finite numbers; leave those out or mend them.")
    return array


def truths(values: npt.ArrayLike, what: str) -> BoolArray:
    """[N] yes or no (booleans, or numbers that are 0 or 1).

    Raises:
        InputError: anything else.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"The {what} are an array of {array.ndim} dimensions; give a plain list of yes and no.")
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        raise InputError(f"The {what} hold something else than yes and no (1 and 0).")
    return array.astype(np.bool_)


def same_length(first: npt.NDArray[Any], second: npt.NDArray[Any], what: str) -> None:
    """Raises InputError where two lists that belong together differ in length."""
    if len(first) != len(second):
        raise InputError(f"There are {len(first)} and {len(second)} {what}; they must be pairs.")


def masks(first: Mask, second: Mask) -> tuple[BoolArray, BoolArray]:
    """Two masks of one grid as booleans: everything but 0 is inside.

    Raises:
        InputError: they differ in shape.
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape:
        raise InputError(
            f"The masks have {_size(a)} and {_size(b)} voxels; bring them onto one grid before comparing them."
        )
    return (a if a.dtype == np.bool_ else a != 0), (b if b.dtype == np.bool_ else b != 0)


def spacing(spacing_mm: npt.ArrayLike, dimensions: int) -> FloatArray:
    """Voxel size in mm, one number an array axis.

    Raises:
        InputError: another number of values, or one that is not above zero.
    """
    size = np.asarray(spacing_mm, dtype=np.float64)
    if size.shape != (dimensions,) or not (np.isfinite(size) & (size > 0)).all():
        raise InputError(
            f"The spacing {size.tolist()} does not give {dimensions} lengths in millimetres, all above zero."
        )
    return size


def _size(mask: Mask) -> str:
    return " × ".join(map(str, mask.shape)) or "no"
