"""Phantoms as a cohort: made when they are read, once, and the same each time."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms import cohort as module
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.cohorts.phantoms.phantom import maker
from LesionTrainingLib.cohorts.spec import open_cohort


def test_listing_makes_nothing(monkeypatch):
    monkeypatch.setattr(module, "_cached", lambda *_: pytest.fail("a phantom was made"))
    cohort = open_cohort("phantoms:chest?seeds=0-199,5")
    assert len(cohort.cases) == 200
    assert cohort.on_phantoms
    assert len(cohort.patients) == 200
    case = cohort.cases[7]
    assert (case.id, case.modalities, case.labelled, case.sources()) == ("chest-phantom-0007", (CT,), True, ())
    assert pickle.loads(pickle.dumps(case)) == case
    assert case.values()["seed"] == 7


def test_image_and_truth_are_of_one_phantom(monkeypatch):
    calls = []
    make, defaults = maker("chest")
    monkeypatch.setattr(
        module, "maker", lambda anatomy: (lambda *given: calls.append(given[0]) or make(*given), defaults)
    )
    (case,) = open_cohort("phantoms:chest?seeds=11&protocol=tiny").cases
    image, truth = case.images(Progress())[CT], case.truth()
    assert calls == [11]
    phantom = make(11, TINY, Progress())
    np.testing.assert_array_equal(image.voxels, phantom.image.voxels)
    assert [lesion.center_ras_mm for lesion in truth.lesions] == [lesion.center_ras_mm for lesion in phantom.lesions]
    assert truth.negatives_ras_mm.shape == (len(phantom.mimics), 3)
    assert truth.excluded == ()


def test_what_is_not_there():
    with pytest.raises(UsageError, match="leg"):
        open_cohort("phantoms:leg")
    with pytest.raises(UsageError, match="no phantom protocol"):
        open_cohort("phantoms:chest?protocol=none")
