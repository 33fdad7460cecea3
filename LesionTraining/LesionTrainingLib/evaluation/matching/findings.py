"""What the matcher is given: the true lesions of one image, the excluded findings, and a detector's marks, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion, Mask

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Findings:
    """Lesions or marks of one image, n of them. What is not known is NaN or None; a policy says what it takes instead.

    Attributes:
        centers_ras_mm: [n, 3].
        diameters_mm: [n], NaN where unknown.
        scores: [n], higher is surer; 1 for what a person marked.
        boxes_ras_mm: [n, 2, 3] lowest and highest corner, outer edges, NaN where there is none; or None for none at all.
        pixel_boxes: [n, 4] (x1, y1, x2, y2) of the first and last pixel in one slice, as DeepLesion gives them; or None.
        masks: one each, None where there is none; or empty for none at all. They lie on the image's grid.
        kinds: of each what kind it is, in words; or empty where that is not known of all.
        sources: [n] where each stands in what it was read from: the row below a table's heading, the rank in a file; from 1.
    """

    centers_ras_mm: FloatArray
    diameters_mm: FloatArray
    scores: FloatArray
    boxes_ras_mm: FloatArray | None = None
    pixel_boxes: FloatArray | None = None
    masks: tuple[Mask | None, ...] = ()
    sources: IntArray | None = None
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.centers_ras_mm)
        known = (self.diameters_mm, self.scores, self.boxes_ras_mm, self.pixel_boxes, self.sources)
        parts = (*known, self.masks or None, self.kinds or None)
        if any(part is not None and len(part) != count for part in parts):
            raise ValueError("Findings need one entry each in every array.")

    def __len__(self) -> int:
        return len(self.centers_ras_mm)

    @classmethod
    def of_points(
        cls,
        centers_ras_mm: npt.ArrayLike,
        diameters_mm: npt.ArrayLike | None = None,
        scores: npt.ArrayLike | None = None,
    ) -> Findings:
        """Points with diameters (default: unknown) and scores (default: 1)."""
        centers = np.asarray(centers_ras_mm, dtype=np.float64).reshape(-1, 3)
        count = len(centers)
        return cls(
            centers,
            np.full(count, np.nan) if diameters_mm is None else _column(diameters_mm),
            np.ones(count) if scores is None else _column(scores),
        )

    @classmethod
    def of_lesions(cls, lesions: Sequence[Lesion], kinds: tuple[str, ...] = ()) -> Findings:
        """Lesions as a cohort or a detector gives them; a diameter of 0 is taken as unknown."""
        diameters = _column([lesion.diameter_mm for lesion in lesions])
        boxes = np.full((len(lesions), 2, 3), np.nan)
        for index, lesion in enumerate(lesions):
            if lesion.box_ras_mm is not None:
                boxes[index] = np.sort(np.array(lesion.box_ras_mm), axis=0)
        return cls(
            np.array([lesion.center_ras_mm for lesion in lesions], dtype=np.float64).reshape(-1, 3),
            np.where(diameters > 0, diameters, np.nan),
            _column([lesion.score for lesion in lesions]),
            boxes,
            masks=tuple(lesion.mask for lesion in lesions),
            kinds=kinds,
        )

    @cached_property
    def order(self) -> IntArray:
        """[n] indices in falling score; of equal scores the earlier comes first."""
        return np.argsort(-self.scores, kind="stable")

    @cached_property
    def ranks(self) -> IntArray:
        """[n] place in falling score, from 1: how texts name a mark."""
        ranks = np.empty(len(self), dtype=np.intp)
        ranks[self.order] = np.arange(1, len(self) + 1)
        return ranks


NO_FINDINGS = Findings.of_points(np.zeros((0, 3)))


@dataclass(frozen=True, eq=False)
class ImageFindings:
    """One image to be scored.

    Attributes:
        image: its name in tables and texts (case id, series UID, file name).
        truth: the lesions that a detector should find.
        marks: what a detector says, in any order.
        excluded: what some policies count neither way when it is marked.
        geometry: the grid of the masks, and what a pixel is; None where only positions are known.
        seen_geometry: the grid of the image that the detector worked on; None where that is not known.
        patient: the same for all images of a patient; empty where that is not known.
    """

    image: str
    truth: Findings
    marks: Findings
    excluded: Findings = field(default=NO_FINDINGS)
    geometry: Geometry | None = None
    seen_geometry: Geometry | None = None
    patient: str = ""


def _column(values: npt.ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64).reshape(-1)
