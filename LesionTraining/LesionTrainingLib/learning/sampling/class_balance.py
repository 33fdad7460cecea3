"""Dynamic class balance: classes that the network gets wrong come more often (high-uptake lesions in CT, "Training").

Every so many steps the accuracy of each class is measured on a balanced validation set; from then on
P(class c) is proportional to max(1 - accuracy of c, 0.05).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from ..engine.randomness import stream


@dataclass(frozen=True)
class BalanceSettings:
    """How classes are balanced.

    Attributes:
        every: steps between two measurements (the paper's I; its 500 are steps here: an epoch would be 92,000 of them).
        least: a class that is always right still has this weight (the paper: 0.05).
    """

    every: int = 500
    least: float = 0.05


class ClassBalance:
    """The probabilities of the classes, and batches drawn by them. All classes are as likely until the first measurement.

    Attributes:
        probabilities: [classes] float64, sum 1.
    """

    def __init__(self, classes: int, settings: BalanceSettings, seed: int, name: str = "classes") -> None:
        self._settings, self._seed, self._name = settings, seed, name
        self._measured_at = 0
        self.probabilities: npt.NDArray[np.float64] = np.full(classes, 1 / classes)

    def is_due(self, step: int) -> bool:
        """Whether the accuracies are to be measured before this step."""
        return step > 0 and step % self._settings.every == 0 and step != self._measured_at

    def observe(self, accuracies: Sequence[float] | npt.NDArray[np.floating[Any]], step: int) -> None:
        """Take the accuracy of each class, in [0, 1], measured before ``step``. A class without samples (NaN) counts as
        never right.

        Raises:
            ValueError: not one accuracy a class, or none in [0, 1].
        """
        measured = np.nan_to_num(np.asarray(accuracies, dtype=np.float64), nan=0.0)
        if measured.shape != self.probabilities.shape or measured.min() < 0 or measured.max() > 1:
            raise ValueError(f"{accuracies} are no accuracies of {len(self.probabilities)} classes")
        weights = np.maximum(1 - measured, self._settings.least)
        self.probabilities = weights / weights.sum()
        self._measured_at = step

    def draw(self, step: int, size: int) -> npt.NDArray[np.int64]:
        """[size] class of each sample of the global batch of ``step``: a function of seed, step and the last measurement."""
        random = stream(self._seed, self._name, step)
        return random.choice(len(self.probabilities), size=size, p=self.probabilities)

    def state(self) -> dict[str, Any]:
        """What changes, in plain values; exact."""
        return {"probabilities": self.probabilities.tolist(), "measured_at": self._measured_at}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state` gave."""
        self.probabilities = np.asarray(state["probabilities"], dtype=np.float64)
        self._measured_at = int(state["measured_at"])


def class_accuracies(predicted: npt.ArrayLike, true: npt.ArrayLike, classes: int) -> npt.NDArray[np.float64]:
    """[classes] share of the samples of each class that are predicted as it; NaN where there are none.

    Args:
        predicted, true: [n] classes.
    """
    predicted, true = np.asarray(predicted), np.asarray(true)
    total = np.bincount(true, minlength=classes)
    right = np.bincount(true[predicted == true], minlength=classes)
    shares = np.full(classes, np.nan)
    shares[total > 0] = right[total > 0] / total[total > 0]
    return shares


def balanced_subset(labels: npt.ArrayLike, seed: int) -> npt.NDArray[np.int64]:
    """Indices of a balanced set: all samples of the smallest class, as many of each other one, drawn without replacement.

    Args:
        labels: [n] class of each sample; classes that do not occur do not count.

    Returns:
        [m] int64, rising.

    Raises:
        InputError: no samples.
    """
    labels = np.asarray(labels)
    if not len(labels):
        raise InputError("There are no samples to measure the classes' accuracy on. Is the validation part empty?")
    random = stream(seed, "balanced subset")
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    least = min(len(group) for group in groups)
    return np.sort(np.concatenate([random.choice(group, least, replace=False) for group in groups])).astype(np.int64)
