"""The sentences name the mark, the rule and its numbers, for every way in which a lesion or a mark can end."""

from __future__ import annotations

import numpy as np
import pytest
from LesionTrainingLib.evaluation.matching import AutoPet, Coco3d, DeepLesion, Findings, ImageFindings, Luna16, Picai
from LesionTrainingLib.evaluation.matching.reasons import why_lesion, why_mark

NONE = Findings.of_points([])


def points(*rows):
    """(x, diameter, score) on a line."""
    return Findings.of_points([(x, 0, 0) for x, _, _ in rows], [d for _, d, _ in rows], [s for _, _, s in rows])


def lesion_texts(policy, truth, marks, excluded=NONE):
    image = ImageFindings("x", truth, marks, excluded)
    outcome = policy.match(image)
    return [why_lesion(policy, image, outcome, lesion) for lesion in range(len(truth))]


def mark_texts(policy, truth, marks, excluded=NONE):
    image = ImageFindings("x", truth, marks, excluded)
    outcome = policy.match(image)
    return [why_mark(policy, image, outcome, mark) for mark in range(len(marks))]


def test_luna16_lesions():
    truth = points((0, 12.2, 1), (100, 4, 1))
    marks = points((4.2, 8, 0.81), (103, 8, 0.3))
    assert lesion_texts(Luna16(), truth, marks) == [
        "mark 1 (score 0.81) lies 4.2 mm from the centre, less than the radius 6.1 mm: hit under luna16",
        "the nearest is mark 2 (score 0.3), which lies 3.0 mm from the centre, not less than the radius 2.0 mm: "
        "missed under luna16",
    ]
    assert lesion_texts(Luna16(), truth, NONE)[0] == "there is no mark in this scan: missed under luna16"


def test_luna16_marks():
    truth = points((0, 10, 1))
    marks = points((1, 8, 0.9), (2, 8, 0.8), (40, 8, 0.7), (61, 8, 0.6))
    assert mark_texts(Luna16(), truth, marks, points((60, 4, 1))) == [
        "it lies 1.0 mm from the centre of lesion 1, less than the radius 5.0 mm: true positive under luna16",
        "it lies 2.0 mm from the centre of lesion 1, less than the radius 5.0 mm, which mark 1 (score 0.9) is credited "
        "with: ignored under luna16",
        "it lies 40.0 mm from the centre of lesion 1, not less than the radius 5.0 mm: false positive under luna16",
        "it lies 1.0 mm from the centre of an excluded finding, less than the radius 2.0 mm: ignored under luna16",
    ]
    assert mark_texts(Luna16(), NONE, marks)[0] == "this scan has no lesion: false positive under luna16"


def test_numbers_are_told_apart_by_as_many_digits_as_it_takes():
    (text,) = lesion_texts(Luna16(), points((0, 10, 1)), points((4.9996, 8, 0.5)))
    assert "lies 4.9996 mm from the centre, less than the radius 5.0000 mm" in text
    (text,) = lesion_texts(Luna16(), points((0, 10, 1)), points((5, 8, 0.5)))
    assert "lies 5.0 mm from the centre, not less than the radius 5.0 mm" in text


def test_marks_beyond_the_limit():
    truth, marks = points((0, 10, 1)), points((50, 8, 0.9), (1, 8, 0.2))
    policy = Luna16(most_marks=1)
    assert lesion_texts(policy, truth, marks) == [
        "mark 2 (score 0.2) lies 1.0 mm from the centre, less than the radius 5.0 mm, but only the best 1 marks of the scan "
        "count: missed under luna16"
    ]
    assert mark_texts(policy, truth, marks)[1] == "only the best 1 marks of the scan count: ignored under luna16"


@pytest.fixture
def crowded():
    """Two boxes of 10 mm a side, 4 mm apart, and marks on the first only."""
    truth = _boxes([0, 4], [1, 1])
    return truth, _boxes([0, 1, 60], [0.9, 0.8, 0.7])


def _boxes(starts, scores):
    low = np.array([[start, 0.0, 0.0] for start in starts])
    return Findings(
        low + 5, np.full(len(starts), 10.0), np.array(scores, dtype=float), np.stack([low, low + 10], axis=1)
    )


