"""Blobs of a similarity map: what a slice holds above zero, which of it passes, and what belongs together over slices.

The map says of each pixel how much more it looks like a lesion than like background: R, positive for lesion (Nalepa et al.,
Detecting High-Uptake Lesions from CT Using Deep Learning, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Member = tuple[int, int]
"""A blob: index of its slice in a sequence, and its number there."""


@dataclass(frozen=True, eq=False)
class SliceBlobs:
    """The blobs of one slice.

    Attributes:
        labels: [j, i] int32; 0 where no blob is, else the blob's number, 1 to n. Numbers rise with the first pixel of each blob,
            row by row.
        maxima: [n] float64; the largest R of each, R_max.
        areas: [n] int; its pixels, S.
    """

    labels: npt.NDArray[np.int32]
    maxima: npt.NDArray[np.float64]
    areas: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.maxima)

    def verified(self, least_response: float = 0.0, least_area: float = 0) -> npt.NDArray[np.bool_]:
        """[n]: whether R_max > ``least_response`` (T_R) and S > ``least_area`` (T_S, pixels): strictly, as in section 3."""
        return (self.maxima > least_response) & (self.areas > least_area)


def slice_blobs(similarity: npt.NDArray[np.floating[Any]]) -> SliceBlobs:
    """Connected pixels of a slice with R > 0; pixels that touch at a corner are connected.

    Args:
        similarity: [j, i], R; where it is not a number there is no blob.
    """
    similarity = np.ascontiguousarray(similarity)
    positive = similarity > 0
    count, found = cv2.connectedComponents(positive.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    labels = np.asarray(found, dtype=np.int32)
    places = np.flatnonzero(positive)
    numbers = labels.ravel()[places]
    # Which number OpenCV gives to which blob is not promised: they are counted anew, in the order of their first pixels.
    first = np.zeros(count, dtype=np.int64)
    first[numbers[::-1]] = places[::-1] + 1  # of several values for one number the last one stays
    renumbered = np.empty(count, dtype=np.int32)
    renumbered[np.argsort(first)] = np.arange(count, dtype=np.int32)
    numbers = renumbered[numbers] - 1
    maxima = np.full(count - 1, -np.inf)
    np.maximum.at(maxima, numbers, similarity.ravel()[places].astype(np.float64))
    return SliceBlobs(renumbered[labels], maxima, np.bincount(numbers, minlength=count - 1))


def join_over_slices(slices: Sequence[SliceBlobs], least_shared: float = 0.0) -> list[list[Member]]:
    """Which blobs belong together: those of neighbouring slices that share a pixel, and what hangs together through them.

    Args:
        slices: in order, all of one shape; neighbours in the sequence are neighbours in the scan.
        least_shared: at least this share of the larger blob's pixels must lie on the other one; 0 for a single pixel.

    Returns:
        Groups in the order of their first members; each with its members (slice index, blob number) in rising order.
    """
    counts = [len(blobs) for blobs in slices]
    if not any(counts):
        return []
    before = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    pairs = [np.empty((2, 0), dtype=np.int64)]
    for index in range(len(slices) - 1):
        if not counts[index] or not counts[index + 1]:
            continue
        lower, upper = slices[index].labels, slices[index + 1].labels
        shared = (lower > 0) & (upper > 0)
        # One number for each pair of blobs: there are few pairs and many shared pixels.
        both = lower[shared].astype(np.int64) * (counts[index + 1] + 1) + upper[shared]
        both, pixels = np.unique(both, return_counts=True)
        low, high = both // (counts[index + 1] + 1) - 1, both % (counts[index + 1] + 1) - 1
        enough = pixels >= least_shared * np.maximum(slices[index].areas[low], slices[index + 1].areas[high])
        pairs.append(np.stack([before[index] + low[enough], before[index + 1] + high[enough]]))
    rows, columns = np.concatenate(pairs, axis=1)
    total = int(before[-1])
    graph = coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), (total, total))
    count, group_of = connected_components(graph, directed=False)
    groups: dict[int, list[Member]] = {}
    for index, start in enumerate(before[:-1]):
        for number in range(1, counts[index] + 1):
            groups.setdefault(int(group_of[start + number - 1]), []).append((index, number))
    assert len(groups) == count
    return list(groups.values())
