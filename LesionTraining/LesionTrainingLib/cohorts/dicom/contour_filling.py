"""Filling polygons on a grid of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def fill(polygons: Sequence[npt.NDArray[np.float64]], rows: int, columns: int) -> npt.NDArray[np.bool_]:
    """The pixels whose centres lie inside an odd number of polygons (even-odd rule), [rows, columns].

    So an inner contour is a hole, and a keyhole (a channel that is walked in both directions) encloses nothing itself.
    A centre exactly on an outline belongs to the polygon on its right and below it: two polygons with a common edge
    cover each pixel once.

    Args:
        polygons: [n, 2] (column, row) of the corners each, in pixels; pixel centres lie at whole numbers. The last corner
            is joined to the first.
    """
    if not polygons:
        return np.zeros((rows, columns), dtype=bool)
    starts = np.concatenate([np.asarray(polygon, dtype=np.float64) for polygon in polygons])
    stops = np.concatenate([np.roll(np.asarray(polygon, dtype=np.float64), -1, axis=0) for polygon in polygons])
    row, column = _crossings(starts, stops, rows)
    # Each crossing turns all pixels right of it from outside to inside or back.
    first = np.clip(np.ceil(column), 0, columns).astype(np.intp)
    turns = np.zeros((rows, columns + 1), dtype=np.int64)
    np.add.at(turns, (row, first), 1)
    return np.asarray(np.cumsum(turns[:, :columns], axis=1) % 2 == 1)


def _crossings(
    starts: npt.NDArray[np.float64], stops: npt.NDArray[np.float64], rows: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Where edges cross the lines through the rows' centres: row, and column."""
    # From the upper to the lower end, so that an edge walked in both directions is crossed at the very same place.
    swap = starts[:, 1] > stops[:, 1]
    upper, lower = np.where(swap[:, None], stops, starts), np.where(swap[:, None], starts, stops)
    # Half-open: a corner on a row's line counts for the edge below it alone.
    first = np.clip(np.ceil(upper[:, 1]), 0, rows).astype(np.intp)
    end = np.clip(np.ceil(lower[:, 1]), 0, rows).astype(np.intp)
    counts = end - first
    edge = np.repeat(np.arange(len(counts)), counts)
    row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    run = (row - upper[edge, 1]) / (lower[edge, 1] - upper[edge, 1])
    return row.astype(np.intp), upper[edge, 0] + run * (lower[edge, 0] - upper[edge, 0])
