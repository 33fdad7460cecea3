"""The patch network's response at every pixel of a slice without a loop over patches: dense and exact.

Neighbouring patches share nearly all that they see. At stride 1 each feature is computed once (`features.py`); the first fully
connected layer is a convolution of features (`hidden.py`) by one of two routes, and the others are matrix products
(`readout.py`), which bounds replace at most pixels on a CPU (`coarse_to_fine.py`). The result is the patch network's at each pixel
(`patches.py`) to 1e-5, those at the slice's edges included.

Memory does not hang on the slice's size: it is gone through in blocks, and within these in tiles.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..convolution.columns import Corner, corners_of
from ..device import full_precision
from ..workers import Workers
from .coarse_to_fine import FEWEST_UNITS, Bounds, CoarseToFine
from .features import MARGIN, PATCH_MARGIN, STRIDE, VOXELS_BEYOND, DenseFeatures
from .hidden import PHASES, HiddenLayer, tile_size
from .hidden_direct import DirectHidden
from .hidden_fourier import FourierHidden, fitting_size
from .network import CENTER_ZYX, PATCH_ZYX, PatchNetwork
from .patches import PAD, FloatArray
from .readout import Reader, Readout
from .scratch import Scratch, Scratches

Route = Literal["auto", "direct", "fourier"]
Mask = npt.NDArray[np.bool_]
Item = TypeVar("Item")

NOT_WANTED = -1.0
"""R where it was not asked for: nothing looks less like a lesion."""
BLOCK = 576
"""Pixels along y and x whose features are in memory together: 85 MB at the paper's 48 filters."""
BAND = 48
"""Rows of features that one thread computes at a time; 12 rows of the first layer beyond them are computed twice."""


class DenseSimilarity:
    """Lesion similarity R of slices, for one network on one device. Several threads may use it at once."""

    def __init__(
        self,
        network: PatchNetwork,
        device: torch.device,
        route: Route = "auto",
        number: torch.dtype = torch.float32,
        exact_from: float = -1.0,
    ) -> None:
        """
        Args:
            network: as trained; it is left as it is.
            route: of the first fully connected layer. "auto" is "fourier" in float32, which has a tenth to do, and "direct"
                else.
            number: 16-bit formats are several times faster on matrix units, but not exact.
            exact_from: R is exact where it is above. Where it is proven to lie at or below, something else at or below may
                stand for it, which takes less time on a CPU; with 0, all blobs are exact.
        """
        if number != torch.float32 and route == "fourier":
            raise ValueError(f"the Fourier route is in float32 only, not in {number}")
        self._network, self._device, self._number = network, device, number
        self._route: Route = "direct" if number != torch.float32 else "fourier" if route == "auto" else route
        self._features = DenseFeatures(network, device, number)
        self._readout = Readout(network, device, number)
        bounded = device.type == "cpu" and number == torch.float32 and network.fc2.out_features >= FEWEST_UNITS
        self._bounds = Bounds(network) if bounded else None
        self._exact_from = exact_from
        self._for_blocks, self._for_tiles = Scratches(device, number), Scratches(device, number)
        self._lock = threading.Lock()
        self._hidden: tuple[tuple[int, ...], HiddenLayer] | None = None

    def __call__(self, stack: FloatArray, wanted: Mask | None = None) -> FloatArray:
        """R [y, x] of the middle slice in (-1, 1); -1 where it is not ``wanted``.

        Args:
            stack: [5, y, x], values in [0, 1].
            wanted: [y, x]; only what these pixels need is computed. None: all.
        """
        if stack.ndim != 3 or stack.shape[0] != PATCH_ZYX[0]:
            raise ValueError(f"a stack has {PATCH_ZYX[0]} slices of rows and columns, not the shape {stack.shape}")
        wanted = np.ones(stack.shape[1:], dtype=bool) if wanted is None else wanted
        if wanted.shape != stack.shape[1:]:
            raise ValueError(f"wanted has the shape {wanted.shape}, the slice {stack.shape[1:]}")
        found = np.full(wanted.shape, NOT_WANTED, dtype=np.float32)
        hidden = self._hidden_for(stack.shape[1:])
        for rows, columns in _blocks(wanted):
            self._block(stack, wanted, hidden, rows, columns, found)
        return found

    def _hidden_for(self, shape: tuple[int, ...]) -> HiddenLayer:
        """Made for slices of one shape, as those of a scan are, and kept until others come."""
        with self._lock:
            if self._hidden is None or self._hidden[0] != shape:
                self._hidden = None
                self._hidden = (shape, self._made_for((shape[0], shape[1])))
            return self._hidden[1]

    def _made_for(self, shape: tuple[int, int]) -> HiddenLayer:
        if self._route == "direct":
            return DirectHidden(self._network, self._device, self._number)
        size = fitting_size(shape, self._network.conv2.out_channels, self._network.fc1.out_features)
        return FourierHidden(self._network, self._device, size)

    def _block(
        self, stack: FloatArray, wanted: Mask, hidden: HiddenLayer, rows: slice, columns: slice, found: FloatArray
    ) -> None:
        asked = wanted[rows, columns]
        height, width = tile_size(hidden)
        corners = corners_of(asked, width, height)
        voxels = torch.from_numpy(_with_margins(stack, rows, columns)).to(self._device)
        with self._for_blocks.one() as scratch:
            features = self._room(hidden, corners, asked.shape, scratch)
            depth = asked.shape[0] + MARGIN

            def fill(first: int) -> None:
                last = min(first + self._band(depth), depth)
                self._features.fill(features[first:last], voxels[:, first : last + VOXELS_BEYOND])

            self._each(fill, range(0, depth, self._band(depth)))

            def respond(some: Sequence[Corner]) -> None:
                for (y, x), logits in zip(some, self._responses(hidden, features, some, asked), strict=True):
                    part = (slice(y, y + height), slice(x, x + width))
                    inside, target = asked[part], found[rows, columns][part]
                    target[inside] = np.tanh(logits[: inside.shape[0], : inside.shape[1]][inside] / 2)

            self._each(respond, self._groups(hidden, corners))

    def _room(self, hidden: HiddenLayer, corners: Sequence[Corner], shape: tuple[int, ...], scratch: Scratch) -> Tensor:
        """For the features of a block with all that its tiles reach; 0 where nothing will be written."""
        size = [
            max(max(corner[axis] for corner in corners) + STRIDE * hidden.taken_yx[axis], shape[axis] + MARGIN)
            for axis in (0, 1)
        ]
        features = scratch("features", *size, self._network.conv2.out_channels)
        features[shape[0] + MARGIN :].zero_()
        features[:, shape[1] + MARGIN :].zero_()
        return features

    def _responses(
        self, hidden: HiddenLayer, features: Tensor, corners: Sequence[Corner], wanted: Mask
    ) -> list[FloatArray]:
        """r_l - r_b of tiles, [y, x] each; right where it is wanted."""
        asked = np.stack([_in_phases(wanted, corner, hidden.kept_yx) for corner in corners], axis=2)
        with self._for_tiles.one() as scratch:
            logits = torch.empty(asked.shape, device=self._device)
            tiles, read = None, self._reader()
            for where, units in hidden.results(features, corners, asked, scratch):
                if where[2] != tiles:
                    tiles, read = where[2], self._reader()
                logits[where] = read(units, asked[where], scratch)
        height, width = tile_size(hidden)
        of_tiles = logits.view(*asked.shape[:3], STRIDE, STRIDE).permute(2, 0, 3, 1, 4).reshape(-1, height, width)
        return list(of_tiles.cpu().numpy())

    def _reader(self) -> Reader:
        return self._readout if self._bounds is None else CoarseToFine(self._bounds, self._readout, self._exact_from)

    def _band(self, depth: int) -> int:
        return BAND if self._device.type == "cpu" else depth

    def _groups(self, hidden: HiddenLayer, corners: Sequence[Corner]) -> list[list[Corner]]:
        """Tiles for one call each: as many calls for each thread."""
        threads = torch.get_num_threads() if self._device.type == "cpu" else 1
        rounds = math.ceil(len(corners) / (threads * hidden.at_once))
        parts = np.array_split(np.arange(len(corners)), min(threads * rounds, len(corners)))
        return [[corners[index] for index in part] for part in parts]

    def _each(self, work: Callable[[Item], None], items: Sequence[Item]) -> None:
        """By all threads that this one may use."""

        def exactly(item: Item) -> None:
            with torch.inference_mode(), full_precision(self._device):
                work(item)

        if self._device.type != "cpu" or torch.get_num_threads() == 1 or len(items) == 1:
            for item in items:
                exactly(item)
            return
        with Workers(self._device, len(items)) as workers:
            for done in [workers.submit(exactly, item) for item in items]:
                done.result()


