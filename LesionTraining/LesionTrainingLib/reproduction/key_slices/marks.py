"""What a network marks on key slices: kept image by image, and matched with the lesions of either list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.slices.findings import Look, SliceFindings, find_in_slices, slices_to_look_at
from LesionDetectionLib.methods.slices.settings import MIDDLE, SliceSettings

from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut
from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.findings import Findings, ImageFindings
from ...evaluation.matching.outcome import Outcome
from ...evaluation.reading.ahead import ReadCase, work_on_read
from ...evaluation.reading.from_cohort import truth_of
from ..kept import keep_json, kept_json
from .data import edges_of

FloatArray = npt.NDArray[np.float64]
_DIGITS = 4
"""Of a pixel, and of a score of 1: what is kept is what is scored."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Of one image. m = marks.

    Attributes:
        edges: [m, 4] (x0, y0, x1, y1) of boxes in pixels of the slice.
        scores: [m].
    """

    edges: FloatArray
    scores: FloatArray


class MarkStore:
    """One JSON file an image.

    Args:
        folder: of them all.
        key: text that changes when the network does: what another one marked is not taken for this one's.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key

    def get(self, case: str) -> Marks | None:
        """What this very network marked; None where nothing is kept, or what is damaged."""
        values = kept_json(self._folder / f"{case}.json")
        if values is None or values.get("key") != self._key:
            return None
        try:
            edges = np.array(values["edges"], dtype=np.float64).reshape(-1, 4)
            scores = np.array(values["scores"], dtype=np.float64).reshape(-1)
        except (KeyError, TypeError, ValueError):
            return None
        return Marks(edges, scores) if len(edges) == len(scores) else None

    def put(self, case: str, marks: Marks) -> None:
        """Keep them. Raises OutputError."""
        rounded = {name: np.round(getattr(marks, name), _DIGITS).tolist() for name in ("edges", "scores")}
        keep_json(self._folder / f"{case}.json", {"key": self._key, **rounded})


class Reader:
    """A network that is shown the middle slice of images, with its neighbours.

    Args:
        method: what it sees.
        look: how it looks at slices, boxes and scores as the method's detector has them.
        where: device and number format in words: ``cpu (x86_64, 2 threads), bfloat16``.
    """

    def __init__(self, method: SliceSettings, look: Look, where: str = "") -> None:
        self._method, self._look, self.where = replace(method, slices=MIDDLE), look, where

    def look(self, image: Image) -> SliceFindings:
        """Raises DeviceError where the memory is full."""
        axial = to_axial(image)
        middle = slices_to_look_at(axial.geometry, self._method)
        (found,) = find_in_slices(axial, middle, self._look, self._method, 1, Progress())
        return found

    def milliseconds(self, image: Image) -> float:
        """Of one look."""
        start = perf_counter()
        self.look(image)
        return 1000 * (perf_counter() - start)


def look_at(
    cases: Sequence[Case], reader: Reader, store: MarkStore, workers: int, progress: Progress
) -> tuple[LeftOut, ...]:
    """Look at the images that this network has not marked, and keep the marks; gives those that cannot be read.

    Raises:
        OutputError: they cannot be kept.
        Cancelled: see ``progress``; what is kept stays.
    """
    waiting = [case for case in cases if store.get(case.id) is None]
    if not waiting:
        return ()

    def look(read: ReadCase) -> None:
        image = read.images[CT]
        found = reader.look(image)
        store.put(image.name, Marks(found.boxes, found.scores))

    _, left_out = work_on_read(waiting, look, workers, progress)
    return tuple(left_out)


def outcomes_of(cases: Sequence[Case], store: MarkStore, policy: DeepLesion | None = None) -> list[Outcome]:
    """One outcome a case by DeepLesion's rules. A case that the network could not look at has no marks: its lesions are missed,
    and rates divide by it too.

    Args:
        policy: with another overlap than DeepLesion's, where one is wanted.

    Raises:
        InputError: labels that cannot be read.
    """
    rules = policy or DeepLesion()
    outcomes = []
    for case in cases:
        lesions = case.truth().lesions
        truth = replace(truth_of(case).lesions, pixel_boxes=_pixels(edges_of(case, lesions)))
        outcomes.append(rules.match(ImageFindings(case.id, truth, _findings(store.get(case.id)), patient=case.patient)))
    return outcomes


def _findings(marks: Marks | None) -> Findings:
    count = 0 if marks is None else len(marks.scores)
    edges = np.zeros((0, 4)) if marks is None else marks.edges
    scores = np.zeros(0) if marks is None else marks.scores
    plain = Findings.of_points(np.full((count, 3), np.nan), scores=scores)
    return replace(plain, pixel_boxes=_pixels(edges))


def _pixels(edges: FloatArray) -> FloatArray:
    """[n, 4] first and last pixels of edges, as DeepLesion's rules have boxes."""
    return edges - (0, 0, 1, 1)
