"""The lesion similarity map of a scan (section 3): R at every pixel that is searched, slice by slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.progress import Progress

from ..pieces import Tick
from ..tiles import Triple, run_tiles
from .preprocessing import PreparedSlices

TITLE = "Lesion similarity"
BACKGROUND = -1.0
"""R where nothing is searched: nothing looks less like a lesion."""

Dense = Callable[[npt.NDArray[np.float32], npt.NDArray[np.bool_]], npt.NDArray[np.float32]]
"""R [j, i] of a stack [5, j, i] where it is wanted, [j, i]; see :class:`.dense.DenseSimilarity`."""


@dataclass(frozen=True, eq=False)
class SimilarityMap:
    """R in the box around what is searched.

    Attributes:
        values: [k, j, i] float32; -1 where nothing is searched.
        start_ijk: where the box begins on the working grid.
        geometry: of the box.
    """

    values: npt.NDArray[np.float32]
    start_ijk: Triple
    geometry: Geometry

    def image(self) -> Image:
        """To look at."""
        return Image(self.values, self.geometry.ijk_to_ras, name=TITLE)


def similarity_map(
    prepared: PreparedSlices, dense: Dense, device: torch.device, progress: Progress | None = None
) -> SimilarityMap:
    """Run the network over all slices in which anything is searched; several at a time on a CPU, each by one thread.

    A pixel's response is the same however many threads there are and, to rounding, whatever else is searched.

    Raises:
        DeviceError: the memory is full even with the smallest part of a slice.
        Cancelled: when the user cancelled; noticed between slices.
    """
    search = prepared.search
    (box,) = ndimage.find_objects(search.view(np.uint8))
    start = (box[2].start, box[1].start, box[0].start)
    values = np.full([part.stop - part.start for part in box], BACKGROUND, dtype=np.float32)

    def work(first: Triple, stop: Triple, tick: Tick) -> None:
        tick()
        k, rows, columns = first[0], slice(first[1], stop[1]), slice(first[2], stop[2])
        wanted = np.zeros(search.shape[1:], dtype=bool)
        wanted[rows, columns] = search[k, rows, columns]
        found = dense(prepared.stack(k), wanted)
        target = values[k - start[2], rows.start - start[1] : rows.stop - start[1]]
        target[:, columns.start - start[0] : columns.stop - start[0]] = found[rows, columns]

    one_slice = (1, search.shape[1], search.shape[2])
    run_tiles(search, one_slice, device, work, progress or Progress(), "Comparing with active lesions")
    nk, nj, ni = values.shape
    return SimilarityMap(values, start, prepared.geometry.crop(start, (ni, nj, nk)))
