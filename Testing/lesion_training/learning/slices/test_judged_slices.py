"""What was found in slices is judged by the rules of DeepLesion."""

from __future__ import annotations

import numpy as np
import pytest
from LesionTrainingLib.learning.slices.judged import JudgedSlice, as_rows, average_precision


def judged(boxes, scores, truth):
    boxes, truth = np.array(boxes, dtype=float).reshape(-1, 4), np.array(truth, dtype=float).reshape(-1, 4)
    return JudgedSlice("a", boxes, np.array(scores), np.array(scores), truth, np.full(len(truth), 9.0))


def test_average_precision_is_by_score_and_overlap():
    lesion, near, far = [10, 10, 30, 30], [12, 10, 32, 30], [40, 40, 60, 60]
    assert average_precision(as_rows([judged([near], [0.9], [lesion])], 5)) == 1
    assert average_precision(as_rows([judged([far], [0.9], [lesion])], 5)) == 0
    assert average_precision(as_rows([judged([], [], [lesion])], 5)) == 0
    # The false mark comes first: every recall is reached at a precision of one half.
    both = as_rows([judged([near], [0.5], [lesion]), judged([far], [0.9], [])], 5)
    assert average_precision(both) == pytest.approx(0.5)
    assert average_precision(as_rows([judged([near, far], [0.9, 0.5], [lesion, far])], 5)) == 1
    # A further mark on the same lesion counts for nothing.
    assert average_precision(as_rows([judged([near, lesion], [0.9, 0.8], [lesion, far])], 5)) == pytest.approx(51 / 101)
    assert np.isnan(average_precision(as_rows([judged([near], [0.9], [])], 5)))
