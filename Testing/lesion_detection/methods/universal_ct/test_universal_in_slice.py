"""Outlines and boxes of the input, in the slice's own pixels."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.methods.slices.preprocessing import Placing
from LesionDetectionLib.methods.universal_ct.engine_boxes import SliceBoxes, cut_windows, window_edges
from LesionDetectionLib.methods.universal_ct.in_slice import in_slice
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings

SETTINGS = UniversalSettings(size_px=64)


def a_window(mask, box, probability=0.5, size=64):
    boxes = np.array([box], dtype=float)
    windows = cut_windows(np.asarray(mask, dtype=np.float32), window_edges(boxes, size, size))
    return SliceBoxes(boxes, np.array([probability]), windows)


@pytest.mark.parametrize("shape", [(64, 64), (32, 32), (48, 31), (100, 128), (64, 40)])
def test_outlines_come_back_to_the_slice_s_pixels(shape):
    """A disk in the input, in slices of other sizes: its area and place there, to a share of a pixel of either."""
    placing = Placing.of(shape, 64)
    (scale_x, scale_y), center = placing.scale_xy, (placing.input_yx[1] * 0.4, placing.input_yx[0] * 0.6)
    y, x = np.indices((64, 64)) + 0.5
    probability = 1 / (1 + np.exp(np.hypot(x - center[0], y - center[1]) - 8.0))
    box = (center[0] - 13, center[1] - 13, center[0] + 13, center[1] + 13)
    found = in_slice(3, a_window(probability, box), placing, SETTINGS)
    ((pixels, (left, top)),) = found.outlines
    assert found.k == 3
    assert np.count_nonzero(pixels) * scale_x * scale_y == pytest.approx(np.pi * 64, rel=0.1)
    middle = np.argwhere(pixels).mean(axis=0) + 0.5 + (top, left)
    np.testing.assert_allclose(middle * (scale_y, scale_x), center[::-1], atol=max(0.5, scale_x, scale_y) / 2)
    inside = np.clip(np.array(box) / ([*placing.scale_xy] * 2), 0, (*shape[::-1], *shape[::-1]))
    np.testing.assert_allclose(found.boxes[0], inside)


def test_a_mask_finer_than_the_slice_s_pixels_is_not_lost():
    mask = np.zeros((64, 64))
    mask[20, 20] = 1.0
    found = in_slice(0, a_window(mask, (16, 16, 25, 25)), Placing.of((8, 8), 64), SETTINGS)
    ((pixels, start),) = found.outlines
    assert (pixels.shape, start) == ((1, 1), (2, 2))


def test_a_mask_ends_where_the_box_does():
    mask = np.zeros((64, 64))
    mask[10:50, 20:30] = 1.0
    found = in_slice(0, a_window(mask, (15, 20, 35, 40)), Placing.of((64, 64), 64), SETTINGS)
    ((pixels, start),) = found.outlines
    assert (pixels.shape, start) == ((20, 10), (20, 20))


def test_what_lies_beside_the_slice_or_scores_too_low_is_no_finding():
    """The lower half of the input is no part of this slice."""
    mask = np.ones((64, 64), dtype=np.float32)
    boxes = np.array([[5.0, 40, 20, 60], [5, 10, 20, 60], [5, 10, 20, 30]])
    probability = np.array([0.9, 0.8, 0.2])
    found = SliceBoxes(boxes, probability, cut_windows(mask, window_edges(boxes, 64, 64)))
    kept = in_slice(0, found, Placing.of((32, 64), 64), SETTINGS, least_score=0.4)
    np.testing.assert_array_equal(kept.boxes, [[5, 10, 20, 32]])
    assert kept.probability == [0.8]
    unmeasured = in_slice(0, found, Placing.of((32, 64), 64), UniversalSettings(size_px=64, measure=False), 0.4)
    np.testing.assert_array_equal(unmeasured.scores, kept.scores)
    assert unmeasured.outlines == (None,)
