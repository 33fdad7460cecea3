"""What the search finds, where the answer is known, and that it is the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.architecture import DEFAULT_SCALES, PAPER_SCALES
from LesionTrainingLib.anchors.overlap import MeanOverlap, best_overlap, fold
from LesionTrainingLib.anchors.search import SearchSettings, find_anchors

QUICK = SearchSettings(restarts=2)


def drawn(count, seed=0):
    draw = np.random.default_rng(seed)
    return np.exp(draw.normal(3.4, 0.45, (count, 1)) + draw.normal(0, 0.2, (count, 2)))


def test_one_shape_gets_an_anchor_of_its_own():
    found = find_anchors(
        fold([(20, 60)] * 5), SearchSettings(scales=1, ratio_pairs=1, ratio_bounds=((1, 4),), restarts=2)
    )
    assert found.mean_iou == pytest.approx(1, abs=2e-4)
    assert found.anchors.ratios == pytest.approx((1 / 3, 1, 3), rel=1e-3)
    # sqrt(20 * 60) = 34.64 = 32 * 1.0825 = 64 * 0.5413: sizes double, so both are right
    assert min(abs(found.anchors.scales[0] / scale - 1) for scale in (1.0825, 0.54127)) < 1e-3


def test_squares_of_one_octave_need_three_scales():
    scales = (0.45, 0.55, 0.7)
    sides = [(64 * scale, 64 * scale) for scale in scales]
    found = find_anchors(fold(sides), SearchSettings(ratio_pairs=0, scale_bounds=(0.4, 0.79), restarts=3))
    assert found.anchors.scales == pytest.approx(scales, rel=2e-3)
    assert found.anchors.ratios == (1.0,)


def test_it_is_as_good_as_a_fine_grid():
    shapes = fold(drawn(300))
    grid = np.geomspace(0.4, 0.8, 60)
    ratios = np.geomspace(1, 4, 40)
    scale, ratio = (part.reshape(-1, 1) for part in np.meshgrid(grid, ratios))
    best = MeanOverlap(shapes, QUICK.sizes)(scale, ratio).max()
    found = find_anchors(shapes, SearchSettings(scales=1, ratio_pairs=1, scale_bounds=(0.4, 0.8), restarts=2))
    assert found.mean_iou >= best


def test_climbing_is_no_worse_than_the_plain_search():
    shapes = fold(drawn(400))
    plain = find_anchors(shapes, SearchSettings(restarts=1, tolerance=0.01, refine=False, generations=20))
    found = find_anchors(shapes, QUICK)
    assert found.mean_iou >= plain.mean_iou - 1e-6
    assert len(found.runs) == 2
    assert found.mean_iou >= max(found.runs)
    assert found.evaluations > 2 * 75


def test_the_same_seed_finds_the_same_and_the_mean_is_that_of_the_anchors():
    sides = drawn(200)
    first, second = find_anchors(fold(sides), QUICK), find_anchors(fold(sides), QUICK)
    assert first == second
    assert first.mean_iou == pytest.approx(best_overlap(sides, first.anchors).mean(), abs=1e-4)  # they are rounded


def test_a_value_at_its_bound_is_told():
    narrow = [(20.0, 160.0)] * 3
    found = find_anchors(fold(narrow), SearchSettings(restarts=1))
    assert "ratio 4" in found.at_bounds


def test_the_papers_scales_are_a_shrunk_octave():
    octave = [PAPER_SCALES[0] * scale for scale in DEFAULT_SCALES]
    assert octave == pytest.approx(PAPER_SCALES, rel=0.01)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scales": 0}, "Scales"),
        ({"ratio_pairs": 9}, "pairs"),
        ({"sizes": (64.0, 32.0)}, "Sizes"),
        ({"sizes": ()}, "Sizes"),
        ({"scale_bounds": (1.6, 0.4)}, "Bounds"),
        ({"scale_bounds": (float("nan"), 1.0)}, "Bounds"),
        ({"ratio_bounds": ((0.5, 2.0), (2.0, 4.0))}, "Bounds"),
        ({"ratio_bounds": ((1.0, 2.0),)}, "1 bounds"),
        ({"population": 1}, "population"),
        ({"restarts": 0}, "restarts"),
        ({"tolerance": float("nan")}, "tolerance"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, told):
    with pytest.raises(UsageError, match=told):
        SearchSettings(**change).checked()


def test_pairs_share_the_papers_range():
    assert SearchSettings().checked().ratio_bounds == ((1.0, 2.0), (2.0, 4.0))
    assert SearchSettings(ratio_pairs=1).checked().ratio_bounds == ((1.0, 4.0),)


def test_it_can_be_cancelled():
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        find_anchors(fold([(10, 20)]), QUICK, progress)
