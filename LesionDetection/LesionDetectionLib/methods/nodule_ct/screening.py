"""First stage: score every place in the lungs, keep the peaks (Dou et al., MICCAI 2017, section 2.1)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.suppression import suppress_near

from ..device import is_out_of_memory, number_format, out_of_memory
from ..folding import for_inference
from .network import IndexMapping, ScreeningFCN, screening_mapping
from .preprocessing import PreparedScan
from .settings import NoduleSettings

FloatArray = npt.NDArray[np.float64]
Triple = tuple[int, int, int]

TILE_ZYX: Triple = (16, 64, 64)
"""Scores computed at once, on a CPU. The network sees 9 more slices and 28 more rows and columns for them; what lies in
these margins is computed twice. On a scan of 512 x 512 x 275 voxels this tile costs 1.9 times the least number of
operations, whole slices 2.8 times; larger tiles are no faster and need more memory than its 35 MB (16 channels)."""
TILE_GPU_ZYX: Triple = (64, 128, 128)
"""The same on a GPU, which wants more work at once."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places that may be nodules, the most probable first.

    Attributes:
        ijk: [n, 3] continuous index (i, j, k) on the working grid of the prepared scan.
        ras_mm: [n, 3] the same places in RAS mm.
        probability: [n] of the screening network.
    """

    ijk: FloatArray
    ras_mm: FloatArray
    probability: FloatArray

    def __len__(self) -> int:
        return len(self.probability)


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


def screen(
    prepared: PreparedScan,
    network: ScreeningFCN,
    settings: NoduleSettings,
    device: torch.device,
    progress: Progress | None = None,
) -> Candidates:
    """Candidates: peaks of the score volume that pass the threshold, by 3D non-maximum suppression.

    Raises:
        DeviceError: the memory is full even with the smallest tile.
        Cancelled: when the user cancelled.
    """
    scores = score_volume(prepared, network, device, progress)
    threshold = _logit(settings.candidate_threshold)
    peaks = scores.logits == ndimage.maximum_filter(scores.logits, size=3, mode="nearest")
    wanted = prepared.search[_at_scores(scores.stride_zyx)]
    zyx = np.argwhere(peaks & wanted & (scores.logits >= threshold))
    logits = scores.logits[tuple(zyx.T)].astype(np.float64)
    ijk = scores.ijk(zyx)
    ras_mm = prepared.geometry.ras_from_ijk(ijk)
    # The logit, not the probability, decides: rounded to float32, all probabilities above 0.99999997 are 1.
    kept = suppress_near(ras_mm, logits, settings.candidate_distance_mm, settings.most_candidates)
    return Candidates(ijk[kept], ras_mm[kept], 1 / (1 + np.exp(-logits[kept])))


def score_volume(
    prepared: PreparedScan,
    network: ScreeningFCN,
    device: torch.device,
    progress: Progress | None = None,
    tile_zyx: Triple | None = None,
) -> ScoreVolume:
    """Run the network fully convolutionally over the searched part of the scan, tile by tile.

    Every score equals, to rounding, the one of a single pass over the whole volume with air around it, whatever the
    tile. There is a score for every searched voxel and for its neighbours (a peak is told by these).
    """
    progress = progress or Progress()
    mapping = screening_mapping(network)
    stride = mapping.stride_zyx
    # Windows of even size have their centre between two voxels; so has the first score: between voxels 0 and 1.
    before = tuple(math.floor(offset) for offset in mapping.offset_zyx)
    asked = ndimage.binary_dilation(prepared.search[_at_scores(stride)], np.ones((3, 3, 3)))
    logits = np.full(asked.shape, -np.inf, dtype=np.float32)
    lean = for_inference(network, device)
    tiles = _Tiles(asked, tile_zyx or (TILE_GPU_ZYX if device.type == "cuda" else TILE_ZYX), device)
    for share, start, stop in tiles:
        progress(share, "Looking for candidates")
        box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        voxels = prepared.box(*_seen(mapping, before, start, stop))
        scores = tiles.run(lean, voxels, start, stop)
        if scores is not None:
            logits[box] = np.where(asked[box], scores, -np.inf)
    progress(1.0, "Looking for candidates")
    first = tuple(offset - pad for offset, pad in zip(mapping.offset_zyx, before, strict=True))
    return ScoreVolume(logits, stride, (first[0], first[1], first[2]))


class _Tiles:
    """The boxes of scores still to be computed: those with something asked for; halved where the memory is too small."""

    def __init__(self, asked: npt.NDArray[np.bool_], tile_zyx: Triple, device: torch.device) -> None:
        self._asked = asked
        self._device = device
        self._total = max(1, int(np.count_nonzero(asked)))
        self._done = 0
        self._waiting = [box for box in map(self._shrunk, _split(asked.shape, tile_zyx)) if box]
        self._waiting.reverse()

    def __iter__(self) -> Iterator[tuple[float, Triple, Triple]]:
        while self._waiting:
            start, stop = self._waiting.pop()
            yield self._done / self._total, start, stop

    def run(
        self, network: ScreeningFCN, voxels: npt.NDArray[np.float32], start: Triple, stop: Triple
    ) -> npt.NDArray[np.float32] | None:
        """Logits of one tile; None, with its two halves put in the queue, where the memory does not suffice."""
        try:
            with torch.inference_mode(), number_format(self._device):
                logits = network(torch.from_numpy(voxels)[None, None].to(self._device))[0]
                scores: npt.NDArray[np.float32] = (logits[1].float() - logits[0].float()).cpu().numpy()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._halve(start, stop, error)
            return None
        box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        self._done += int(np.count_nonzero(self._asked[box]))
        return scores

    def _halve(self, start: Triple, stop: Triple, error: BaseException) -> None:
        size = [b - a for a, b in zip(start, stop, strict=True)]
        axis = int(np.argmax(size))
        if size[axis] < 2:
            raise out_of_memory(self._device) from error
        middle = list(start)
        middle[axis] += size[axis] // 2
        first_stop = list(stop)
        first_stop[axis] = middle[axis]
        halves = (start, (first_stop[0], first_stop[1], first_stop[2])), ((middle[0], middle[1], middle[2]), stop)
        self._waiting += [box for box in (self._shrunk(half) for half in halves) if box]

    def _shrunk(self, box: tuple[Triple, Triple]) -> tuple[Triple, Triple] | None:
        """The box around what is asked for in ``box``; None where that is nothing."""
        start, stop = box
        found = ndimage.find_objects(
            self._asked[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))].astype(np.int8)
        )
        if not found:
            return None
        z, y, x = ((a + part.start, a + part.stop) for a, part in zip(start, found[0], strict=True))
        return (z[0], y[0], x[0]), (z[1], y[1], x[1])


def _split(shape: tuple[int, ...], tile_zyx: Triple) -> Iterator[tuple[Triple, Triple]]:
    """Boxes of nearly equal size, none larger than the tile, that together are the whole."""
    edges = [
        np.linspace(0, length, math.ceil(length / size) + 1).round().astype(int)
        for length, size in zip(shape, tile_zyx, strict=True)
    ]
    for z0, z1 in zip(edges[0], edges[0][1:], strict=False):
        for y0, y1 in zip(edges[1], edges[1][1:], strict=False):
            for x0, x1 in zip(edges[2], edges[2][1:], strict=False):
                yield (int(z0), int(y0), int(x0)), (int(z1), int(y1), int(x1))


def _seen(mapping: IndexMapping, before: tuple[int, ...], start: Triple, stop: Triple) -> tuple[Triple, Triple]:
    """First voxel and size of what the network must see for the scores from ``start`` to ``stop``."""
    first, size = [], []
    for axis in range(3):
        first.append(mapping.stride_zyx[axis] * start[axis] - before[axis])
        size.append(mapping.stride_zyx[axis] * (stop[axis] - start[axis] - 1) + mapping.window_zyx[axis])
    return (first[0], first[1], first[2]), (size[0], size[1], size[2])


def _at_scores(stride_zyx: Triple) -> tuple[slice, slice, slice]:
    """Which voxels of the working grid have a score of their own."""
    return slice(None, None, stride_zyx[0]), slice(None, None, stride_zyx[1]), slice(None, None, stride_zyx[2])


def _logit(probability: float) -> float:
    if probability <= 0:
        return -math.inf
    return math.inf if probability >= 1 else math.log(probability / (1 - probability))
