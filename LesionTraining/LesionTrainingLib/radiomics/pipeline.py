"""What learns from features: one scikit-learn pipeline, from filling gaps to the classifier, tuned in inner folds.

Loads scikit-learn; load it late.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.progress import Progress
from sklearn import config_context
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectorMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ..evaluation.metrics.roc import auc_of_each
from .settings import FOREST, LASSO, StudySettings
from .table import FeatureTable

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
_ROUNDING = 1e-9
"""Values that differ by less than this share of their size are one value."""
_LASSO_STRENGTH = 1.0
_STEPS = 1000


def discrimination(values: FloatArray, positive: BoolArray) -> FloatArray:
    """[m] how well each column of [n, m] values tells the classes apart: its distance from an area below the ROC of a half."""
    areas = auc_of_each(np.ascontiguousarray(values.T), np.broadcast_to(positive, values.T.shape))
    return np.nan_to_num(np.abs(areas - 0.5))


class Filled(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Values that are not defined become the median of the column among those learned from; 0 where none of these is defined."""

    def fit(self, values: FloatArray, positive: npt.ArrayLike | None = None) -> Filled:
        self.n_features_in_ = values.shape[1]
        defined = ~np.isnan(values).all(axis=0)
        self.medians_ = np.zeros(values.shape[1])
        self.medians_[defined] = np.nanmedian(values[:, defined], axis=0)
        return self

    def transform(self, values: FloatArray) -> FloatArray:
        return np.where(np.isnan(values), self.medians_, values)


