"""A lesion, and what a detection says of it."""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .image import Geometry

Point = tuple[float, float, float]
"""A position as three numbers; the frame is in the name of what holds it."""


@dataclass(frozen=True)
class Code:
    """A coded term (DICOM Code Sequence): value, scheme (``SCT`` = SNOMED CT), meaning."""

    value: str
    scheme: str
    meaning: str


NODULE = Code("27925004", "SCT", "Nodule")
MASS = Code("4147007", "SCT", "Mass")
NEOPLASM = Code("108369006", "SCT", "Neoplasm")
LESION = Code("52988006", "SCT", "Lesion")


@dataclass(frozen=True, eq=False)
class Mask:
    """The voxels of one lesion, cropped, on the grid of the image it was found in.

    Attributes:
        voxels: [k, j, i] bool, the cropped box.
        start_ijk: index in the image of the box's first voxel.
    """

    voxels: npt.NDArray[np.bool_]
    start_ijk: tuple[int, int, int]

    def __post_init__(self) -> None:
        voxels = np.ascontiguousarray(self.voxels, dtype=bool)
        if voxels.ndim != 3 or not voxels.any():
            raise InputError("A lesion mask needs at least one voxel in a three-dimensional box.")
        voxels.flags.writeable = False
        object.__setattr__(self, "voxels", voxels)
        object.__setattr__(self, "start_ijk", tuple(int(n) for n in self.start_ijk))

    @classmethod
    def from_full(cls, mask: npt.NDArray[Any]) -> Mask:
        """Crop a whole-image mask, [k, j, i], to its voxels."""
        kji = np.nonzero(mask)
        if kji[0].size == 0:
            raise InputError("A lesion mask needs at least one voxel.")
        low = [int(axis.min()) for axis in kji]
        high = [int(axis.max()) + 1 for axis in kji]
        box = np.asarray(mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]], dtype=bool)
        return cls(box, (low[2], low[1], low[0]))

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.voxels))

    @property
    def slices_kji(self) -> tuple[slice, slice, slice]:
        """Where the box lies in the image's array."""
        i, j, k = self.start_ijk
        nk, nj, ni = self.voxels.shape
        return slice(k, k + nk), slice(j, j + nj), slice(i, i + ni)

    def full(self, shape_kji: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
        """The mask on the whole grid of ``shape_kji``."""
        out = np.zeros(shape_kji, dtype=bool)
        out[self.slices_kji] = self.voxels
        return out

    def holds(self, ijk: Iterable[float]) -> bool:
        """Whether the voxel of the image at this continuous index (i, j, k) is one of its."""
        i, j, k = (round(n) - start for n, start in zip(ijk, self.start_ijk, strict=True))
        nk, nj, ni = self.voxels.shape
        return 0 <= i < ni and 0 <= j < nj and 0 <= k < nk and bool(self.voxels[k, j, i])

    def centroid_ras_mm(self, geometry: Geometry) -> Point:
        kji = np.argwhere(self.voxels).mean(axis=0)
        i, j, k = geometry.ras_from_ijk(kji[::-1] + np.array(self.start_ijk))
        return float(i), float(j), float(k)

    def box_ras_mm(self, geometry: Geometry) -> tuple[Point, Point]:
        """Opposite corners (lowest, highest) of the box around its voxels' edges, axis-aligned in RAS mm."""
        centres = geometry.ras_from_ijk(np.argwhere(self.voxels)[:, ::-1] + np.array(self.start_ijk))
        half_voxel = np.abs(geometry.ijk_to_ras[:3, :3]).sum(axis=1) / 2
        return _pair([centres.min(axis=0) - half_voxel, centres.max(axis=0) + half_voxel])

    @cached_property
    def _packed(self) -> str:
        """Packed once: a review writes all its masks at each change of one."""
        return base64.b64encode(zlib.compress(np.packbits(self.voxels, axis=None).tobytes(), 9)).decode("ascii")

    def to_json(self) -> dict[str, Any]:
        return {
            "start_ijk": list(self.start_ijk),
            "size_ijk": list(self.voxels.shape[::-1]),
            "encoding": "bits-kji-zlib-base64",
            "data": self._packed,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Mask:
        try:
            if value["encoding"] != "bits-kji-zlib-base64":
                raise InputError(f"The mask encoding {value['encoding']!r} is not known.")
            ni, nj, nk = (int(n) for n in value["size_ijk"])
            count = ni * nj * nk
            if not 0 < count <= 2**31:
                raise InputError("A lesion mask in this file has an impossible size.")
            decoder = zlib.decompressobj()
            packed = decoder.decompress(base64.b64decode(value["data"], validate=True), (count + 7) // 8)
            if len(packed) != (count + 7) // 8:
                raise InputError("A lesion mask in this file is shorter than its size says.")
            bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=count)
            i, j, k = (int(n) for n in value["start_ijk"])
            return cls(bits.reshape(nk, nj, ni).astype(bool), (i, j, k))
        except (KeyError, ValueError, TypeError, zlib.error, binascii.Error) as error:
            raise InputError(f"A lesion mask in this file is damaged ({error}).") from error


@dataclass(frozen=True)
class Recist:
    """Longest diameter in one axial slice, and the longest one perpendicular to it (RECIST 1.1), as RAS mm points."""

    long_axis_ras_mm: tuple[Point, Point]
    short_axis_ras_mm: tuple[Point, Point]

    @property
    def long_mm(self) -> float:
        return math.dist(*self.long_axis_ras_mm)

    @property
    def short_mm(self) -> float:
        return math.dist(*self.short_axis_ras_mm)


@dataclass(frozen=True, eq=False)
class Lesion:
    """One finding.

    Attributes:
        center_ras_mm: its centre in RAS mm.
        diameter_mm: its size: the regressed or measured diameter.
        score: how sure the method is, higher is surer; in [0, 1] where it is a probability. 1 for what a person marked.
        box_ras_mm: opposite corners (lowest, highest) of the box around it, axis-aligned in RAS mm, or None.
        mask: its voxels on the image's grid, or None.
        recist: its diameters, or None.
        measurements: further numbers by name with the unit in it (``volume_mm3``, ``mean_hu``, ``max_suvbw``).
        meaning: what it is, as a coded term.
        method: id of the method that found it.
        model: name of the model that scored it; empty for untrained methods.
        note: a sentence for the user, such as a warning that the mask touches the image's edge.
        evidence: rows of values, in each row one for each of the run's :class:`~.detections.Control`: the lesion is shown
            while one row lies above all of them. Empty where the run has none: then the score alone decides.
    """

    center_ras_mm: Point
    diameter_mm: float
    score: float
    box_ras_mm: tuple[Point, Point] | None = None
    mask: Mask | None = None
    recist: Recist | None = None
    measurements: dict[str, float] = field(default_factory=dict)
    meaning: Code = LESION
    method: str = ""
    model: str = ""
    note: str = ""
    evidence: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        numbers = [*self.center_ras_mm, self.diameter_mm, self.score, *self.measurements.values()]
        numbers += [value for row in self.evidence for value in row]
        if len(self.center_ras_mm) != 3 or not all(math.isfinite(n) for n in numbers):
            raise InputError("A lesion needs a finite centre (three numbers), diameter, score and measurements.")
        if self.diameter_mm < 0:
            raise InputError(f"A lesion's diameter cannot be negative ({self.diameter_mm:g} mm).")

    def to_json(self) -> dict[str, Any]:
        return {
            "center_ras_mm": [float(n) for n in self.center_ras_mm],
            "diameter_mm": float(self.diameter_mm),
            "score": float(self.score),
            "box_ras_mm": None if self.box_ras_mm is None else [list(map(float, c)) for c in self.box_ras_mm],
            "mask": None if self.mask is None else self.mask.to_json(),
            "recist": None
            if self.recist is None
            else {
                "long_axis_ras_mm": [list(map(float, p)) for p in self.recist.long_axis_ras_mm],
                "short_axis_ras_mm": [list(map(float, p)) for p in self.recist.short_axis_ras_mm],
                "long_mm": self.recist.long_mm,
                "short_mm": self.recist.short_mm,
            },
            "measurements": {name: float(n) for name, n in self.measurements.items()},
            "meaning": {"value": self.meaning.value, "scheme": self.meaning.scheme, "meaning": self.meaning.meaning},
            "method": self.method,
            "model": self.model,
            "note": self.note,
            **({"evidence": [list(map(float, row)) for row in self.evidence]} if self.evidence else {}),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Lesion:
        """Raises InputError where the value does not follow the schema."""
        try:
            box, mask, recist = value.get("box_ras_mm"), value.get("mask"), value.get("recist")
            return cls(
                center_ras_mm=_point(value["center_ras_mm"]),
                diameter_mm=float(value["diameter_mm"]),
                score=float(value["score"]),
                box_ras_mm=None if box is None else _pair(box),
                mask=None if mask is None else Mask.from_json(mask),
                recist=None
                if recist is None
                else Recist(_pair(recist["long_axis_ras_mm"]), _pair(recist["short_axis_ras_mm"])),
                measurements={str(k): float(v) for k, v in value.get("measurements", {}).items()},
                meaning=Code(**value["meaning"]) if "meaning" in value else LESION,
                method=str(value.get("method", "")),
                model=str(value.get("model", "")),
                note=str(value.get("note", "")),
                evidence=tuple(tuple(float(n) for n in row) for row in value.get("evidence", ())),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise InputError(f"A lesion in this file is not as the schema says ({error!r}).") from error


def _point(value: Any) -> Point:
    a, b, c = (float(n) for n in value)
    return a, b, c


def _pair(value: Any) -> tuple[Point, Point]:
    first, second = value
    return _point(first), _point(second)
