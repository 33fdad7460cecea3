"""What a fold keeps of its slices: their judged blobs as JSON, and of test slices the pixels that pictures are drawn of."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.imaging.blobs import SliceBlobs

from ...evaluation.blob_detection import JudgedSlice, ScoredSlice
from ..kept import keep_json, kept_json


@dataclass(frozen=True, eq=False)
class Picture:
    """A slice with its pixels.

    Attributes:
        scored: its blobs and lesions.
        hu: [5, j, i] int16, with its neighbours.
        pixel_mm: height and width of a pixel.
    """

    scored: ScoredSlice
    hu: npt.NDArray[np.int16]
    pixel_mm: tuple[float, float]


class SliceStore:
    """One JSON file a case, in a folder of its own.

    Args:
        folder: of them all.
        key: text that changes when the network does: what another one found is not taken for this one's.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key

    def get(self, case: str) -> tuple[JudgedSlice, ...] | None:
        """The slices of a case; None where nothing is kept, or what another network found, or what is damaged."""
        values = kept_json(self._folder / f"{case}.json")
        if values is None or values.get("key") != self._key:
            return None
        try:
            return tuple(_judged(case, one) for one in values["slices"])
        except (KeyError, TypeError, ValueError, IndexError):
            return None

    def put(self, case: str, slices: Sequence[JudgedSlice]) -> None:
        """Keep them. Raises OutputError."""
        keep_json(self._folder / f"{case}.json", {"key": self._key, "slices": [_plain(one) for one in slices]})

    def get_picture(self, case: str) -> Picture | None:
        """The pixels of a case's slice; None where they are not kept, or damaged."""
        path = self._folder / f"{case}.npz"
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                if str(kept["key"]) != self._key:
                    return None
                blobs = SliceBlobs(kept["labels"], kept["maxima"], kept["areas"])
                scored = ScoredSlice(case, blobs, kept["lesions"], kept["lesion_mm"])
                height, width = kept["pixel_mm"].tolist()
                return Picture(scored, kept["hu"], (height, width))
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return None

    def put_picture(self, picture: Picture) -> None:
        """Keep it. Raises OutputError."""
        scored = picture.scored
        with atomic_file(self._folder / f"{scored.case}.npz") as temporary:
            np.savez_compressed(
                temporary,
                key=np.array(self._key),
                hu=picture.hu,
                pixel_mm=np.array(picture.pixel_mm),
                labels=scored.blobs.labels,
                maxima=scored.maxima,
                areas=scored.areas,
                lesions=scored.lesions,
                lesion_mm=scored.lesion_mm,
            )


def _plain(one: JudgedSlice) -> dict[str, Any]:
    return {
        "maxima": one.maxima.tolist(),
        "areas": one.areas.tolist(),
        "touches": np.argwhere(one.touches).tolist(),
        "lesion_mm": one.lesion_mm.tolist(),
    }


def _judged(case: str, values: dict[str, Any]) -> JudgedSlice:
    maxima, areas = np.array(values["maxima"], np.float64), np.array(values["areas"], np.int64)
    lesion_mm = np.array(values["lesion_mm"], np.float64)
    touches = np.zeros((len(areas), len(lesion_mm)), dtype=bool)
    if len(maxima) != len(areas):
        raise ValueError("not as many maxima as areas")
    for blob, lesion in values["touches"]:
        touches[blob, lesion] = True
    return JudgedSlice(case, maxima, areas, touches, lesion_mm)
