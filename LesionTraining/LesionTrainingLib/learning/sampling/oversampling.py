"""Positives at a fixed share of each batch, and negatives of several kinds by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError, UsageError

IntArray = npt.NDArray[np.int64]


def positive_count(size: int, share: float) -> int:
    """How many of ``size`` samples are positives: the share, rounded, but at least one where it is not 0.

    As nnU-Net does: a third of a batch of 2 is one sample.

    Raises:
        UsageError: a share that is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"The share of positives must lie between 0 and 1, and is {share}.")
    return max(1, round(share * size)) if share > 0 and size else 0


def positive_mask(size: int, share: float) -> npt.NDArray[np.bool_]:
    """[size] which samples of a batch are positives: the first ones, which a ``share`` divides evenly among its parts."""
    return np.arange(size) < positive_count(size, share)


@dataclass(frozen=True, eq=False)
class Picked:
    """Samples that were drawn. n = samples.

    Attributes:
        kinds: [n] index into the names of the kinds, in the order of the weights.
        places: [n] index among the samples of that kind.
    """

    kinds: IntArray
    places: IntArray


def pick_by_weight(
    weights: Mapping[str, float], available: Mapping[str, int], count: int, random: np.random.Generator
) -> Picked:
    """Draw samples: a kind by its weight, then one of that kind, each as likely, with replacement.

    The weights of kinds that have no samples (nothing mined yet) fall to the others in proportion.

    Args:
        weights: kind -> weight, not negative.
        available: kind -> number of samples; a kind that is missing has none.

    Raises:
        UsageError: a negative weight.
        InputError: no kind has both weight and samples.
    """
    names = list(weights)
    if any(weights[name] < 0 for name in names):
        raise UsageError(f"Weights of samples cannot be negative: {dict(weights)}.")
    numbers = np.array([available.get(name, 0) for name in names], dtype=np.int64)
    shares = np.array([weights[name] for name in names], dtype=np.float64) * (numbers > 0)
    if count and not shares.sum():
        raise InputError(f"There are no samples of any of these kinds: {', '.join(names)}.")
    kinds = random.choice(len(names), size=count, p=shares / shares.sum()) if count else np.zeros(0, np.int64)
    places = np.floor(random.random(count) * numbers[kinds]).astype(np.int64)
    return Picked(kinds.astype(np.int64), places)


def pick_per_group(group_sizes: Sequence[int], count: int, random: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Draw a group (an image, a patient) that has any, each as likely, then one of its samples; with replacement.

    So an image with a hundred lesions does not outweigh fifty with two.

    Returns:
        [count] groups, [count] indices within them.

    Raises:
        InputError: all groups are empty.
    """
    sizes = np.asarray(group_sizes, dtype=np.int64)
    filled = np.flatnonzero(sizes)
    if count and not len(filled):
        raise InputError("None of the images has a lesion: there is nothing to learn.")
    groups = filled[random.integers(len(filled), size=count)] if count else np.zeros(0, np.int64)
    return groups, np.floor(random.random(count) * sizes[groups]).astype(np.int64)