def test_overlaps_say_what_was_compared(crowded):
    truth, marks = crowded
    assert lesion_texts(Coco3d(), truth, marks) == [
        "mark 1 (score 0.9) overlaps it by IoU 1.00 (boxes), at least 0.1: hit under coco3d",
        "mark 2 (score 0.8) overlaps it by IoU 0.54 (boxes), at least 0.1: hit under coco3d",
    ]
    assert mark_texts(Coco3d(), truth, marks)[2] == "it overlaps no lesion: false positive under coco3d"
    spheres = lesion_texts(Picai(), points((0, 10, 1)), points((9, 10, 0.5)))
    assert spheres[0].startswith(
        "the largest overlap is that of mark 1 (score 0.5), which overlaps it by IoU 0.01 (spheres)"
    )


def test_a_lesion_whose_mark_was_taken(crowded):
    truth, marks = crowded
    one = Findings(marks.centers_ras_mm[:1], marks.diameters_mm[:1], marks.scores[:1], marks.boxes_ras_mm[:1])
    assert lesion_texts(Coco3d(), truth, one)[1] == (
        "mark 1 (score 0.9) overlaps it by IoU 0.43 (boxes), at least 0.1, but was taken by lesion 1 (IoU 1.00): "
        "missed under coco3d"
    )


def test_duplicates_are_false_under_coco3d_and_ignored_elsewhere():
    truth, marks = _boxes([0], [1]), _boxes([0, 1], [0.9, 0.8])
    assert mark_texts(Coco3d(), truth, marks)[1] == (
        "it overlaps lesion 1 by IoU 0.82 (boxes), at least 0.1, but that lesion is already taken by mark 1 (score 0.9): "
        "false positive under coco3d"
    )
    for policy in (Picai(), DeepLesion()):
        text = mark_texts(policy, truth, marks)[1]
        assert "which mark 1 (score 0.9) is credited with: ignored under" in text


def test_a_mark_taken_by_an_excluded_finding():
    marks = _boxes([0], [0.9])
    text = mark_texts(Coco3d(), NONE, marks, _boxes([0], [1]))[0]
    assert text == "it overlaps an excluded finding by IoU 1.00: ignored under coco3d"


def test_autopet():
    truth, marks = points((0, 10, 1), (60, 10, 1)), points((2, 8, 0.9), (60, 8, 0.1), (30, 4, 0.8))
    policy = AutoPet(0.5)
    found, missed = lesion_texts(policy, truth, marks)
    assert found.startswith("mark 1 (score 0.9) shares ")
    assert found.endswith(" voxels with it: hit under autopet")
    assert missed == "no mark that the operating point shows overlaps it: missed under autopet"
    assert lesion_texts(AutoPet(), truth, points((2, 8, 0.9)))[1] == "no mark overlaps it: missed under autopet"
    _, hidden, false = mark_texts(policy, truth, marks)
    assert hidden == "it scores less than the operating point: not shown under autopet"
    assert false == "it overlaps no lesion: false positive under autopet"


def test_autopet_through_a_neighbour():
    """Two lesions that touch are one component: a mark on one finds both."""
    truth, marks = points((0, 10, 1), (10, 10, 1)), points((-3, 2, 0.9))
    texts = lesion_texts(AutoPet(), truth, marks)
    assert texts[1] == "mark 1 (score 0.9) touches the same connected region as it: hit under autopet"


def test_every_fate_has_words():
    rng = np.random.default_rng(2)
    for _ in range(50):
        findings = [
            Findings.of_points(rng.uniform(0, 25, (n, 3)), rng.uniform(4, 14, n), rng.integers(0, 5, n) / 4)
            for n in rng.integers(0, 6, 3)
        ]
        for policy in (
            Luna16(),
            Luna16(2),
            DeepLesion(0.2),
            Coco3d(),
            Coco3d(0.3, 2),
            Picai(),
            AutoPet(),
            AutoPet(0.5),
        ):
            for text in (*lesion_texts(policy, *findings), *mark_texts(policy, *findings)):
                assert text.rpartition(": ")[2].endswith(f"under {policy.name}")
                assert text.rpartition(": ")[0]
