"""The overlap with the best anchor, against a plain reference that tries every anchor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.imaging.rectangles import iou
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors
from LesionTrainingLib.anchors.overlap import MeanOverlap, best_overlap, binned, fold

SIZES = (32.0, 64.0, 128.0, 256.0, 512.0)
side = st.floats(0.5, 2000.0)
boxes = st.lists(st.tuples(side, side), min_size=1, max_size=12)
scales = st.lists(st.floats(0.1, 4.0), min_size=1, max_size=4, unique=True)
ratios = st.lists(st.floats(1.0, 9.0), min_size=0, max_size=3, unique=True)


def centred(width, height):
    return (-width / 2, -height / 2, width / 2, height / 2)


def every_anchor(sides, sizes, scales, ratios):
    """[n] the best of all anchors, by the overlap of boxes around one centre."""
    shapes = [
        (size * scale / np.sqrt(ratio), size * scale * np.sqrt(ratio))
        for size in sizes
        for scale in scales
        for ratio in ratios
    ]
    return iou([centred(*one) for one in sides], [centred(*one) for one in shapes]).max(axis=1)


def paired(larger):
    return sorted({1.0, *larger, *(1 / ratio for ratio in larger)})


@settings(max_examples=40)
@given(boxes, scales, st.lists(st.floats(0.1, 10.0), min_size=1, max_size=5, unique=True))
def test_the_nearest_side_and_aspect_make_the_best_anchor(sides, scales, ratios):
    found = best_overlap(sides, Anchors(SIZES, tuple(scales), tuple(ratios)))
    assert found == pytest.approx(every_anchor(sides, SIZES, scales, ratios), abs=1e-12)


@settings(max_examples=40)
@given(boxes, scales, ratios)
def test_the_mean_is_that_of_all_anchors_on_all_boxes(sides, scales, larger):
    objective = MeanOverlap(fold(sides), SIZES)
    expected = every_anchor(sides, SIZES, scales, paired(larger)).mean()
    assert objective([scales], [larger])[0] == pytest.approx(expected, abs=1e-12)


def test_candidates_are_judged_alike_alone_and_together():
    draw = np.random.default_rng(0)
    objective = MeanOverlap(fold(np.exp(draw.normal(3.4, 0.5, (50_000, 2)))), SIZES)  # more than are judged at once
    scales, ratios = draw.uniform(0.4, 1.6, (5, 3)), draw.uniform(1, 4, (5, 2))
    alone = [objective([s], [r])[0] for s, r in zip(scales, ratios, strict=True)]
    assert objective(scales, ratios).tolist() == alone


def test_equal_shapes_are_folded_however_they_lie():
    shapes = fold([(10, 40), (30, 30), (40, 10), (10, 40), (30, 30.5)])
    assert shapes.side == pytest.approx([20, 30, np.sqrt(30 * 30.5)])
    assert shapes.aspect == pytest.approx([2, 1, np.sqrt(30.5 / 30)])
    assert shapes.weight == pytest.approx([0.6, 0.2, 0.2])


@settings(max_examples=40)
@given(boxes)
def test_bins_keep_the_weight_and_move_a_shape_by_less_than_a_cell(sides):
    shapes = fold(sides)
    few = binned(shapes, 0.1)
    assert few.weight.sum() == pytest.approx(1)
    assert np.dot(few.weight, np.log(few.side)) == pytest.approx(np.dot(shapes.weight, np.log(shapes.side)), abs=1e-9)
    apart = np.abs(np.log(shapes.side)[:, None] - np.log(few.side)) + np.abs(
        np.log(shapes.aspect)[:, None] - np.log(few.aspect)
    )
    assert apart.min(axis=1).max() < 0.2 + 1e-9


def test_the_slope_is_the_change_of_the_mean():
    draw = np.random.default_rng(1)
    objective = MeanOverlap(fold(np.exp(draw.normal(3.4, 0.6, (400, 2)))), SIZES)
    scales, ratios = np.array([0.45, 0.61, 0.83]), np.array([1.4, 2.7])
    mean, of_scale, of_ratio = objective.slope(scales, ratios)
    assert mean == pytest.approx(objective([scales], [ratios])[0], abs=1e-12)
    step = 1e-7
    for n in range(3):
        moved = scales * np.exp(step * (np.arange(3) == n)), scales * np.exp(-step * (np.arange(3) == n))
        change = objective([moved[0]], [ratios])[0] - objective([moved[1]], [ratios])[0]
        assert of_scale[n] == pytest.approx(change / (2 * step), abs=1e-5)
    for n in range(2):
        moved = ratios * np.exp(step * (np.arange(2) == n)), ratios * np.exp(-step * (np.arange(2) == n))
        change = objective([scales], [moved[0]])[0] - objective([scales], [moved[1]])[0]
        assert of_ratio[n] == pytest.approx(change / (2 * step), abs=1e-5)
