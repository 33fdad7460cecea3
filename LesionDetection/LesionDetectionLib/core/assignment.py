"""Optimal assignment: each of one set to at most one of another, at the least total cost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def assign(costs: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """(row, column) pairs of the least total cost, in rising row; a pair is made only where it costs less than 1.

    Leaving a row and a column alone costs 1 together: a pair at 0.9 is made, and two pairs at 0.9 are not made where one
    at 0.1 uses up one of each and leaves the others alone (0.1 + 1 < 1.8).

    Args:
        costs: [R, C], 0 or more; ``inf`` where a pair is impossible.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = costs.shape
    if rows == 0 or columns == 0:
        return []
    # Each row has a column of its own for staying alone, at cost 1.
    square = np.full((rows, columns + rows), 1e6)
    square[:, :columns] = np.where(costs < 1, costs, 1e6)
    square[np.arange(rows), columns + np.arange(rows)] = 1.0
    chosen = zip(*linear_sum_assignment(square), strict=True)
    return [(int(row), int(column)) for row, column in chosen if column < columns]
