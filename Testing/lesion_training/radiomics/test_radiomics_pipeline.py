"""What is learned from features, step by step, and that tuning is what scikit-learn's search would choose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionTrainingLib.radiomics.pipeline import (
    Filled,
    Strongest,
    Uncorrelated,
    Varying,
    Weightiest,
    choices,
    discrimination,
    make_pipeline,
    tuned,
)
from LesionTrainingLib.radiomics.settings import FOREST, LASSO, StudySettings
from radiomics_samples import table_of
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

FEW = StudySettings(features=(1, 3), strengths=(0.1, 1.0), trees=5, least_in_leaf=(3, 6))


@pytest.fixture(scope="module")
def data():
    table, outcomes = table_of(count=42, features=8, effect=1.2, seed=3)
    values = table.values.copy()
    values[4, 0] = values[7, 3] = np.nan
    values[:, 5] = values[:, 0] * 2 + 0.01 * values[:, 5]  # says what the first says
    values[:, 6] = 7.0
    values[:, 7] = np.nan
    return values, np.array(list(outcomes.values()))


@pytest.mark.parametrize("change", [{}, {"selection": LASSO}, {"classifier": FOREST}])
def test_tuning_chooses_what_a_search_over_the_whole_pipeline_would(data, change):
    values, positive = data
    settings = replace(FEW, **change)
    fitted, best = tuned(make_pipeline(settings, 5), values, positive, settings, 5)
    selections, classifiers = choices(settings)
    grid = {f"select__{name}": [one[name] for one in selections] for name in selections[0]}
    grid |= {f"classify__{name}": [one[name] for one in classifiers] for name in classifiers[0]}
    folds = StratifiedKFold(settings.inner_folds, shuffle=True, random_state=5)
    reference = GridSearchCV(make_pipeline(settings, 5), grid, scoring="neg_log_loss", cv=folds).fit(values, positive)
    assert best == reference.best_params_
    np.testing.assert_allclose(fitted.predict_proba(values), reference.predict_proba(values))


def test_the_pipeline_names_what_it_keeps(data):
    values, positive = data
    fitted, best = tuned(make_pipeline(FEW, 0), values, positive, FEW, 0)
    names = fitted[:-1].get_feature_names_out(np.array([f"f{number}" for number in range(8)], dtype=object))
    assert len(names) == best["select__count"]
    assert len({"f0", "f5"} & set(names)) == 1, "of two that say the same one is kept"
    assert not {"f6", "f7"} & set(names), "nothing is learned from what never varies"


def test_steps_alone(data):
    values, positive = data
    filled = Filled().fit(values).transform(values)
    assert filled[4, 0] == np.nanmedian(values[:, 0])
    assert (filled[:, 7] == 0).all()
    assert not Varying().fit(filled, positive).get_support()[[6, 7]].any()
    assert Varying().fit(np.ones((4, 3)), positive[:4]).get_support().sum() == 1
    areas = discrimination(filled, positive)
    assert areas[0] == pytest.approx(abs(roc_auc_score(positive, filled[:, 0]) - 0.5))
    kept = Uncorrelated(0.9).fit(filled, positive).get_support()
    assert kept[[0, 5]].sum() == 1
    assert kept[0 if areas[0] >= areas[5] else 5]
    assert set(np.flatnonzero(Strongest(2).fit(filled, positive).get_support())) == {0, 5}
    assert Weightiest(3).fit(filled, positive).get_support().sum() == 3
    assert Strongest(99).fit(filled, positive).get_support().all()
