"""Seeded shuffling without replacement, in which any step's samples can be computed without going through those before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..engine.randomness import stream


class EpochOrder:
    """All samples in random order, then all again in another, and so on, cut into batches.

    What a step gets depends on seed, step and batch size only: there is no state to keep in a checkpoint. A batch at the
    end of an epoch goes on with the next one.

    Args:
        count: how many samples there are.
        name: so that several orders of one seed differ.
    """

    def __init__(self, count: int, seed: int, name: str = "epoch") -> None:
        if count < 1:
            raise ValueError("there is nothing to shuffle")
        self.count, self._seed, self._name = count, seed, name
        self._known: dict[int, npt.NDArray[np.int64]] = {}

    def indices(self, step: int, size: int) -> npt.NDArray[np.int64]:
        """[size] samples of the global batch of ``step``, where all steps have batches of ``size``."""
        numbers = np.arange(step * size, (step + 1) * size)
        epochs, places = numbers // self.count, numbers % self.count
        needed = range(int(epochs[0]), int(epochs[-1]) + 1)
        self._known = {epoch: self._order(epoch) for epoch in needed}
        return np.concatenate([self._known[epoch][places[epochs == epoch]] for epoch in needed])

    def epoch_of(self, step: int, size: int) -> float:
        """How often all samples were used before ``step``; 1.5 is in the middle of the second time."""
        return step * size / self.count

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        if epoch in self._known:
            return self._known[epoch]
        return stream(self._seed, self._name, epoch).permutation(self.count)
