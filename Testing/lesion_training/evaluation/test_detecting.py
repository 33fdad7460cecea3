"""Marks of a method with several thresholds, as the rules that know one score judge them."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Control, Detections
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion
from LesionTrainingLib.evaluation.detecting import with_other_controls

GEOMETRY = Geometry((4, 4, 4), np.eye(4))
RESPONSE, AREA = Control("response", "Response", 0.0, 0.0, 1.0), Control("area", "Area", 20.0, 0.0, 100.0)


def lesion(*evidence, score=0.9):
    return Lesion((0.0, 0.0, 0.0), 5.0, score, evidence=evidence)


def found(*lesions, controls=(RESPONSE, AREA)):
    return Detections(lesions, GEOMETRY, "method", controls=controls)


def test_a_score_is_that_of_what_passes_the_other_controls():
    small_but_sure = lesion((0.9, 5.0), (0.4, 30.0), (0.2, 80.0))
    never_large = lesion((0.9, 20.0))
    (left,) = with_other_controls(found(small_but_sure, never_large))
    assert left.score == 0.4


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.95])
def test_they_pass_a_threshold_as_they_pass_both_controls(threshold):
    random = np.random.default_rng(3)
    lesions = [lesion(*zip(random.random(3), 40 * random.random(3), strict=True)) for _ in range(30)]
    detections = found(*lesions).with_control_values((threshold, AREA.value))
    expected = [one.evidence for one in detections.lesions if detections.passing(one)]
    assert 0 < len(expected) < 30 or threshold == 0.95
    assert [one.evidence for one in with_other_controls(found(*lesions)) if one.score > threshold] == expected


def test_without_controls_or_evidence_nothing_changes():
    plain = lesion(score=0.3)
    assert with_other_controls(found(plain, controls=())) == (plain,)
    assert with_other_controls(found(plain)) == (plain,)