class _Selector(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """Keeps the columns that ``_kept`` chooses in fitting."""

    def fit(self, values: FloatArray, positive: npt.ArrayLike) -> _Selector:
        self.n_features_in_ = values.shape[1]
        self.kept_ = self._kept(values, np.asarray(positive, dtype=np.bool_))
        return self

    def _kept(self, values: FloatArray, positive: BoolArray) -> BoolArray:
        raise NotImplementedError

    def _get_support_mask(self) -> BoolArray:
        return self.kept_


class Varying(_Selector):
    """Columns that are not the same everywhere; where all are, the first stays."""

    def _kept(self, values: FloatArray, positive: BoolArray) -> BoolArray:
        kept = np.ptp(values, axis=0) > _ROUNDING * np.abs(values).max(axis=0)
        if not kept.any():
            kept[0] = True
        return np.asarray(kept, dtype=np.bool_)


class Uncorrelated(_Selector):
    """Of columns that are correlated (Pearson, either sign) more than ``most`` that which tells the classes apart best."""

    def __init__(self, most: float = 0.9) -> None:
        self.most = most

    def _kept(self, values: FloatArray, positive: BoolArray) -> BoolArray:
        centred = values - values.mean(axis=0)
        length = np.linalg.norm(centred, axis=0)
        unit = centred / np.where(length > 0, length, 1.0)
        related = np.abs(unit.T @ unit)
        open_, kept = np.ones(values.shape[1], dtype=np.bool_), np.zeros(values.shape[1], dtype=np.bool_)
        for column in np.argsort(-discrimination(values, positive), kind="stable"):
            if open_[column]:
                kept[column] = True
                open_ &= related[column] <= self.most
        return kept


class Strongest(_Selector):
    """The ``count`` columns that tell the classes apart best, each alone."""

    def __init__(self, count: int = 4) -> None:
        self.count = count

    def _kept(self, values: FloatArray, positive: BoolArray) -> BoolArray:
        kept = np.zeros(values.shape[1], dtype=np.bool_)
        kept[np.argsort(-discrimination(values, positive), kind="stable")[: self.count]] = True
        return kept


class Weightiest(_Selector):
    """The ``count`` columns with the largest weights of a logistic regression that sets most of them to 0 (L1)."""

    def __init__(self, count: int = 4, strength: float = _LASSO_STRENGTH, seed: int = 0) -> None:
        self.count, self.strength, self.seed = count, strength, seed

    def _kept(self, values: FloatArray, positive: BoolArray) -> BoolArray:
        weights = np.abs(_lasso(self.strength, self.seed).fit(values, positive).coef_[0])
        order = np.lexsort((-discrimination(values, positive), -weights))  # weights of 0 by their own worth
        kept = np.zeros(values.shape[1], dtype=np.bool_)
        kept[order[: self.count]] = True
        return kept


def _lasso(strength: float, seed: int) -> LogisticRegression:
    """scikit-learn 1.8 says by a ratio what it had said by a name."""
    by_name = inspect.signature(LogisticRegression).parameters["penalty"].default == "l2"
    how = {"penalty": "l1"} if by_name else {"l1_ratio": 1.0}
    return LogisticRegression(C=strength, solver="liblinear", max_iter=_STEPS, random_state=seed, **how)


def make_pipeline(settings: StudySettings, seed: int) -> Pipeline:
    """All that is learned, in order. Nothing of it is fitted yet."""
    selection = Weightiest(seed=seed) if settings.selection == LASSO else Strongest()
    forest = RandomForestClassifier(settings.trees, random_state=seed)
    return Pipeline(
        [
            ("fill", Filled()),
            ("varying", Varying()),
            ("scale", StandardScaler()),
            ("uncorrelated", Uncorrelated(settings.correlation)),
            ("select", selection),
            ("classify", forest if settings.classifier == FOREST else LogisticRegression(max_iter=_STEPS)),
        ]
    )


def choices(settings: StudySettings) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the inner folds choose among, of the selection and of the classifier; the simplest first, as the first of equals is
    taken."""
    counts = [{"count": count} for count in sorted(set(settings.features))]
    if settings.classifier == FOREST:
        leaves = sorted(set(settings.least_in_leaf), reverse=True)
        return counts, [{"min_samples_leaf": least} for least in leaves]
    return counts, [{"C": strength} for strength in sorted(set(settings.strengths))]


def tuned(
    pipeline: Pipeline, values: FloatArray, positive: BoolArray, settings: StudySettings, seed: int
) -> tuple[Pipeline, dict[str, Any]]:
    """The pipeline fitted with those of :func:`choices` that have the least log loss in inner folds, all of it fitted in each.

    As scikit-learn's ``GridSearchCV`` does it, but what no choice changes is fitted once a fold.

    Returns:
        the pipeline, and what was chosen.
    """
    selections, classifiers = choices(settings)
    losses = np.zeros((len(selections), len(classifiers)))
    head, select, classify = pipeline[:-2], pipeline["select"], pipeline["classify"]
    inner = StratifiedKFold(settings.inner_folds, shuffle=True, random_state=seed)
    for learned, checked in inner.split(values, positive) if losses.size > 1 else ():
        prepared = clone(head)
        seen, unseen = prepared.fit_transform(values[learned], positive[learned]), prepared.transform(values[checked])
        for row, selection in enumerate(selections):
            kept = clone(select).set_params(**selection).fit(seen, positive[learned]).get_support()
            for column, given in enumerate(classifiers):
                classifier = clone(classify).set_params(**given).fit(seen[:, kept], positive[learned])
                losses[row, column] += _log_loss(classifier.predict_proba(unseen[:, kept])[:, 1], positive[checked])
    first, second = divmod(int(np.argmin(losses)), len(classifiers))
    best = {f"select__{name}": value for name, value in selections[first].items()}
    best |= {f"classify__{name}": value for name, value in classifiers[second].items()}
    return clone(pipeline).set_params(**best).fit(values, positive), best


def _log_loss(probabilities: FloatArray, positive: BoolArray) -> float:
    right = np.where(positive, probabilities, 1 - probabilities)
    return float(-np.log(np.maximum(right, _ROUNDING)).mean())


@dataclass(frozen=True, eq=False)
class FittedFeatures:
    """See :class:`.cross_validation.Classifier`."""

    pipeline: Pipeline
    threshold: float
    chosen: tuple[str, ...]
    tuned: Mapping[str, Any]

    def probabilities(self, subjects: FeatureTable) -> FloatArray:
        return np.asarray(self.pipeline.predict_proba(subjects.values)[:, 1], dtype=np.float64)


@dataclass(frozen=True)
class LearnFeatures:
    """See :class:`.cross_validation.Learn`; learns from a table of features."""

    settings: StudySettings

    def __call__(self, subjects: FeatureTable, positive: BoolArray, seed: int, progress: Progress) -> FittedFeatures:
        progress(0.0)
        settings = self.settings
        # One thread: several wait for each other over so small matrices (5 times as long). Our values are checked: the checks take
        # half of the time.
        with threadpool_limits(1), config_context(assume_finite=True, skip_parameter_validation=True):
            pipeline, best = tuned(make_pipeline(settings, seed), subjects.values, positive, settings, seed)
        names = pipeline[:-1].get_feature_names_out(np.array(subjects.names, dtype=object))
        threshold = settings.threshold or float(positive.mean())
        return FittedFeatures(pipeline, threshold, tuple(map(str, names)), best)
