"""A radiomics study: who was told what, how well, and how likely that is by chance."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.caching.workers import Died, work_in_processes
from ..cohorts.cohort import LeftOut
from ..evaluation.metrics.bootstrap import bootstrap_interval
from ..evaluation.metrics.interval import Interval
from ..evaluation.metrics.roc import auc_of_each
from .calibration import Calibration, calibrate
from .cross_validation import FoldResult, Learn, Restrictable, cross_validated, mean_auc
from .dependencies import require
from .folds import Fold, drawn_folds, given_folds
from .settings import RPET_NET, StudySettings
from .table import FeatureTable

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
SCORES = ("accuracy", "sensitivity", "specificity", "auc")
_FOR_STUDY = 0.1
"""Share of the time before permutations, for the progress bar."""


@dataclass(frozen=True, eq=False)
class Permutations:
    """The whole study done again with outcomes dealt out by chance, N times.

    Attributes:
        observed: mean area below the folds' ROC of the study itself.
        by_chance: [N] the same of each permutation.
    """

    observed: float
    by_chance: FloatArray

    @property
    def p(self) -> float:
        """How likely an area at least as large is by chance: never 0, as the study itself is one of the possible dealings.

        Source: B. Phipson and G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39.
        """
        return float((1 + np.count_nonzero(self.by_chance >= self.observed - 1e-12)) / (1 + len(self.by_chance)))


@dataclass(frozen=True, eq=False)
class Study:
    """n = patients.

    Attributes:
        settings: of it.
        folds: results of all folds of all repeats.
        patients: [n].
        positive: [n] what became of them.
        probabilities: [n] as they were told by what had not learned from them; the mean over repeats.
        pooled: area below the ROC of these, with a bootstrap interval over patients.
        permutations: None where none was asked for.
        calibration: of ``probabilities``.
        left_out: patients who take no part, and why.
    """

    settings: StudySettings
    folds: tuple[FoldResult, ...]
    patients: tuple[str, ...]
    positive: BoolArray
    probabilities: FloatArray
    pooled: Interval
    permutations: Permutations | None
    calibration: Calibration
    left_out: tuple[LeftOut, ...] = ()

    def mean_and_sd(self, score: str) -> tuple[float, float]:
        """Of one of :data:`SCORES` over the folds; the sample's standard deviation, as papers give it."""
        values = np.array([getattr(fold, score) for fold in self.folds])
        return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")

    @cached_property
    def times_chosen(self) -> dict[str, int]:
        """Feature -> in how many folds it was chosen, the most often chosen first."""
        counts = dict[str, int]()
        for fold in self.folds:
            for name in fold.chosen:
                counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def nested_cross_validation(
    table: FeatureTable,
    outcomes: Mapping[str, bool],
    settings: StudySettings,
    progress: Progress | None = None,
    folds: Sequence[Sequence[str]] | None = None,
    workers: int = 1,
) -> Study:
    """Learn from features, and tell patients that were not learned from.

    Everything that is learned, from the filling of gaps to the number of features, is one pipeline that is fitted on the
    training patients of a fold alone; see :mod:`.cross_validation`.

    Args:
        table: features.
        outcomes: patient -> whether the outcome is positive; those in one of both alone are left out.
        folds: the patients to be told in each fold, where somebody else drew them; ``settings.folds`` and ``repeats`` then say
            nothing.
        workers: processes for the permutations.

    Raises:
        InputError: too few patients, or nothing in the table. UsageError: the classifier learns from no features.
        Cancelled: through ``progress``. DependencyError: scikit-learn is not installed.
    """
    if settings.classifier == RPET_NET:
        raise UsageError(f"{RPET_NET} learns from images, not from a table of features.")
    require("sklearn")
    from .pipeline import LearnFeatures

    if not table.names or np.isnan(table.values).all():
        raise InputError("The table of features holds no value.")
    return study_of(table, outcomes, settings, LearnFeatures(settings), progress, folds, workers)


