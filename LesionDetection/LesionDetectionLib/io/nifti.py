"""Two checks of NIfTI files that ITK does not make.

ITK's NIfTI reader fills the missing part of a truncated file with zeros, silently, and its writer leaves a truncated
file on a full disk, silently. Both would show up as air-like or empty slices in a patient.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

_CHUNK = 1 << 22
_SHEAR_TOLERANCE = 1e-3
"""Largest cosine between two axes that still counts as a right angle (ITK uses the same order)."""


class NiftiHeader:
    """The few fields of a NIfTI-1 or NIfTI-2 header that the checks need.

    Attributes:
        expected_bytes: size that the uncompressed file must at least have.
        qform_code, sform_code: 0 where the file does not say where it lies.
        sform: [3, 4] rows of the sform matrix.

    Raises:
        ValueError: not the beginning of a NIfTI file.
    """

    BYTES = 540

    def __init__(self, start: bytes) -> None:
        if len(start) < 348:
            raise ValueError("the header is cut off")
        order = next((o for o in "<>" if struct.unpack(o + "i", start[:4])[0] in (348, 540)), None)
        if order is None:
            raise ValueError("it does not begin with a NIfTI header")
        if struct.unpack(order + "i", start[:4])[0] == 348:
            dimensions = struct.unpack(order + "8h", start[40:56])
            bits, offset = struct.unpack(order + "h", start[72:74])[0], struct.unpack(order + "f", start[108:112])[0]
            self.qform_code, self.sform_code = struct.unpack(order + "2h", start[252:256])
            sform = struct.unpack(order + "12f", start[280:328])
        else:
            if len(start) < self.BYTES:
                raise ValueError("the header is cut off")
            dimensions = struct.unpack(order + "8q", start[16:80])
            bits, offset = struct.unpack(order + "h", start[14:16])[0], struct.unpack(order + "q", start[168:176])[0]
            self.qform_code, self.sform_code = struct.unpack(order + "2i", start[344:352])
            sform = struct.unpack(order + "12d", start[400:496])
        if not 1 <= dimensions[0] <= 7 or not np.isfinite(offset):
            raise ValueError("its header makes no sense")
        voxels = 1
        for n in dimensions[1 : dimensions[0] + 1]:
            voxels *= max(int(n), 1)
        self.expected_bytes = int(offset) + voxels * bits // 8
        self.sform = np.array(sform, dtype=np.float64).reshape(3, 4)

    @property
    def sform_is_sheared(self) -> bool:
        """Whether the sform is in use and its axes are not at right angles, or one is zero or not a number."""
        if self.sform_code <= 0:
            return False
        lengths = np.linalg.norm(self.sform[:, :3], axis=0)
        if not np.isfinite(self.sform).all() or lengths.min() <= 0:
            return True
        axes = self.sform[:, :3] / lengths
        return bool(np.abs(axes.T @ axes - np.eye(3)).max() > _SHEAR_TOLERANCE)


def check_complete(path: Path, progress: Progress | None = None) -> NiftiHeader:
    """Read a ``.nii`` or ``.nii.gz`` file to its end, checking length and (compressed) its checksum.

    Raises:
        InputError: cut off, damaged or not NIfTI.
        Cancelled: through ``progress``.
    """
    try:
        if path.name.lower().endswith(".gz"):
            header, size = _scan_compressed(path, progress or Progress())
        else:
            with path.open("rb") as file:
                header, size = NiftiHeader(file.read(NiftiHeader.BYTES)), path.stat().st_size
        if size < header.expected_bytes:
            raise ValueError(f"it holds {size} of {header.expected_bytes} bytes")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(
            f"{path} is damaged or not a NIfTI file: {error}. Copy or export it again from its source."
        ) from error
    return header


def _scan_compressed(path: Path, progress: Progress) -> tuple[NiftiHeader, int]:
    packed_bytes = max(path.stat().st_size, 1)
    with path.open("rb") as packed, gzip.open(packed) as file:
        header = NiftiHeader(start := file.read(NiftiHeader.BYTES))
        size = len(start)
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            progress(packed.tell() / packed_bytes, f"Checking {path.name}")
    return header, size
