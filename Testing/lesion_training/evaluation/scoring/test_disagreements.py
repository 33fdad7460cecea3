"""The same marks side by side: who disagrees on what, and in which words."""

from __future__ import annotations

import numpy as np
import pytest
from LesionTrainingLib.evaluation.matching import POLICIES, Findings, ImageFindings
from LesionTrainingLib.evaluation.reading.sets import Scoring
from LesionTrainingLib.evaluation.scoring import ScoreOptions, score
from LesionTrainingLib.evaluation.scoring.disagreements import (
    compared,
    for_people,
    lesion_disagreements,
    mark_disagreements,
)


@pytest.fixture
def scored():
    """A lesion of 12.2 mm: a mark 4.2 mm off its centre with a box of IoU .42 or so; a mark that all call false; one on a lesion that
    all call found."""
    truth = _boxed([(0, 0, 0), (80, 0, 0)], [12.2, 10], [1, 1])
    marks = _boxed([(4.2, 0, 0), (40, 0, 0), (80, 0, 0)], [12.2, 6, 10], [0.81, 0.6, 0.5])
    scoring = Scoring((ImageFindings("scan", truth, marks),), (), ())
    return [score(policy, scoring, ScoreOptions(samples=0, plots=False)) for policy in POLICIES.values()]


def _boxed(centers, diameters, scores):
    centers, radii = np.array(centers, dtype=float), np.array(diameters)[:, None] / 2
    boxes = np.stack([centers - radii, centers + radii], axis=1)
    return Findings(centers, np.array(diameters, dtype=float), np.array(scores, dtype=float), boxes)


def test_a_lesion_that_is_judged_differently(scored):
    table = lesion_disagreements(scored)
    assert table.columns == (
        "image",
        "lesion",
        "diameter_mm",
        "luna16",
        "deeplesion",
        "coco3d",
        "picai",
        "autopet",
        "why",
    )
    (row,) = table.rows
    assert row[:8] == ("scan", 1, 12.2, "hit", "missed", "hit", "hit", "hit")
    assert "Mark 1 (score 0.81) lies 4.2 mm from the centre, less than the radius 6.1 mm: hit under luna16; " in row[8]
    assert "(boxes), under 0.5: missed under deeplesion; " in row[8]
    # What two of them say in the same words stands once.
    assert "at least 0.1: hit under coco3d, hit under picai; " in row[8]


def test_a_mark_that_is_false_under_some(scored):
    (row,) = mark_disagreements(scored).rows
    assert row[:8] == ("scan", 1, 0.81, "true", "false", "true", "true", "true")
    assert row[8].startswith("Mark 1 (score 0.81). It lies 4.2 mm from the centre of lesion 1")


def test_verdicts_together_for_people(scored):
    table = for_people(lesion_disagreements(scored))
    assert table.columns == ("image", "lesion", "diameter_mm", "judged", "why")
    assert table.rows[0][3] == "hit: luna16, coco3d, picai, autopet; missed: deeplesion"


def test_side_by_side(scored):
    rows = {row[0]: row for row in compared(scored).rows}
    assert rows["luna16"][1:4] == (2, 2, 1)
    assert rows["deeplesion"][1:4] == (2, 1, 2)
    assert rows["luna16"][5] == "CPM"
    assert rows["deeplesion"][5] == "mean sensitivity at 0.5 to 4"
    assert rows["picai"][5] == "average precision"  # no case is without lesions, so there is no score
    assert rows["autopet"][5] == "Dice"
