"""Pictures side by side: the colours of what was found, and kernels on one scale of grey."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from LesionTrainingLib.evaluation.output.fold_plots import FoldCurve, FoldCurves, fold_curves_plot, mean_precision
from LesionTrainingLib.evaluation.output.plots import Mark
from LesionTrainingLib.evaluation.output.tables import Table
from LesionTrainingLib.evaluation.output.tiles import BLUE, RED, YELLOW, Filter, Outcome, filter_tiles, outcome_tiles


def pixels(plot):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(plot.png, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def has(picture, color):
    """How many pixels are of this very colour."""
    return int((picture == np.round(np.array(color))).all(axis=2).sum())


def an_outcome(title="a slice", shape=(10, 20), pixel_mm=(1.0, 1.0)):
    """Black; the left half should be found, the upper half was."""
    lesions, found = np.zeros(shape, bool), np.zeros(shape, bool)
    lesions[:, : shape[1] // 2] = True
    found[: shape[0] // 2] = True
    return Outcome(title, np.full(shape, -1000.0), found, lesions, pixel_mm)


def test_true_false_and_missed_pixels_have_their_colours():
    picture = pixels(outcome_tiles([an_outcome()], (-1000, 400), "words", width=100))
    painted = [np.round(0.6 * 255 * np.array(color)) for color in (YELLOW, RED, BLUE)]
    assert [has(picture, color) for color in painted] == [25 * 50] * 3


def test_the_data_count_the_slices_own_pixels():
    plot = outcome_tiles([an_outcome(), an_outcome("=more", (4, 4))], (-1000, 400), "words")
    assert plot.data.rows == (("a slice", 50, 50, 50), ("=more", 4, 4, 4))
    assert plot.alternative == "words"


def test_tiles_keep_the_shape_of_the_patient():
    flat = pixels(outcome_tiles([an_outcome(pixel_mm=(1.0, 1.0))], (0, 1), "", width=100)).shape
    high = pixels(outcome_tiles([an_outcome(pixel_mm=(2.0, 1.0))], (0, 1), "", width=100)).shape
    assert high[0] - flat[0] == 50
    four = pixels(outcome_tiles([an_outcome()] * 4, (0, 1), "", columns=2, width=200)).shape
    assert four[1] == 10 + 2 * 210
    assert four[0] > flat[0] + 50


def test_kernels_share_one_scale_and_responses_have_their_own():
    strong = Filter("1", np.stack([np.full((3, 3), 2.0), np.full((3, 3), -2.0)]), np.array([[5.0, 7.0]]))
    weak = Filter("2", np.full((2, 3, 3), 1.0), np.array([[0.0, 0.001]]))
    picture = pixels(filter_tiles([strong, weak], Table(("filter",), ((1,), (2,))), "words", width=100))
    left, right = picture[:, :110], picture[:, 115:]
    side = (100 // 2 - 2) // 3
    assert has(left, (255, 255, 255)) >= (3 * side) ** 2  # +2: white; and the greatest response
    assert has(right, (191, 191, 191)) == 2 * (3 * side) ** 2  # +1: three quarters
    assert has(right, (255, 255, 255)) >= 50 * 50  # its greatest response is white, however small
    assert has(right, (0, 0, 0)) >= 50 * 50


@pytest.mark.parametrize("response", [np.zeros((4, 4)), np.full((4, 4), 3.0)])
def test_a_response_that_is_everywhere_the_same_is_black(response):
    one = Filter("silent", np.zeros((1, 2, 2)), response)
    picture = pixels(filter_tiles([one], Table(("filter",), ((1,),)), "", width=40))
    assert has(picture, (0, 0, 0)) >= 40 * 40


def test_long_titles_are_cut_and_none_is_no_failure():
    assert pixels(outcome_tiles([an_outcome("a title that is much too long for a tile")], (0, 1), "", width=60)).size
    assert pixels(outcome_tiles([], (0, 1), "")).size


def test_folds_are_thin_lines_with_their_mean():
    curves = (
        FoldCurve(0, np.array([0.2, 0.8]), np.array([1.0, 0.5])),
        FoldCurve(1, np.array([0.5]), np.array([0.5])),
    )
    group = FoldCurves("T_R", curves, np.array([0.0, 0.5]), np.array([0.75, 0.5]), (Mark("printed", 0.6, 0.7, True),))
    plot = fold_curves_plot([group], title="phantoms")
    assert plot.png.startswith(b"\x89PNG")
    assert [row[:5] for row in plot.data.rows if row[1] == "fold"] == [
        ("T_R", "fold", 0, 0.2, 1.0),
        ("T_R", "fold", 0, 0.8, 0.5),
        ("T_R", "fold", 1, 0.5, 0.5),
    ]
    assert ("T_R", "mark", None, 0.6, 0.7, "printed") in plot.data.rows
    nothing = FoldCurves("none", (FoldCurve(0, np.array([0.0]), np.array([np.nan])),), np.zeros(0), np.zeros(0))
    assert fold_curves_plot([nothing]).data.rows[0][1] == "fold"


def test_the_mean_ends_where_a_fold_ends():
    first, second = np.array([1.0, 0.5, np.nan]), np.array([0.5, 0.25, 0.1])
    assert mean_precision([first, second])[:2].tolist() == [0.75, 0.375]
    assert np.isnan(mean_precision([first, second])[2])
    assert mean_precision([]).shape == (0,)
