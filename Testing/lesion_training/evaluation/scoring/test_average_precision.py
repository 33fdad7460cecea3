"""COCO's average precision against its own loop, PI-CAI's against scikit-learn, autoPET's volumes against whole arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionTrainingLib.evaluation.matching import AutoPet, Coco3d, Findings, ImageFindings, Picai
from LesionTrainingLib.evaluation.metrics.precision_recall import IOU_THRESHOLDS
from LesionTrainingLib.evaluation.metrics.volumes import whole_image_scores
from LesionTrainingLib.evaluation.reading.sets import Scoring
from LesionTrainingLib.evaluation.scoring import ScoreOptions, score
from sklearn.metrics import average_precision_score, roc_auc_score

QUICK = ScoreOptions(samples=0, plots=False)
GRID = Geometry((14, 14, 14), np.diag([2.0, 2.0, 3.0, 1.0]))


def random_images(seed, count=8, ties=False):
    """Images of cubes as masks, with marks near lesions and elsewhere; some without lesions, some without marks."""
    rng = np.random.default_rng(seed)
    images = []
    for index in range(count):
        lesions = [tuple(rng.integers(0, 9, 3)) for _ in range(rng.integers(0, 4))]
        near = [
            tuple(np.clip(np.array(place) + rng.integers(-1, 3, 3), 0, 9)) for place in lesions if rng.random() < 0.7
        ]
        marks = near + [tuple(rng.integers(0, 9, 3)) for _ in range(rng.integers(0, 3))]
        scores = (
            rng.integers(1, 5, len(marks)) / 5 if ties else rng.permutation(len(marks) * 10)[: len(marks)] / 100 + 0.01
        )
        scores = scores + (0 if ties else index * 1e-4)
        images.append(ImageFindings(str(index), cubes(lesions), cubes(marks, scores), geometry=GRID))
    return images


def cubes(starts, scores=None):
    masks = tuple(Mask(np.ones((4, 4, 4), bool), tuple(int(n) for n in start)) for start in starts)
    centers = np.array([mask.centroid_ras_mm(GRID) for mask in masks]).reshape(-1, 3)
    return Findings(
        centers,
        np.full(len(masks), 9.0),
        np.ones(len(masks)) if scores is None else np.asarray(scores, float),
        masks=masks,
    )


def coco_average_precision(images, least):
    """The loop of cocoeval over marks of different scores: envelope of precision, read at 101 recalls."""
    ranked, lesions = [], 0
    for image in images:
        lesions += len(image.truth)
        outcome = Coco3d(least).match(image)
        ranked += zip(-image.marks.scores, outcome.fates == 0, strict=True)
    ranked.sort(key=lambda pair: pair[0])
    true = false = 0
    recall, precision = [], []
    for _, hit in ranked:
        true, false = true + hit, false + (not hit)
        recall.append(true / lesions)
        precision.append(true / (true + false))
    for place in range(len(precision) - 1, 0, -1):
        precision[place - 1] = max(precision[place - 1], precision[place])
    values = []
    for threshold in np.linspace(0, 1, 101):
        reached = [p for r, p in zip(recall, precision, strict=True) if r >= threshold]
        values.append(reached[0] if reached else 0.0)
    return float(np.mean(values))


@pytest.mark.parametrize("seed", range(4))
def test_coco3d(seed):
    images = random_images(seed)
    found = score(Coco3d(), Scoring(tuple(images), (), ()), QUICK).summary
    expected = [coco_average_precision(images, least) for least in IOU_THRESHOLDS]
    np.testing.assert_allclose(list(found["average_precision_at_iou"].values()), expected, atol=1e-12)
    assert found["average_precision"] == pytest.approx(expected[0])
    assert found["mean_average_precision"] == pytest.approx(np.mean(expected))


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=40, deadline=None)
def test_picai(seed, ties):
    """picai_eval hands (1, score) of true, (0, score) of false and (1, 0) of missed ones to scikit-learn."""
    images = random_images(seed, ties=ties)
    policy = Picai()
    target, scores = [], []
    for image in images:
        outcome = policy.match(image)
        for mark, fate in enumerate(outcome.fates):
            if fate < 2:
                target.append(int(fate == 0))
                scores.append(image.marks.scores[mark])
        missed = int((outcome.lesion_marks < 0).sum())
        target, scores = target + [1] * missed, scores + [0.0] * missed
    found = score(policy, Scoring(tuple(images), (), ()), QUICK).summary
    if sum(target):
        # scikit-learn gives the missed ones a precision at the score 0; picai_eval takes it away again.
        reached = [t for t, s in zip(target, scores, strict=True) if s > 0]
        last = (sum(target) - sum(reached)) / sum(target) * np.mean(target)
        assert found["average_precision"] == pytest.approx(average_precision_score(target, scores) - last)
    positive = [len(image.truth) > 0 for image in images]
    if 0 < sum(positive) < len(positive):
        highest = [max(image.marks.scores, default=0.0) for image in images]
        assert found["auroc"] == pytest.approx(roc_auc_score(positive, highest))
        assert found["picai_score"] == pytest.approx((found["auroc"] + found["average_precision"]) / 2)


def test_picai_with_lesions_everywhere_has_no_auroc():
    image = ImageFindings("a", cubes([(1, 1, 1)]), cubes([(1, 1, 1)], [0.7]), geometry=GRID)
    found = score(Picai(), Scoring((image,), (), ()), ScoreOptions(samples=10))
    assert np.isnan(found.summary["picai_score"])
    assert found.summary["average_precision"] == 1
    assert "no AUROC" in found.lead
    assert not any("roc" in part.plots for part in found.parts)
    assert "precision_recall" in found.plots


def test_curves_are_drawn():
    images = tuple(random_images(1))
    for policy in (Picai(), Coco3d()):
        found = score(policy, Scoring(images, (), ()), ScoreOptions(10))
        assert set(found.plots) == {"froc", "sizes", "precision_recall"}
        assert {stem for part in found.parts for stem in part.plots} >= {"roc", "reliability"}


@pytest.mark.parametrize("least", [float("-inf"), 0.3])
def test_autopet_against_whole_arrays(least):
    images = random_images(5, count=12)
    found = score(AutoPet(least), Scoring(tuple(images), (), ()), QUICK)
    expected = []
    for image in images:
        shown = [m for m, s in zip(image.marks.masks, image.marks.scores, strict=True) if s >= least]
        marked, truth = (
            sum((m.full(GRID.shape_kji) for m in ms), np.zeros(GRID.shape_kji, bool)) > 0
            for ms in (shown, image.truth.masks)
        )
        expected.append(whole_image_scores(marked, truth, (3.0, 2.0, 2.0)))
    columns = found.image_rows.columns
    for row, one in zip(found.image_rows.rows, expected, strict=True):
        values = dict(zip(columns, row, strict=True))
        assert values["dice"] == pytest.approx(one.dice, nan_ok=True)
        assert values["false_positive_ml"] == pytest.approx(one.false_positive_ml)
        assert values["false_negative_ml"] == pytest.approx(one.false_negative_ml)
    with_lesions = [one for one, image in zip(expected, images, strict=True) if len(image.truth)]
    assert found.summary["dice"] == pytest.approx(np.mean([one.dice for one in with_lesions]))
    assert found.summary["false_positive_volume_ml"] == pytest.approx(
        np.mean([one.false_positive_ml for one in expected])
    )
    assert found.summary["false_negative_volume_ml"] == pytest.approx(
        np.mean([one.false_negative_ml for one in with_lesions])
    )


def test_autopet_without_lesions_has_no_dice():
    image = ImageFindings("a", cubes([]), cubes([(1, 1, 1)], [0.5]), geometry=GRID)
    found = score(AutoPet(), Scoring((image,), (), ()), QUICK)
    assert np.isnan(found.summary["dice"])
    assert found.summary["false_positive_volume_ml"] == pytest.approx(64 * 0.012)
