"""The screening network's score at every searched place of a scan."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from LesionDetectionLib.core.progress import Progress

from ..pieces import Tick
from ..tiles import Triple, run_tiles
from .layers import Route, ScoringLayers
from .network import ScreeningFCN, screening_mapping
from .peaks import grown
from .preprocessing import PreparedScan

FloatArray = npt.NDArray[np.float64]

TILE_ZYX: Triple = (128, 128, 128)
"""Scores of one piece of work, on a CPU: at its borders 12 rows and columns of the first layer, 8 of the second and 4 of the
third are computed twice, where they are wanted on both sides."""
TILE_GPU_ZYX: Triple = (512, 256, 256)
"""The same on a GPU, which works on one piece at a time."""
TILE_OF_FEW_ZYX: Triple = (64, 64, 64)
"""The same for scores here and there: boxes shrink to what is asked for in them."""
SLICES, SLICES_GPU = 8, 32
"""Of scores that go through the network together. Memory hangs on these, not on the length of the scan: at the paper's widths
up to 160 MB of features a thread on a CPU."""


@dataclass(frozen=True, eq=False)
class ScoreVolume:
    """The screening network's opinion on a grid of its stride.

    Attributes:
        logits: [z, y, x] float32, logit of the nodule probability; -inf where it was not asked for.
        stride_zyx, first_zyx: score (z, y, x) is at index ``stride * (z, y, x) + first`` of the working grid.
    """

    logits: npt.NDArray[np.float32]
    stride_zyx: Triple
    first_zyx: tuple[float, float, float]

    def ijk(self, zyx: npt.NDArray[np.intp]) -> FloatArray:
        """Continuous (i, j, k) on the working grid, [n, 3], of scores (z, y, x), [n, 3]."""
        return np.asarray((zyx * self.stride_zyx + self.first_zyx)[:, ::-1], dtype=np.float64)


def score_volume(
    prepared: PreparedScan,
    network: ScreeningFCN,
    device: torch.device,
    progress: Progress | None = None,
    tile_zyx: Triple | None = None,
    number: torch.dtype = torch.float32,
    route: Route = "cheaper",
    asked: npt.NDArray[np.bool_] | None = None,
) -> ScoreVolume:
    """Run the network fully convolutionally over the searched part of the scan.

    In float32 every score equals, to rounding, the one of a single pass over the whole volume with air around it, whatever the
    tile and the route. There is a score for every searched voxel and for its neighbours (a peak is told by these).

    Args:
        asked: [z, y, x], the scores to compute instead of these, if they are few.

    Raises:
        DeviceError: the memory is full even with the smallest tile.
        Cancelled: when the user cancelled.
    """
    mapping = screening_mapping(network)
    stride, window = mapping.stride_zyx, mapping.window_zyx
    # Windows of even size have their centre between two voxels; so has the first score: between voxels 0 and 1.
    before = tuple(math.floor(offset) for offset in mapping.offset_zyx)
    few = asked is not None
    asked = grown(searched(prepared, stride)) if asked is None else asked
    logits = np.full(asked.shape, -np.inf, dtype=np.float32)
    layers = ScoringLayers(network, device, number, route, narrow=few)
    gpu = device.type == "cuda"
    tile = tile_zyx or (TILE_GPU_ZYX if gpu else TILE_OF_FEW_ZYX if few else TILE_ZYX)

    slices = (SLICES_GPU if gpu else SLICES) // (2 if few else 1)

    def work(start: Triple, stop: Triple, tick: Tick) -> None:
        corner = [stride[axis] * start[axis] - before[axis] for axis in range(3)]
        size = [stride[axis] * (stop[axis] - start[axis] - 1) + window[axis] for axis in range(3)]

        def voxels(first: int, last: int) -> npt.NDArray[np.float32]:
            return prepared.box((corner[0] + first, corner[1], corner[2]), (last - first, size[1], size[2]))

        box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        for first, last, scores in layers.scores(voxels, asked[box], min(tile[0], slices)):
            wanted = asked[box][first:last]
            tick(int(np.count_nonzero(wanted)))
            logits[box][first:last][wanted] = scores[wanted]

    run_tiles(asked, tile, device, work, progress or Progress(), "Looking for candidates")
    first = tuple(offset - pad for offset, pad in zip(mapping.offset_zyx, before, strict=True))
    return ScoreVolume(logits, stride, (first[0], first[1], first[2]))


def searched(prepared: PreparedScan, stride_zyx: Triple) -> npt.NDArray[np.bool_]:
    """Which scores belong to searched voxels, [z, y, x]."""
    z, y, x = stride_zyx
    return prepared.search[::z, ::y, ::x]
