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

    Hungarian method with shortest augmenting paths (Jonker and Volgenant, Computing 38 (1987) 325-340).
    """
    rows, columns = costs.shape
    if rows == 0 or columns == 0:
        return []
    # Each row has a column of its own for staying alone, at cost 1.
    square = np.full((rows, columns + rows), 1e6)
    square[:, :columns] = np.where(costs < 1, costs, 1e6)
    square[np.arange(rows), columns + np.arange(rows)] = 1.0
    column_of = _solve(square)
    return [(row, column) for row, column in enumerate(column_of) if column < columns]


def _solve(costs: npt.NDArray[np.float64]) -> list[int]:
    """The column of each row, [R] of [C] with R <= C."""
    rows, columns = costs.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    for row in range(rows):
        # The shortest augmenting path from this row to a free column.
        reach, came_from, done = np.full(columns, np.inf), np.full(columns, -1), np.zeros(columns, bool)
        current, column, length = row, -1, 0.0
        while True:
            reduced = length + costs[current] - row_price[current] - column_price
            closer = ~done & (reduced < reach)
            reach[closer], came_from[closer] = reduced[closer], column
            column = int(np.where(done, np.inf, reach).argmin())
            length = float(reach[column])
            done[column] = True
            if row_of[column] < 0:
                break
            current = int(row_of[column])
        passed = done & (row_of >= 0)
        row_price[row_of[passed]] += length - reach[passed]
        row_price[row] += length
        column_price[done] -= length - reach[done]
        while column >= 0:
            before = int(came_from[column])
            row_of[column] = row if before < 0 else row_of[before]
            column = before
    found = np.full(rows, -1)
    taken = row_of >= 0
    found[row_of[taken]] = np.flatnonzero(taken)
    return [int(column) for column in found]
