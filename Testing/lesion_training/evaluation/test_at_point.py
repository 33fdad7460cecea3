"""The numbers of a report are those of the matcher and of the curve; the worst come first, each with the rule's sentence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.evaluation.at_point import AtPoint
from LesionTrainingLib.evaluation.matching import POLICIES, Findings, ImageFindings
from LesionTrainingLib.evaluation.operating import OperatingPoint, given_point, point_of
from LesionTrainingLib.evaluation.reading.sets import MarkSet
from LesionTrainingLib.evaluation.scoring.free_response import operating_point
from LesionTrainingLib.evaluation.scoring.scored import Scored


def image(name, truth, sizes, marks, scores, mark_sizes=None):
    """Places on a line in mm."""

    def on_a_line(places):
        return np.array([(place, 0, 0) for place in places], dtype=float).reshape(-1, 3)

    return ImageFindings(
        name, Findings.of_points(on_a_line(truth), sizes), Findings.of_points(on_a_line(marks), mark_sizes, scores)
    )


IMAGES = (
    image("quiet", [], [], [], []),
    image("mixed", [0, 100, 200], [8, 20, math.nan], [1, 101, 300, 400], [0.9, 0.3, 0.8, 0.2], [8, 18, 5, math.nan]),
    image("worst", [0, 50], [6, 12], [500, 600], [0.7, 0.95], [4, 4]),
)


def at(policy, least, images=IMAGES):
    outcomes = [policy.match(one) for one in images]
    return AtPoint(Scored(policy, images, outcomes, {}, "", {}), OperatingPoint(least, "p"))


def test_the_report_counts_as_the_matcher_does():
    found = at(POLICIES["luna16"], 0.5)
    assert (found.lesions, found.lesions_found, found.false_marks) == (5, 1, 3)
    rows = [(row.name, row.lesions, row.found, row.missed, row.false_marks) for row in found.cases]
    assert rows == [("worst", 2, 0, 2, 2), ("mixed", 3, 1, 2, 1), ("quiet", 0, 0, 0, 0)]
    worst, mixed, quiet = found.cases
    assert (worst.largest_missed_mm, worst.highest_false) == (12, 0.95)
    assert (mixed.largest_missed_mm, mixed.highest_false) == (20, 0.8)
    assert math.isnan(quiet.largest_missed_mm)
    assert math.isnan(quiet.highest_false)
    sizes = [sorted(part.tolist(), key=lambda size: (math.isnan(size), size)) for part in found.diameters_mm]
    assert sizes[0] == [8]
    assert sizes[1][:3] == [6, 12, 20]
    assert math.isnan(sizes[1][3])
    assert sizes[2] == [4, 4, 5]


@pytest.mark.parametrize("name", ["luna16", "deeplesion", "coco3d", "picai"])
@pytest.mark.parametrize("least", [-math.inf, 0.0, 0.25, 0.5, 0.92, 2.0])
def test_it_agrees_with_the_curves_own_reading(name, least):
    random = np.random.default_rng(5)
    images = tuple(
        image(f"{n}", random.uniform(0, 80, 4), random.uniform(3, 25, 4), random.uniform(0, 80, 9), random.random(9),
              random.uniform(3, 25, 9))
        for n in range(6)
    )  # fmt: skip
    found = at(POLICIES[name], least, images)
    read = operating_point(found.scored.policy, found.scored.outcomes, least)
    assert found.lesions_found == read["found"]
    rate = read[f"false_positives_per_{found.scored.policy.image_is}"]
    assert found.false_marks == pytest.approx(rate * len(images))
    assert sum(row.found for row in found.cases) == found.lesions_found
    assert sum(row.false_marks for row in found.cases) == found.false_marks
    assert [len(part) for part in found.diameters_mm] == [
        found.lesions_found, found.lesions - found.lesions_found, found.false_marks
    ]  # fmt: skip


def test_the_largest_misses_come_first_and_the_sentence_says_why():
    found = at(POLICIES["luna16"], 0.5)
    misses = found.worst_misses(3)
    assert [(one.image, one.index, one.diameter_mm) for one in misses] == [(1, 1, 20), (2, 1, 12), (2, 0, 6)]
    assert misses[0].why == (
        "mark 3 (score 0.3) lies 1.0 mm from the centre, less than the radius 10.0 mm: hit under luna16, but that mark scores "
        "less than 0.5 and is not shown"
    )
    assert misses[1].why.endswith("missed under luna16")
    assert len(found.worst_misses(99)) == 4
    assert math.isnan(found.worst_misses(99)[-1].diameter_mm), "of unknown size: last"


def test_the_surest_false_marks_come_first():
    false = at(POLICIES["luna16"], 0.5).worst_false_marks(2)
    assert [(one.image, one.index, one.score, one.diameter_mm) for one in false] == [(2, 1, 0.95, 4), (1, 2, 0.8, 5)]
    assert false[0].why.endswith("not less than the radius 6.0 mm: false positive under luna16")


def test_which_point_a_report_is_about():
    marks = MarkSet({}, "m", True, operating_points={"balanced": 0.5}, default_point="balanced")
    assert given_point("", marks).text == "marks of score 0.5 or more (operating point “balanced”)"
    assert given_point("0.7", marks).least == 0.7
    assert given_point("", MarkSet({}, "m", True)) is None
    for wrong in ("often", "nan", "inf"):
        with pytest.raises(UsageError, match="Give one of balanced, or a least score"):
            given_point(wrong, marks)
    policy = POLICIES["luna16"]
    outcomes = [policy.match(one) for one in IMAGES]
    chosen = point_of(policy, outcomes, None)
    assert at(policy, chosen.least).false_marks == 3, "one an image"
    assert "at most 1 false positive per scan, as no operating point is known" in chosen.text
    assert point_of(POLICIES["autopet"], outcomes, None).text == "all marks"
