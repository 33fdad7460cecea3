"""Non-maximum suppression of points: of findings that lie too near to each other, the one with the highest score stays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree


def suppress_near(
    points_mm: npt.ArrayLike, scores: npt.ArrayLike, distance_mm: npt.ArrayLike, most: int | None = None
) -> npt.NDArray[np.intp]:
    """Keep the best point, drop all nearer to it than a distance, and so on with what is left.

    Args:
        points_mm: [n, 3] positions in any frame whose unit is mm.
        scores: [n]; of equal scores the earlier point wins.
        distance_mm: one number, or [n]: two points are too near if they lie nearer than the larger of their two.
        most: stop after so many.

    Returns:
        Indices of the points that stay, in falling score.
    """
    points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
    radius = np.broadcast_to(np.asarray(distance_mm, dtype=np.float64), len(points))
    falling = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    if not len(points):
        return falling
    tree = cKDTree(points)
    reach = float(radius.max())
    alive = np.ones(len(points), dtype=bool)
    kept: list[int] = []
    for index in falling:
        if most is not None and len(kept) >= most:
            break
        if not alive[index]:
            continue
        kept.append(int(index))
        near = np.array(tree.query_ball_point(points[index], reach), dtype=np.intp)
        apart = np.linalg.norm(points[near] - points[index], axis=1)
        alive[near[apart < np.maximum(radius[near], radius[index])]] = False
    return np.array(kept, dtype=np.intp)
