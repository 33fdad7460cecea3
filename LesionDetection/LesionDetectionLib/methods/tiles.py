"""The searched part of a scan, box by box: several at a time, each by one thread; smaller ones where the memory is full."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from LesionDetectionLib.core.progress import Progress

from .pieces import Tick, run_pieces

Triple = tuple[int, int, int]
Box = tuple[Triple, Triple]
"""Start and stop."""
Work = Callable[[Triple, Triple, Tick], None]


def run_tiles(
    asked: npt.NDArray[np.bool_], tile_zyx: Triple, device: torch.device, work: Work, progress: Progress, text: str
) -> None:
    """Call ``work(start, stop, tick)`` for boxes that hold all that is asked for; in halves what fails for lack of memory.

    Args:
        asked: [z, y, x].
        work: see :func:`.pieces.run_pieces`; an item is a place that is asked for.

    Raises:
        DeviceError: the memory is full even with the smallest box.
        Cancelled: when the user cancelled.
    """

    def shrunk(boxes: Iterable[Box]) -> list[Box]:
        return [box for box in (_shrunk(asked, box) for box in boxes) if box]

    run_pieces(
        shrunk(_split(asked.shape, tile_zyx)),
        device,
        lambda box, tick: work(*box, tick),
        lambda box: shrunk(_halves(box)),
        lambda box: int(np.count_nonzero(asked[_slices(box)])),
        progress,
        text,
    )


def _split(shape: tuple[int, ...], tile_zyx: Triple) -> Iterator[Box]:
    """Boxes of nearly equal size, none larger than the tile, that together are the whole."""
    edges = [
        np.linspace(0, length, math.ceil(length / size) + 1).round().astype(int)
        for length, size in zip(shape, tile_zyx, strict=True)
    ]
    for z0, z1 in zip(edges[0], edges[0][1:], strict=False):
        for y0, y1 in zip(edges[1], edges[1][1:], strict=False):
            for x0, x1 in zip(edges[2], edges[2][1:], strict=False):
                yield (int(z0), int(y0), int(x0)), (int(z1), int(y1), int(x1))


def _shrunk(asked: npt.NDArray[np.bool_], box: Box) -> Box | None:
    """The box around what is asked for in ``box``; None where that is nothing."""
    found = ndimage.find_objects(asked[_slices(box)].view(np.int8))
    if not found:
        return None
    z, y, x = ((a + part.start, a + part.stop) for a, part in zip(box[0], found[0], strict=True))
    return (z[0], y[0], x[0]), (z[1], y[1], x[1])


def _halves(box: Box) -> tuple[Box, Box]:
    """The two halves of a box of two places or more, along the axis that is longest."""
    start, stop = box
    size = [b - a for a, b in zip(start, stop, strict=True)]
    axis = int(np.argmax(size))
    middle = start[axis] + size[axis] // 2
    first_stop = tuple(middle if n == axis else end for n, end in enumerate(stop))
    second_start = tuple(middle if n == axis else begin for n, begin in enumerate(start))
    return (start, (first_stop[0], first_stop[1], first_stop[2])), (
        (second_start[0], second_start[1], second_start[2]),
        stop,
    )


def _slices(box: Box) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(*box, strict=True))
