"""The first fully connected layer at every pixel of a tile: what both routes share.

To the dense engine that layer is a convolution of 10 x 10 features that lie six pixels apart. Pixels whose row and column have
the same remainders by 6 (a phase) see features of that phase only, so that it is 36 plain convolutions of 10 x 10. A tile
is a box of pixels that are computed together, ``kept_yx`` of each phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ..convolution.columns import Corner
from .features import STRIDE
from .scratch import Scratch

PHASES = STRIDE * STRIDE
Asked = npt.NDArray[np.bool_]
Where = tuple[slice, slice, slice]
"""Rows, columns and tiles of [y, x, tile, phase]."""


class HiddenLayer(Protocol):
    """Before its ReLU.

    Attributes:
        kept_yx: pixels of each phase in a tile.
        taken_yx: features of each phase that these see.
        at_once: tiles of one call.
    """

    kept_yx: tuple[int, int]
    taken_yx: tuple[int, int]
    at_once: int

    def results(
        self, features: Tensor, corners: Sequence[Corner], asked: Asked, scratch: Scratch
    ) -> Iterator[tuple[Where, Tensor]]:
        """Piece by piece: which pixels, and their units [y, x, tile, phase, unit], to be used up before the next piece.

        Args:
            features: [y, x, filter], contiguous along x.
            corners: first feature of each tile, which is that of its first pixel.
            asked: [y, x, tile, phase]; pieces of which nothing is asked may be left out.
        """
        ...


def tile_size(layer: HiddenLayer) -> tuple[int, int]:
    """Pixels, (y, x)."""
    return STRIDE * layer.kept_yx[0], STRIDE * layer.kept_yx[1]


def phases_of(features: Tensor, corner: Corner, taken_yx: tuple[int, int]) -> Tensor:
    """[y, x, phase y, phase x, filter], a view: what the tile at ``corner`` sees."""
    (y, x), (height, width) = corner, taken_yx
    box = features[y : y + STRIDE * height, x : x + STRIDE * width]
    assert box.shape[:2] == (STRIDE * height, STRIDE * width)
    down, across, along = box.stride()
    return box.as_strided(
        (height, width, STRIDE, STRIDE, box.shape[2]),
        (STRIDE * down, STRIDE * across, down, across, along),
        box.storage_offset(),
    )