def study_of(
    subjects: Restrictable,
    outcomes: Mapping[str, bool],
    settings: StudySettings,
    learn: Learn,
    progress: Progress | None = None,
    folds: Sequence[Sequence[str]] | None = None,
    workers: int = 1,
) -> Study:
    """The same with anything that learns from data of patients."""
    progress = progress or Progress()
    known, left_out = _matched(subjects.patients, outcomes)
    if folds is None:
        plan = drawn_folds(known, settings)
    else:
        plan, without = given_folds(folds, known, settings)
        left_out += without
    share = _FOR_STUDY if settings.permutations else 1.0
    results = cross_validated(subjects, known, plan, learn, settings.seed, progress.part(0.0, share))
    permutations = None
    if settings.permutations:
        work = _Permuted(subjects, known, plan, learn, settings.seed)
        by_chance = _permuted(work, settings.permutations, workers, progress.part(share, 1.0))
        permutations = Permutations(mean_auc(results), by_chance)
    progress(1.0, "Done")
    return _study(settings, results, permutations, left_out)


def _matched(patients: Sequence[str], outcomes: Mapping[str, bool]) -> tuple[dict[str, bool], list[LeftOut]]:
    """The outcomes of those who have data, in the order of the data."""
    known = {patient: outcomes[patient] for patient in patients if patient in outcomes}
    if not known:
        raise InputError(
            "No patient of the images has an outcome in the table: are the patients named alike in both?"
            + (f" In the images: {patients[0]}; in the table: {next(iter(outcomes))}." if patients and outcomes else "")
        )
    without = [LeftOut(patient, "Its outcome is not known.") for patient in patients if patient not in outcomes]
    without += [LeftOut(patient, "It was not measured.") for patient in outcomes if patient not in known]
    return known, without


def _study(
    settings: StudySettings,
    results: Sequence[FoldResult],
    permutations: Permutations | None,
    left_out: Sequence[LeftOut],
) -> Study:
    told, true = dict[str, list[float]](), dict[str, bool]()
    for result in results:
        for patient, positive, probability in zip(result.patients, result.positive, result.probabilities, strict=True):
            told.setdefault(patient, []).append(float(probability))
            true[patient] = bool(positive)
    patients = tuple(sorted(told))
    probabilities = np.array([np.mean(told[patient]) for patient in patients])
    positive = np.array([true[patient] for patient in patients], dtype=np.bool_)
    pooled = bootstrap_interval(
        (probabilities, positive), auc_of_each, resamples=settings.bootstraps, seed=settings.seed
    )
    calibration = calibrate(probabilities, positive)
    return Study(
        settings, tuple(results), patients, positive, probabilities, pooled, permutations, calibration, tuple(left_out)
    )


@dataclass(frozen=True, eq=False)
class _Permuted:
    """One permutation a call; sent to other processes.

    Outcome and fold of a patient are dealt out together, so that each fold keeps its numbers of both classes.
    """

    subjects: Any
    outcomes: Mapping[str, bool]
    plan: Sequence[Fold]
    learn: Learn
    seed: int

    def __call__(self, number: int, progress: Progress | None = None) -> float:
        patients = sorted(self.outcomes)
        order = np.random.default_rng([self.seed, number]).permutation(len(patients))
        given_to = {patient: patients[place] for patient, place in zip(patients, order, strict=True)}
        outcomes = {given_to[patient]: positive for patient, positive in self.outcomes.items()}
        folds = [
            replace(
                fold,
                training=tuple(given_to[patient] for patient in fold.training),
                test=tuple(given_to[patient] for patient in fold.test),
            )
            for fold in self.plan
        ]
        results = cross_validated(self.subjects, outcomes, folds, self.learn, self.seed, progress or Progress())
        return mean_auc(results)


def _permuted(work: Callable[..., float], count: int, workers: int, progress: Progress) -> FloatArray:
    found = np.full(count, np.nan)

    def report() -> None:
        done = int(np.isfinite(found).sum())
        progress(done / count, f"By chance {done} of {count}")

    if workers < 2 or count < 2:
        silent = Progress(lambda *_: report())  # a cancelled report raises through it
        for number in range(count):
            found[number] = work(number, silent)
        return found
    with contextlib.closing(work_in_processes(work, range(count), workers, report)) as answers:
        for number, answer in answers:
            if isinstance(answer, Died):
                raise InputError(
                    "A process that permuted outcomes was killed, most likely for want of memory. Use fewer."
                )
            found[number] = answer
    return found
