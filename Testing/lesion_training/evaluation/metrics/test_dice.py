"""Overlap of masks, by hand, against scikit-learn, and in the empty cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.dice import dice, jaccard, overlap
from sklearn.metrics import f1_score, jaccard_score

PAIRS = hnp.arrays(bool, st.tuples(st.just(2), *[st.integers(1, 5)] * 3))


def test_by_hand():
    first, second = np.zeros((2, 3, 4), int), np.zeros((2, 3, 4), int)
    first[0, 0, :] = 7  # 4 voxels; any label counts
    second[0, :, 1] = 1  # 3 voxels, one in common
    found = overlap(first, second)
    assert (found.both, found.first, found.second) == (1, 4, 3)
    assert found.dice == pytest.approx(2 / 7)
    assert found.jaccard == pytest.approx(1 / 6)


def test_empty_masks():
    empty, full = np.zeros((3, 3), bool), np.ones((3, 3), bool)
    assert dice(empty, empty) == jaccard(empty, empty) == 1.0
    assert dice(empty, full) == jaccard(full, empty) == 0.0


@settings(deadline=None)
@given(PAIRS)
def test_against_scikit_learn(pair):
    first, second = pair.reshape(2, -1)
    assert dice(*pair) == pytest.approx(f1_score(first, second, zero_division=1.0))
    assert jaccard(*pair) == pytest.approx(jaccard_score(first, second, zero_division=1.0))


@settings(deadline=None)
@given(PAIRS)
def test_properties(pair):
    found = overlap(*pair)
    assert 0 <= found.jaccard <= found.dice <= 1
    assert found.dice == pytest.approx(2 * found.jaccard / (1 + found.jaccard))
    assert overlap(pair[1], pair[0]).dice == found.dice
    assert dice(pair[0], pair[0]) == 1


def test_masks_of_two_grids_are_refused():
    with pytest.raises(InputError, match=r"2 × 3 and 3 × 2 voxels; bring them onto one grid"):
        dice(np.ones((2, 3)), np.ones((3, 2)))


def test_a_real_mask_against_simpleitk(real_data):
    import SimpleITK as sitk

    with np.load(real_data("deeplesion/CT_Lesion_000001_02_01_008-023.npz")) as data:
        mask = data["gts"] > 0
    moved = np.roll(mask, 3, axis=1)
    measure = sitk.LabelOverlapMeasuresImageFilter()
    measure.Execute(*(sitk.GetImageFromArray(each.astype(np.uint8)) for each in (mask, moved)))
    assert mask.any()
    assert dice(mask, moved) == pytest.approx(measure.GetDiceCoefficient())
    assert jaccard(mask, moved) == pytest.approx(measure.GetJaccardCoefficient())
