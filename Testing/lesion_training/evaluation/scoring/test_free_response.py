"""LUNA16's own numbers, DeepLesion's curve mark by mark, and what is reported without lesions or marks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.evaluation.matching import DeepLesion, Findings, ImageFindings, Luna16
from LesionTrainingLib.evaluation.reading.luna16_lists import read_marks, read_truth
from LesionTrainingLib.evaluation.reading.sets import Scoring, put_together
from LesionTrainingLib.evaluation.scoring import ScoreOptions, score

NONE = Findings.of_points([])


def scoring_of(*images):
    return Scoring(tuple(images), (), ())


@pytest.fixture(scope="module")
def luna16_scored(real_data):
    folder = real_data("luna16/annotations.csv").parent
    truth = read_truth(folder / "annotations.csv", folder / "annotations_excluded.csv", folder / "seriesuids.csv")
    scoring = put_together(truth, read_marks(folder / "scored" / "made_up_marks.csv"))
    expected = json.loads((folder / "scored" / "expected.json").read_text())
    return score(Luna16(), scoring, ScoreOptions(plots=False)).summary, expected


def test_luna16_equals_the_organisers_script(luna16_scored):
    found, expected = luna16_scored
    names = [name for name in expected if name in found]
    assert len(names) == 10
    for name in names:
        assert found[name] == pytest.approx(expected[name], abs=1e-6), name
    assert found["sensitivity_at_fp"].keys() == expected["sensitivity_at_fp_per_scan"].keys()
    for rate, value in expected["sensitivity_at_fp_per_scan"].items():
        assert found["sensitivity_at_fp"][rate] == pytest.approx(value, abs=1e-6), rate


def test_luna16_bootstrap_agrees_to_its_noise(luna16_scored):
    found, expected = luna16_scored
    ours, theirs = found["bootstrap"]["sensitivity_at_fp"]["0.125"], expected["bootstrap_1000_at_0.125"]
    assert found["bootstrap"]["samples"] == 1000
    for name in ("mean", "lower", "upper"):
        assert ours[name] == pytest.approx(theirs.get(name, theirs.get(f"{name}_95")), abs=0.01)
    cpm = found["bootstrap"]["cpm"]
    assert cpm["lower"] < found["cpm"] < cpm["upper"]


@st.composite
def slices(draw):
    """A few images with boxes on a small grid, all scores different, so that the order of the marks is the only one."""
    images = []
    scores = iter(draw(st.permutations([round(0.01 * n, 2) for n in range(1, 60)])))
    for index in range(draw(st.integers(1, 6))):
        parts = []
        for count in (draw(st.integers(0, 3)), draw(st.integers(0, 6))):
            low = np.array([[draw(st.integers(0, 6)) for _ in range(2)] for _ in range(count)], dtype=float).reshape(
                -1, 2
            )
            size = np.array([[draw(st.integers(2, 6)) for _ in range(2)] for _ in range(count)], dtype=float).reshape(
                -1, 2
            )
            parts.append(
                Findings(
                    np.zeros((count, 3)),
                    np.full(count, 12.0),
                    np.array([next(scores) for _ in range(count)]),
                    pixel_boxes=np.concatenate([low, low + size - 1], axis=1),
                )
            )
        images.append(ImageFindings(str(index), *parts))
    return images


def iou(a, b):
    shared = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + 1) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return shared / (sum(areas) - shared)


def walk(images):
    """DeepLesion's curve, a point a mark, marks of all images in falling score: (false positives per image, sensitivity)."""
    marks = sorted(
        (-score, index, mark) for index, image in enumerate(images) for mark, score in enumerate(image.marks.scores)
    )
    hit, false, points = set(), 0, [(0.0, 0.0)]
    lesions = sum(len(image.truth) for image in images)
    for _, index, mark in marks:
        boxes = images[index].truth.pixel_boxes
        on = [n for n in range(len(boxes)) if iou(boxes[n], images[index].marks.pixel_boxes[mark]) >= 0.5]
        false += not on
        hit |= {(index, n) for n in on}
        points.append((false / len(images), len(hit) / lesions))
    return points


