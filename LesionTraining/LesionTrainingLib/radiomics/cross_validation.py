"""Cross-validation in which nothing of a patient who is told can be learned from.

What learns is called with the patients to learn from and their outcomes, and with nothing else: it never holds a row, a cube or
an outcome of the patients it will be asked about. Whatever it learns, filling gaps, scaling and choosing features among it, comes
from the former alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.progress import Progress

from ..evaluation.metrics.roc import confusion, roc
from .folds import Fold

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Subjects = TypeVar("Subjects", bound="Restrictable")


class Restrictable(Protocol):
    """Data of patients: a table of features, a set of cubes."""

    @property
    def patients(self) -> tuple[str, ...]: ...

    def of(self: Subjects, patients: Sequence[str]) -> Subjects:
        """Of these patients alone, in this order."""
        ...


class Classifier(Protocol):
    """What has learned.

    Attributes:
        threshold: probability from which it calls a patient positive.
        chosen: names of the features that it looks at.
        tuned: what its inner folds chose, by name.
    """

    @property
    def threshold(self) -> float: ...

    @property
    def chosen(self) -> tuple[str, ...]: ...

    @property
    def tuned(self) -> Mapping[str, Any]: ...

    def probabilities(self, subjects: Any) -> FloatArray:
        """[n] of a positive outcome."""
        ...


class Learn(Protocol):
    """Learns from ``subjects`` and ``positive`` [n]; the same seed learns the same. Fit to be sent to other processes."""

    def __call__(self, subjects: Any, positive: BoolArray, seed: int, progress: Progress) -> Classifier: ...


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What one fold gave. n = its patients.

    Attributes:
        repeat, number: of the fold, from 0.
        patients: [n] that were told.
        positive: [n] what became of them.
        probabilities: [n] as they were told.
        threshold: from which a patient is called positive; set on the patients learned from.
        chosen: features.
        tuned: what the inner folds chose.
        accuracy, sensitivity, specificity, auc: in this fold.
    """

    repeat: int
    number: int
    patients: tuple[str, ...]
    positive: BoolArray
    probabilities: FloatArray
    threshold: float
    chosen: tuple[str, ...] = ()
    tuned: Mapping[str, Any] = field(default_factory=dict)
    accuracy: float = field(init=False)
    sensitivity: float = field(init=False)
    specificity: float = field(init=False)
    auc: float = field(init=False)

    def __post_init__(self) -> None:
        counts = confusion(self.probabilities, self.positive, self.threshold)
        for name in ("accuracy", "sensitivity", "specificity"):
            object.__setattr__(self, name, getattr(counts, name))
        object.__setattr__(self, "auc", roc(self.probabilities, self.positive).auc)


def cross_validated(
    subjects: Restrictable,
    outcomes: Mapping[str, bool],
    folds: Sequence[Fold],
    learn: Learn,
    seed: int,
    progress: Progress,
) -> tuple[FoldResult, ...]:
    """Each fold's patients told by what learned from its training patients.

    Raises:
        Cancelled: through ``progress``. Whatever ``learn`` raises.
    """
    results = list[FoldResult]()
    for index, fold in enumerate(folds):
        part = progress.part(index / len(folds), (index + 1) / len(folds))
        part(0.0, f"Fold {index + 1} of {len(folds)}")
        positive = np.array([outcomes[patient] for patient in fold.training], dtype=np.bool_)
        classifier = learn(subjects.of(fold.training), positive, seed + index, part)
        told = classifier.probabilities(subjects.of(fold.test))
        results.append(
            FoldResult(
                fold.repeat,
                fold.number,
                fold.test,
                np.array([outcomes[patient] for patient in fold.test], dtype=np.bool_),
                np.clip(np.asarray(told, dtype=np.float64), 0.0, 1.0),
                classifier.threshold,
                classifier.chosen,
                classifier.tuned,
            )
        )
    return tuple(results)


def mean_auc(results: Sequence[FoldResult]) -> float:
    """Mean of the folds' areas: what permutations compare. (The area of all folds pooled lies below a half where nothing is to be
    learned, as a fold with many positives is told by those with fewer.)"""
    return float(np.mean([result.auc for result in results]))
