"""Checks of NIfTI files that ITK does not make.

ITK's NIfTI reader fills the missing part of a truncated file with zeros, silently, and its writer leaves a truncated
file on a full disk, silently. Both would show up as air-like or empty slices in a patient. Of a file that says two
different places (sform and qform) it takes one, silently.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import FloatArray
from LesionDetectionLib.core.progress import Progress

_CHUNK = 1 << 22
_SHEAR_TOLERANCE = 1e-3
"""Largest cosine between two axes that still counts as a right angle (ITK uses the same order)."""
_SAME_PLACE_MM = 0.5
"""So far a corner of the image may lie from itself by sform and by qform: rounding."""


class NiftiHeader:
    """The few fields of a NIfTI-1 or NIfTI-2 header that the checks need.

    Attributes:
        expected_bytes: size that the uncompressed file must at least have.
        qform_code, sform_code: 0 where the file does not say where it lies.
        size: voxels along the first three axes.
        sform, qform: [3, 4] from voxel indices to RAS, in the file's unit of length (mm, in all but odd files).

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
            steps, turn = struct.unpack(order + "4f", start[76:92]), struct.unpack(order + "6f", start[256:280])
        else:
            if len(start) < self.BYTES:
                raise ValueError("the header is cut off")
            dimensions = struct.unpack(order + "8q", start[16:80])
            bits, offset = struct.unpack(order + "h", start[14:16])[0], struct.unpack(order + "q", start[168:176])[0]
            self.qform_code, self.sform_code = struct.unpack(order + "2i", start[344:352])
            sform = struct.unpack(order + "12d", start[400:496])
            steps, turn = struct.unpack(order + "4d", start[104:136]), struct.unpack(order + "6d", start[352:400])
        if not 1 <= dimensions[0] <= 7 or not np.isfinite(offset):
            raise ValueError("its header makes no sense")
        voxels = 1
        for n in dimensions[1 : dimensions[0] + 1]:
            voxels *= max(int(n), 1)
        self.expected_bytes = int(offset) + voxels * bits // 8
        self.size = tuple(max(int(n), 1) for n in dimensions[1:4])
        self.sform = np.array(sform, dtype=np.float64).reshape(3, 4)
        self.qform = _qform(steps, turn)

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

    def two_places(self, taken: FloatArray) -> str:
        """A note where sform and qform are both in use and place the image differently; empty else.

        Args:
            taken: [4, 4] ``ijk_to_ras`` as it was read.
        """
        if min(self.sform_code, self.qform_code) <= 0 or self.sform_is_sheared or not np.isfinite(self.qform).all():
            return ""
        corners = np.array([(i, j, k, 1) for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=np.float64)
        corners[:, :3] *= np.array(self.size) - 1
        apart = float(np.linalg.norm(corners @ (self.sform - self.qform).T, axis=1).max())
        if apart <= _SAME_PLACE_MM:
            return ""
        by = [float(np.abs(corners @ (form - taken[:3]).T).max()) for form in (self.sform, self.qform)]
        names = ("sform", "qform") if by[0] <= by[1] else ("qform", "sform")
        return (
            f"The file says two places, up to {apart:.1f} mm apart: that of its {names[0]} was taken, not that of its "
            f"{names[1]}. Check left, right and position."
        )


def _qform(steps: tuple[float, ...], turn: tuple[float, ...]) -> FloatArray:
    """[3, 4] of the quaternion way of NIfTI: ``pixdim`` from its sign on (4), and ``quatern_b`` to ``qoffset_z`` (6)."""
    b, c, d = turn[:3]
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = np.array([steps[1], steps[2], steps[3] * (-1 if steps[0] < 0 else 1)])
    return np.column_stack([rotation * scale, turn[3:]])


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
