"""Scores of scans on disk: curves read from them are those of the marks themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.froc import froc, match_scan, sensitivity_by_size
from LesionTrainingLib.evaluation.froc_bootstrap import sample_sensitivities
from LesionTrainingLib.evaluation.scan_scores import load_scan_scores, save_scan_scores


@pytest.fixture
def scans():
    """Scans with missed and found lesions, further marks on one, none at all, and false marks."""
    random = np.random.default_rng(2)
    matches = [
        match_scan(np.zeros((0, 3)), [], [(0, 0, 0)], [float("nan")]),
        match_scan([(0, 0, 0)], [0.4], np.zeros((0, 3)), []),
    ]
    for n in range(6):
        truth, marks = random.uniform(0, 40, (n % 3, 3)), random.uniform(0, 40, (9, 3))
        matches.append(match_scan(marks, random.random(9), truth, np.full(len(truth), 25.0)))
    return matches


def test_curves_and_samples_are_the_same(scans, tmp_path):
    scans = [replace(match, patient="p" if n in (3, 5) else "") for n, match in enumerate(scans)]
    save_scan_scores(tmp_path / "scores.json", scans)
    again = load_scan_scores(tmp_path / "scores.json")
    for name in ("thresholds", "false_positives_per_scan", "sensitivity"):
        np.testing.assert_array_equal(getattr(froc(scans), name), getattr(froc(again), name))
    samples = [sample_sensitivities(matches, (0.5, 2.0), samples=40) for matches in (scans, again)]
    np.testing.assert_array_equal(*samples)
    assert sensitivity_by_size(again, 0.3) == sensitivity_by_size(scans, 0.3)
    for one, other in zip(scans, again, strict=True):
        np.testing.assert_array_equal(
            *[each.mark_scores[each.lesion_marks[each.lesion_hits > 0]] for each in (one, other)]
        )
    assert [(match.image, match.patient) for match in again] == [(match.image, match.patient) for match in scans]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"schema": "other"}', '{"schema": "lesion-scan-scores", "schema_version": 1}']
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "scores.json").write_text(content)
    with pytest.raises(InputError, match="Measure the model again"):
        load_scan_scores(tmp_path / "scores.json")
