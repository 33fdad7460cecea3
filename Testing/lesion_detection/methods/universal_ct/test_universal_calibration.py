"""p (1 + IoU): which mask goes with a box, and how well they agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.imaging.rectangles import iou
from LesionDetectionLib.methods.universal_ct.calibration import box_around, calibrated, outline_in
from LesionDetectionLib.methods.universal_ct.engine_boxes import SliceBoxes, Window, cut_windows, window_edges
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings
from scipy import ndimage

SETTINGS = UniversalSettings(size_px=64, mask_box_margin_px=2.0)


def found_in(mask, boxes, probability):
    boxes = np.array(boxes, dtype=float).reshape(-1, 4)
    mask = np.asarray(mask, dtype=np.float32)
    return SliceBoxes(boxes, np.array(probability, dtype=float), cut_windows(mask, window_edges(boxes, 64, 64)))


def a_mask(*rectangles):
    mask = np.zeros((64, 64))
    for x0, y0, x1, y1 in rectangles:
        mask[y0:y1, x0:x1] = 0.9
    return mask


def test_a_box_that_its_mask_fills_has_twice_its_probability():
    mask = a_mask((20, 20, 30, 28))
    scores, (outline,) = calibrated(found_in(mask, [(18, 18, 32, 30)], [0.4]), SETTINGS)
    assert scores == pytest.approx([0.8])
    assert outline[1] == (20, 20)
    assert outline[0].shape == (8, 10)
    assert outline[0].all()


def test_agreement_is_that_of_the_boxes():
    """Regressed 14 x 12, around the mask 10 x 12 in the middle of it: IoU 10 / 14."""
    mask = a_mask((22, 20, 28, 28))
    scores, _ = calibrated(found_in(mask, [(18, 18, 32, 30)], [0.5]), SETTINGS)
    assert scores == pytest.approx([0.5 * (1 + 10 / 14)])


def test_without_a_mask_in_it_a_box_has_its_probability():
    """One sees nothing, one a mask in its window, but not in itself."""
    scores, masks = calibrated(
        found_in(a_mask((40, 20, 44, 24)), [(4, 4, 10, 10), (30, 20, 39, 30)], [0.7, 0.2]), SETTINGS
    )
    np.testing.assert_array_equal(scores, [0.7, 0.2])
    assert masks == [None, None]


def test_without_a_mask_branch_scores_are_probabilities():
    found = SliceBoxes(np.array([[0.0, 0.0, 5.0, 5.0]]), np.array([0.3]), ())
    scores, masks = calibrated(found, SETTINGS)
    assert (scores.tolist(), masks) == ([0.3], [None])


def test_no_boxes():
    scores, masks = calibrated(found_in(a_mask(), [], []), SETTINGS)
    assert (len(scores), masks) == (0, [])


def test_the_part_that_shares_most_with_the_box_counts():
    """A larger part lies beside it, and touches it with a column; the box's own part is cut in no way."""
    mask = a_mask((20, 20, 26, 26), (29, 10, 40, 40))
    outline = outline_in(mask[5:45, 15:45], (15, 5), (18, 18, 30, 28), 0.5)
    assert (outline[1], outline[0].shape) == ((20, 20), (6, 6))
    outline = outline_in(mask[5:45, 15:45], (15, 5), (24, 18, 36, 28), 0.5)
    assert (outline[1], outline[0].shape) == ((29, 10), (30, 11))


def test_the_threshold_belongs_to_the_mask():
    probability = np.array([[0.2, 0.5, 0.49999]], dtype=np.float32)
    outline = outline_in(probability, (0, 0), (0, 0, 3, 1), 0.5)
    assert outline[1] == (1, 0)
    assert outline[0].tolist() == [[True]]
    assert outline_in(probability, (0, 0), (0, 0, 3, 1), 0.51) is None


def test_at_the_edge_of_the_input_boxes_and_margins_end():
    """A lesion in the corner: the box cannot reach beyond, and the margin does not count against it."""
    scores, _ = calibrated(found_in(a_mask((58, 0, 64, 6)), [(56, 0, 64, 8)], [0.5]), SETTINGS)
    assert scores == pytest.approx([1.0])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 20)] * 2), min_size=1, max_size=5),
    st.tuples(st.floats(0, 40), st.floats(0, 40), st.floats(0.5, 24), st.floats(0.5, 24)),
    st.floats(0.001, 1),
)
def test_by_hand(rectangles, box, probability):
    """Against parts found one by one in the whole mask, cut to the window."""
    mask = a_mask(*[(x, y, min(64, x + w), min(64, y + h)) for x, y, w, h in rectangles])
    x, y, w, h = box
    box = np.array([x, y, x + w, y + h])
    found = found_in(mask, [box], [probability])
    (score,), (outline,) = calibrated(found, SETTINGS)
    (left, top, right, bottom) = window_edges(box[None], 64, 64)[0]
    labels, count = ndimage.label(mask[top:bottom, left:right] >= 0.5, np.ones((3, 3)))
    rows, columns = np.indices(labels.shape) + 0.5
    inside = (columns + left >= x) & (columns + left < x + w) & (rows + top >= y) & (rows + top < y + h)
    shared = [np.count_nonzero(inside & (labels == n)) for n in range(1, count + 1)]
    if not any(shared):
        assert (score, outline) == (probability, None)
        return
    assert probability <= score <= 2 * probability
    pixels, (px, py) = outline
    full = np.zeros((64, 64), dtype=bool)
    full[py : py + pixels.shape[0], px : px + pixels.shape[1]] = pixels
    best = [n for n in range(1, count + 1) if shared[n - 1] == max(shared)]
    assert any(np.array_equal(full[top:bottom, left:right], labels == n) for n in best)
    agreement = iou(box, np.clip(box_around(outline, 2.0), 0, 64))[0, 0]
    assert score == pytest.approx(probability * (1 + agreement))


def test_windows_are_not_changed():
    probability = np.full((4, 4), 0.7, dtype=np.float32)
    probability.flags.writeable = False
    found = SliceBoxes(np.array([[1.0, 1.0, 3.0, 3.0]]), np.array([0.5]), (Window((0, 0), probability),))
    assert calibrated(found, SETTINGS)[1][0][0].shape == (4, 4)