def _blocks(wanted: Mask) -> Iterator[tuple[slice, slice]]:
    """Boxes that hold all that is wanted, none larger than a block."""
    for rows in _parts(np.any(wanted, axis=1)):
        for columns in _parts(np.any(wanted[rows], axis=0)):
            inner = np.flatnonzero(np.any(wanted[rows, columns], axis=1))
            if len(inner):
                yield slice(rows.start + int(inner[0]), rows.start + int(inner[-1]) + 1), columns


def _parts(any_wanted: Mask) -> Iterator[slice]:
    places = np.flatnonzero(any_wanted)
    if len(places) == 0:
        return
    first, last = int(places[0]), int(places[-1]) + 1
    edges = np.linspace(first, last, math.ceil((last - first) / BLOCK) + 1).round().astype(int).tolist()
    for start, stop in itertools.pairwise(edges):
        yield slice(start, stop)


def _with_margins(stack: FloatArray, rows: slice, columns: slice) -> FloatArray:
    """What the patches around a box of pixels see, [5, y + 74, x + 74]."""
    shape = (rows.stop - rows.start + PATCH_MARGIN, columns.stop - columns.start + PATCH_MARGIN)
    seen = np.full((stack.shape[0], *shape), PAD, dtype=np.float32)
    top, left = rows.start - CENTER_ZYX[1], columns.start - CENTER_ZYX[2]
    y0, y1 = max(0, top), min(stack.shape[1], top + shape[0])
    x0, x1 = max(0, left), min(stack.shape[2], left + shape[1])
    seen[:, y0 - top : y1 - top, x0 - left : x1 - left] = stack[:, y0:y1, x0:x1]
    return seen


def _in_phases(wanted: Mask, corner: Corner, kept_yx: tuple[int, int]) -> Mask:
    """[y, x, phase] of the tile at ``corner`` of [y, x]; nothing is wanted beyond the end."""
    height, width = STRIDE * kept_yx[0], STRIDE * kept_yx[1]
    tile = np.zeros((height, width), dtype=bool)
    inside = wanted[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
    tile[: inside.shape[0], : inside.shape[1]] = inside
    phases = tile.reshape(kept_yx[0], STRIDE, kept_yx[1], STRIDE).transpose(0, 2, 1, 3)
    return phases.reshape(*kept_yx, PHASES)
