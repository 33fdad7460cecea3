"""Figures and operating points of a model that looks at slices are those of its curve."""

from __future__ import annotations

import numpy as np
import pytest
from LesionTrainingLib.learning.slices.judged import JudgedSlice
from LesionTrainingLib.learning.slices.outcome import operating_points, validation_metrics


def judged(truth_mm, hits, misses, kind=""):
    """A slice with one lesion of each diameter; marks score as said, or beside all."""
    truth = np.array([[40.0 * n, 0, 40 * n + 20, 20] for n in range(len(truth_mm))]).reshape(-1, 4)
    marks = [truth[n] for n in range(len(hits))] + [
        np.array([0, 100.0 + 40 * n, 20, 120 + 40 * n]) for n in range(len(misses))
    ]
    scores = np.array([*hits, *misses], dtype=float)
    return JudgedSlice(
        "a", np.array(marks).reshape(-1, 4), scores, scores, truth, np.array(truth_mm), (kind,) * len(truth_mm)
    )


def test_figures_and_operating_points_are_of_the_curve():
    slices = [judged([8.0, 40.0], [0.9], [0.95, 0.3], "lung"), judged([12.0], [0.2], [0.25] * 4, "bone")]
    slices += [judged([], [], []), judged([], [], [0.1] * 9)]
    found = validation_metrics(slices)
    assert (found["slices"], found["slices_without_lesions"], found["lesions"]) == (4, 2, 3)
    assert found["sensitivity_at_fp_per_image"]["0.5"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["sensitivity_at_fp_per_image"]["4"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["sensitivity_by_size_at_4_fp"] == {
        "below 10 mm": (1, 1),
        "10 to 30 mm": (1, 1),
        "30 mm and more": (0, 1),
    }
    assert found["sensitivity_by_kind_at_4_fp"] == {"bone": (1, 1), "lung": (1, 2)}
    assert found["highest_fp_per_image"] == 15 / 4
    points = operating_points(slices)["operating_points"]
    assert 0.3 < points["0.25 FP per image"] < 0.95
    assert 0.25 < points["0.5 FP per image"] <= 0.3
    assert points["4 FP per image"] == 0