@given(slices())
@settings(max_examples=80, deadline=None)
def test_deeplesion_curve_is_the_walk_over_the_marks(images):
    if not any(len(image.truth) for image in images):
        return
    found = score(DeepLesion(), scoring_of(*images), ScoreOptions(samples=0, plots=False)).summary
    points = walk(images)
    for rate, value in found["sensitivity_at_fp"].items():
        reached = [y for x, y in points if x >= float(rate)]
        before = [(x, y) for x, y in points if x < float(rate)]
        if not reached:  # it stays as it is beyond the last mark
            assert value == pytest.approx(points[-1][1])
        else:  # the point at which the rate is first reached, or a straight line to it
            x0, y0 = before[-1]
            x1, y1 = next((x, y) for x, y in points if x >= float(rate))
            assert value == pytest.approx(y0 + (y1 - y0) * (float(rate) - x0) / (x1 - x0))
    assert found["true_positives"] == round(points[-1][1] * found["lesions"])


def test_operating_points_sizes_and_tables():
    truth = Findings.of_points([(0, 0, 0), (50, 0, 0)], [8, 30])
    marks = Findings.of_points([(1, 0, 0), (51, 0, 0), (90, 0, 0)], scores=[0.9, 0.4, 0.6])
    images = (ImageFindings("a", truth, marks), ImageFindings("b", NONE, NONE))
    found = score(Luna16(), scoring_of(*images), ScoreOptions(50, operating_points={"balanced": 0.5}))
    assert found.summary["operating_points"]["balanced"] == {
        "threshold": 0.5,
        "false_positives_per_scan": 0.5,
        "found": 1,
        "nodules": 2,
        "sensitivity": 0.5,
    }
    assert [band["found"] for band in found.summary["sensitivity_by_size"]["bands"]] == [0, 1, 0, 1]
    assert set(found.tables) == {"Sensitivity", "Operating points", "By size", "Counts"}
    assert found.plots["froc"].png.startswith(b"\x89PNG")
    # A half at 1/8 and 1/4 false positives per scan, both from 1/2 on.
    assert found.summary["cpm"] == pytest.approx(6 / 7)
    assert found.lead.startswith("CPM 0.857 ")


def test_drawn_points_are_the_corners_of_the_curve():
    truth = Findings.of_points([(0, 0, 0), (50, 0, 0)], [8, 8])
    marks = Findings.of_points(
        [(0, 0, 0), (90, 0, 0), (91, 0, 0), (92, 0, 0), (50, 0, 0)], scores=[0.9, 0.8, 0.7, 0.6, 0.5]
    )
    plot = score(Luna16(), scoring_of(ImageFindings("a", truth, marks)), ScoreOptions(samples=0)).plots["froc"]
    points = [row[2:4] for row in plot.data.rows if row[1] == "curve"]
    assert points == [(0.0, 0.0), (0.0, 0.5), (3.0, 0.5), (3.0, 1.0)]


def test_scores_below_zero_are_scores_too():
    truth, marks = (
        Findings.of_points([(0, 0, 0)], [8]),
        Findings.of_points([(1, 0, 0), (90, 0, 0)], scores=[-2.0, -3.0]),
    )
    found = score(Luna16(), scoring_of(ImageFindings("a", truth, marks)), ScoreOptions(samples=0, plots=False))
    assert found.summary["cpm"] == 1
    assert [band["found"] for band in found.summary["sensitivity_by_size"]["bands"]] == [0, 1, 0, 0]
    assert found.tables["By size"].caption.startswith("All marks: at most 1 false positives")


@pytest.mark.parametrize("policy", [Luna16(), DeepLesion()])
def test_without_lesions_the_sensitivity_is_nothing(policy):
    image = ImageFindings("a", NONE, Findings.of_points([(0, 0, 0)], scores=[0.5]))
    found = score(policy, scoring_of(image), ScoreOptions(samples=20))
    assert np.isnan(found.summary["sensitivity"])
    assert found.summary["false_positives"] == 1
    assert "no sensitivity" in found.lead


def test_without_marks_nothing_is_found():
    image = ImageFindings("a", Findings.of_points([(0, 0, 0)], [5.0]), NONE)
    found = score(Luna16(), scoring_of(image), ScoreOptions(samples=20))
    assert found.summary["cpm"] == 0
    assert found.summary["false_negatives"] == 1
