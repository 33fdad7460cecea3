"""Whole images by their highest mark, and scores as probabilities: small cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from LesionTrainingLib.evaluation.matching import NO_FINDINGS, Findings, ImageFindings, Luna16
from LesionTrainingLib.evaluation.reading.sets import Scoring
from LesionTrainingLib.evaluation.scoring import ScoreOptions, score
from LesionTrainingLib.evaluation.scoring.whole_images import image_roc, image_scores


def image(name, lesion, *scores, hit=True):
    """With a lesion at the origin or none; the first mark is on it where ``hit``, the others are not."""
    places = [(0.0 if number == 0 and hit else 100.0 + number, 0.0, 0.0) for number in range(len(scores))]
    truth = Findings.of_points([(0, 0, 0)], [10.0]) if lesion else NO_FINDINGS
    return ImageFindings(name, truth, Findings.of_points(places, scores=scores))


def scored(*images, plots=False):
    return score(Luna16(), Scoring(images, (), ()), ScoreOptions(samples=0, plots=plots))


FIVE = (
    image("a", True, 0.9, 0.2),
    image("b", True, 0.3),
    image("c", True, 0.1, 0.6, hit=False),  # its highest mark is no hit, and counts all the same
    image("d", False, 0.5),
    image("e", False),
)


def test_area_by_hand():
    values = scored(*FIVE).summary["whole_images"]
    assert values["auc"] == pytest.approx(5 / 6)  # of 3 x 2 pairs only b against d is lost
    assert (values["scans_with_nodules"], values["scans_without"]) == (3, 2)
    assert 0 < values["lower"] < 5 / 6 < values["upper"] == 1
    found = scored(*FIVE, plots=True)
    (part,) = [part for part in found.parts if part.heading == "Whole scans"]
    assert "Area under the ROC curve 0.833" in part.blocks[0]
    assert part.plots["roc"].png.startswith(b"\x89PNG")


def test_one_of_a_kind_has_an_area_without_an_interval():
    values = scored(FIVE[0], FIVE[4]).summary["whole_images"]
    assert values["auc"] == 1
    assert np.isnan(values["lower"])


def test_only_where_both_kinds_exist():
    assert image_roc(FIVE[:3]) is None
    assert image_roc(FIVE[3:]) is None
    assert "whole_images" not in scored(*FIVE[:3]).summary


def test_without_marks_the_lowest_score():
    assert image_scores(FIVE).tolist() == [0.9, 0.3, 0.6, 0.5, 0]
    assert image_scores([image("a", True, -3.0, -5.0), FIVE[4]]).tolist() == [-3, -5]


def test_calibration_by_hand():
    found = scored(image("a", True, 0.75, 0.25), image("b", True, 0.75, 0.25))
    values = found.summary["calibration"]
    assert (values["marks"], values["hits"]) == (4, 2)
    assert values["expected_calibration_error"] == pytest.approx(0.25)
    assert values["brier_score"] == pytest.approx(0.0625)
    assert values["brier_score_of_the_share"] == pytest.approx(0.25)
    (part,) = [part for part in found.parts if part.heading == "Scores as probabilities"]
    assert part.blocks[0].startswith("Scores are no probabilities unless the model was calibrated.")


def test_further_marks_are_neither_right_nor_wrong():
    truth = Findings.of_points([(0, 0, 0)], [10.0])
    marks = Findings.of_points([(0, 0, 0), (1, 0, 0), (90, 0, 0)], scores=[0.9, 0.8, 0.1])
    values = scored(ImageFindings("a", truth, marks)).summary["calibration"]
    assert (values["marks"], values["hits"]) == (2, 1)


@pytest.mark.parametrize("scores", [(1.2, 0.1), (0.5, -0.1), (1.0, 1.0)])
def test_scores_that_cannot_be_probabilities(scores):
    assert "calibration" not in scored(image("a", True, *scores)).summary
