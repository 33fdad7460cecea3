"""Every class as often as the others, and each sample of a class once a round, without a state to keep."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .epochs import EpochOrder


class ClassOrder:
    """Classes take turns; within a class all samples come in random order, then all again in another.

    What a step gets depends on seed, step and batch size only, as of :class:`.epochs.EpochOrder`.

    Args:
        labels: [n] class of each sample; classes that no sample has are passed over.
        name: so that several orders of one seed differ.
    """

    def __init__(self, labels: npt.ArrayLike, seed: int, name: str = "classes") -> None:
        labels = np.asarray(labels)
        if not len(labels):
            raise ValueError("there is nothing to shuffle")
        self._groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        self._orders = [EpochOrder(len(group), seed, f"{name} {n}") for n, group in enumerate(self._groups)]

    def indices(self, step: int, size: int) -> npt.NDArray[np.int64]:
        """[size] samples of the global batch of ``step``, where all steps have batches of ``size``."""
        turns = np.arange(step * size, (step + 1) * size)
        count = len(self._groups)
        drawn = [self._one(int(turn % count), int(turn // count)) for turn in turns]
        return np.array(drawn, dtype=np.int64)

    def _one(self, group: int, turn: int) -> int:
        return int(self._groups[group][self._orders[group].indices(turn, 1)[0]])
