"""The second pass over DICOM files: pixels, decompressed and rescaled to what they mean."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from LesionDetectionLib.core.errors import DependencyError, InputError
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress

from .dicom_headers import Plane, open_whole, quiet_pydicom

AIR_HU = -1024
"""What pixels outside the scanned circle become in CT."""
MOST_DAMAGED_SHARE = 0.1
"""More images that cannot be decoded than this share make the series unusable."""
_INT16 = np.iinfo(np.int16)
_WORKERS = min(8, (os.cpu_count() or 1) + 2)

Pixels = npt.NDArray[Any]


@dataclass(frozen=True)
class Decoded:
    """Planes that could be read, their values [rows, columns] each, and how many files could not."""

    planes: tuple[Plane, ...]
    values: tuple[Pixels, ...]
    damaged: int


def decode(planes: Sequence[Plane], progress: Progress) -> Decoded:
    """Read and rescale the planes, in the order given; a few damaged ones are left out and counted.

    Raises:
        DependencyError: no installed decoder reads the transfer syntax.
        InputError: more than a tenth of the images are damaged.
    """
    require_decoders(planes)
    by_file: dict[Any, list[int]] = {}
    for n, plane in enumerate(planes):
        by_file.setdefault(plane.path, []).append(n)
    values: list[Pixels | None] = [None] * len(planes)
    reasons: list[str] = []
    done = 0
    with quiet_pydicom(), ThreadPoolExecutor(_WORKERS) as pool:
        jobs = [pool.submit(_decode_file, [planes[n] for n in members]) for members in by_file.values()]
        try:
            for job, members in zip(jobs, by_file.values(), strict=True):
                try:
                    for n, array in zip(members, job.result(), strict=True):
                        values[n] = array
                except MemoryError:
                    raise
                except Exception as error:  # decoders meet damaged files with errors of every kind
                    reasons.append(_reason(error))
                done += len(members)
                progress(done / len(planes), f"Reading images ({done} of {len(planes)})")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    kept = [n for n, array in enumerate(values) if array is not None]
    if not kept or len(planes) - len(kept) > MOST_DAMAGED_SHARE * len(planes):
        raise InputError(
            f"{len(planes) - len(kept)} of {len(planes)} images cannot be read ({reasons[0]}). Copy or export the series "
            "again."
        )
    return Decoded(
        tuple(planes[n] for n in kept),
        tuple(array for array in values if array is not None),
        len(reasons),
    )


def _reason(error: Exception) -> str:
    """Why a file cannot be read, without its name, which may hold the patient's."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def can_decode(plane: Plane) -> bool:
    """Whether the pixels of one plane can be read."""
    with quiet_pydicom():
        try:
            _decode_file([plane])
        except MemoryError:
            raise
        except Exception:  # decoders meet damaged files with errors of every kind
            return False
    return True


def require_decoders(planes: Sequence[Plane]) -> None:
    """See that the transfer syntaxes of all but a few planes (damaged ones, then) can be decoded.

    Raises:
        DependencyError: names the syntax, and what to do.
    """
    for syntax, count in Counter(plane.transfer_syntax for plane in planes).items():
        problem = _decoder_problem(syntax)
        if problem and count > MOST_DAMAGED_SHARE * len(planes):
            raise DependencyError(problem)


def _decoder_problem(transfer_syntax: str) -> str:
    if not transfer_syntax:  # a file without meta header, which is never compressed
        return ""
    with quiet_pydicom():
        uid = UID(transfer_syntax)
        try:
            decoder = get_decoder(uid)
        except NotImplementedError:
            decoder = None
    if decoder is None:
        return (
            f"The images are compressed as “{uid.name}”, which no decoder here reads. Have them exported uncompressed "
            "(Explicit VR Little Endian)."
        )
    if decoder.is_available:
        return ""
    return f"The images are compressed as “{uid.name}”. Install a decoder (pip install python-gdcm) and try again."


def joined(values: Sequence[Pixels]) -> Pixels:
    """[n, rows, columns]; int16 where all values are whole and fit, else float32."""
    dtype = np.int16 if all(array.dtype == np.int16 for array in values) else np.float32
    out = np.empty((len(values), *values[0].shape), dtype=dtype)
    for k, array in enumerate(values):
        out[k] = array
    return out


def _decode_file(planes: Sequence[Plane]) -> list[Pixels]:
    """The planes of one file, which is opened once."""
    dataset = open_whole(planes[0].path)
    if "PixelData" not in dataset and "FloatPixelData" not in dataset and "DoubleFloatPixelData" not in dataset:
        raise ValueError("it has no pixels")
    result = []
    for plane in planes:
        stored = pixel_array(dataset) if plane.frame is None else pixel_array(dataset, index=plane.frame)
        if stored.shape != (plane.rows, plane.columns):
            raise ValueError(f"its pixels have the shape {stored.shape}")
        result.append(_rescaled(stored, plane, dataset))
    return result


def _rescaled(stored: Pixels, plane: Plane, dataset: Dataset) -> Pixels:
    if dataset.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)
    slope = 1.0 if plane.slope is None else plane.slope
    intercept = 0.0 if plane.intercept is None else plane.intercept
    outside = _padding(stored, dataset) if plane.modality == CT else None
    values: Pixels
    if slope.is_integer() and intercept.is_integer() and stored.dtype.kind in "iu":
        values = stored.astype(np.int64 if stored.dtype.itemsize > 2 else np.int32) * int(slope) + int(intercept)
    else:
        values = stored.astype(np.float64) * slope + intercept
    if outside is not None:
        values[outside] = AIR_HU
    if values.dtype.kind == "i" and values.min() >= _INT16.min and values.max() <= _INT16.max:
        return values.astype(np.int16)
    return values.astype(np.float32)


def _padding(stored: Pixels, dataset: Dataset) -> npt.NDArray[np.bool_] | None:
    """Where pixels lie outside the reconstructed circle by Pixel Padding Value and Range Limit (PS3.3 C.7.5.1.1.2)."""
    value, limit = dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")
    if value is None or isinstance(value, bytes) or stored.dtype.kind not in "iu":
        return None
    # Writers mix up signed and unsigned here (63536 for -2000): take the bits, not the number.
    bits = 8 * stored.dtype.itemsize
    first, last = (
        int(np.array(int(n) % (1 << bits), dtype=f"u{stored.dtype.itemsize}").view(stored.dtype.newbyteorder("=")))
        for n in (value, value if limit is None or isinstance(limit, bytes) else limit)
    )
    return np.asarray((stored >= min(first, last)) & (stored <= max(first, last)))
