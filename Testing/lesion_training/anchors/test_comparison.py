"""Anchors where they lie, and several of them side by side."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.imaging.rectangles import iou
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors
from LesionTrainingLib.anchors import placed
from LesionTrainingLib.anchors.comparison import compare, contenders
from LesionTrainingLib.anchors.overlap import best_overlap
from LesionTrainingLib.anchors.placed import placed_overlap

TWO = Anchors((16.0, 32.0), (0.6, 1.0), (0.5, 1.0, 3.0))
SIDES = np.array([(9.0, 14.0), (30.0, 12.0), (70.0, 90.0), (3.0, 3.0)])


def every_placed_anchor(width, height, x, y, anchors, first_stride):
    """The best of all anchors of an image of 256 x 256 pixels for a box with centre (x, y)."""
    boxes = []
    for level, size in enumerate(anchors.sizes):
        centers = (np.arange(256 // (first_stride * 2**level)) + 0.5) * first_stride * 2**level
        for scale in anchors.scales:
            for ratio in anchors.ratios:
                w, h = size * scale / np.sqrt(ratio), size * scale * np.sqrt(ratio)
                boxes += [(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2) for cx in centers for cy in centers]
    return iou([(x - width / 2, y - height / 2, x + width / 2, y + height / 2)], boxes).max()


def test_a_placed_anchor_is_the_best_of_all(monkeypatch):
    monkeypatch.setattr(placed, "_DRAWN", 8)
    found = placed_overlap(SIDES, TWO, 4)
    assert found.shape == (4, 2)
    steps = np.arange(1, 9)[:, None] / np.array([placed._PLASTIC, placed._PLASTIC**2])
    centers = (0.5 + steps) % 1 * 8 + 128  # one period of the coarser grid, in the middle of an image
    expected = [every_placed_anchor(*SIDES[n // 2], *centers[n], TWO, 4) for n in range(8)]
    assert found.ravel() == pytest.approx(expected, abs=1e-12)


def test_on_a_grid_no_box_fits_better_than_with_one_centre():
    found = placed_overlap(SIDES, TWO, 4)
    assert (found <= best_overlap(SIDES, TWO)[:, None] + 1e-12).all()
    assert found.shape[1] == placed._MOST_PLACES


def test_a_fine_grid_is_as_good_as_one_centre():
    tiny = placed_overlap(SIDES * 1000, Anchors((16000.0, 32000.0), TWO.scales, TWO.ratios), 1)
    assert tiny.mean(axis=1) == pytest.approx(best_overlap(SIDES, TWO), abs=1e-3)


def test_anchors_are_compared_on_the_same_boxes():
    sides = np.array([(32.0, 32.0), (14.0, 14.0), (14.0, 12.0), (60.0, 120.0)])
    found = Anchors((32.0, 64.0, 128.0), (0.4375, 1.0), (0.5, 1.0, 2.0))
    fits = compare(sides, np.array([12.0, 5.0, np.nan, 10.0]), contenders(found))
    assert [fit.contender.name for fit in fits] == [
        "found",
        "RetinaNet's default",
        "shrunk octave",
        "shrunk octave, found ratios",
        "published (paper)",
    ]
    assert fits[0].mean == pytest.approx((1 + 1 + 12 / 14 + best_overlap(sides[3:], found)[0]) / 4)
    assert fits[0].unreached == 0
    # 14 x 14 in 32 x 32 is 196 / 1024; 14 x 12 in it less.
    assert fits[1].unreached == 0.5
    assert fits[1].placed_unreached >= fits[1].unreached
    assert [(name, count) for name, count, _, _ in fits[1].bands] == [("<10 mm", 1), ("10-30 mm", 2)]
    assert fits[1].bands[0][3] == 1
    assert fits[1].to_json()["by_size_mm"]["<10 mm"]["share_unreached"] == 1


def test_without_sizes_there_are_no_bands():
    found = Anchors((32.0,), (1.0,), (1.0,))
    fit = compare(np.array([(30.0, 30.0)]), np.array([np.nan]), contenders(found)[:1])[0]
    assert fit.bands == ()
