"""What a network found in patients that it did not learn from: kept as detections, with what is measured against drawn tumours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Mask

from ...evaluation.metrics.dice import dice
from ...evaluation.reading.folders import DETECTIONS
from ..kept import keep_json, kept_json

MASKS, MEASURED = "masks", "measured.json"
"""In the job's folder, of all rows; and of a patient beside the detections, written last."""


@dataclass(frozen=True)
class Found:
    """Of one patient.

    Attributes:
        case, patient, label: whose.
        dice: of all marks together against all drawn tumours together; 0 where nothing was marked; NaN where a tumour is not
            drawn.
        hit: whether the hottest voxel of the mark with the highest score lies in a drawn tumour; None where one is not drawn.
        marks: how many.
        said: the label that the network tells; empty where it tells none.
        first_dice: Dice of the mark with the highest score alone.
    """

    case: str
    patient: str
    label: str
    dice: float
    hit: bool | None
    marks: int
    said: str = ""
    first_dice: float = nan

    def to_json(self) -> dict[str, Any]:
        """Plain values; None for what is not defined."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


class FoundStore:
    """A folder a patient, as ``lesion radiomics --masks`` reads them.

    Args:
        folder: of the row's.
        key: text that changes when the network does: what another one found is not taken for this one's.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key

    def detections(self, case: str) -> Path:
        """The file with what was found in a patient."""
        return self._folder / case / DETECTIONS

    def get(self, case: str) -> Found | None:
        """What this very network found; None where nothing is kept, or what is damaged."""
        values = kept_json(self._folder / case / MEASURED)
        if values is None or values.pop("key", None) != self._key or not self.detections(case).is_file():
            return None
        plain: dict[str, Any] = {
            name: nan if "dice" in name and value is None else value for name, value in values.items()
        }
        try:
            return Found(**plain)
        except TypeError:
            return None

    def put(self, found: Found, detections: Detections) -> None:
        """Keep both. Raises OutputError."""
        folder = self._folder / found.case
        folder.mkdir(parents=True, exist_ok=True)
        detections.save(self.detections(found.case))
        keep_json(folder / MEASURED, {"key": self._key, **found.to_json()})


def shown(detections: Detections, least_score: float) -> Detections:
    """With the marks that are taken, and no others."""
    taken = tuple(one for one in detections.lesions if one.score >= least_score)
    return replace(detections, lesions=taken, operating_point=OperatingPoint("taken here", least_score))


@dataclass(frozen=True)
class Overlap:
    """See :class:`Found`."""

    dice: float
    first_dice: float
    hit: bool | None


def overlap_of(found: Sequence[Lesion], drawn: Sequence[Mask | None], image: Image) -> Overlap:
    """Dice of all marks and of the first, and whether the focus is hit.

    Args:
        found: in falling score.
        drawn: tumours, None for one that is not drawn.

    Raises:
        InputError: masks that do not fit the image.
    """
    if not drawn or None in drawn:
        return Overlap(nan, nan, None)
    truth = _union(drawn, image)
    marked = [lesion.mask for lesion in found if lesion.mask is not None]
    if not marked:
        return Overlap(0.0, 0.0, False)
    hit = bool(truth[_hottest(marked[0], image)])
    return Overlap(dice(_union(marked, image), truth), dice(_union(marked[:1], image), truth), hit)


def _hottest(mask: Mask, image: Image) -> tuple[int, ...]:
    """[k, j, i] of the highest value in a mask."""
    values = np.where(mask.voxels, image.voxels[mask.slices_kji], -np.inf)
    place = np.unravel_index(int(np.argmax(values)), values.shape)
    return tuple(int(n) + part.start for n, part in zip(place, mask.slices_kji, strict=True))


def _union(masks: Sequence[Mask | None], image: Image) -> npt.NDArray[np.bool_]:
    whole = np.zeros(image.shape_kji, dtype=bool)
    for mask in masks:
        if mask is None:
            continue
        part = whole[mask.slices_kji]
        if part.shape != mask.voxels.shape:
            raise InputError(f"A tumour’s outline reaches beyond “{image.name}”: they are not of one scan.")
        part |= mask.voxels
    return whole
