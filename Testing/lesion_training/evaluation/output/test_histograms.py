"""Histograms count every value once, in round bins, and say what they leave out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.evaluation.metrics.proportions import wilson_interval
from LesionTrainingLib.evaluation.output.histograms import (
    FOUND,
    MISSED,
    Bars,
    count_edges,
    histogram,
    score_edges,
    sensitivity_plot,
    size_edges,
)

pytestmark = pytest.mark.usefixtures("blank_figures")
SIZES = st.lists(st.floats(0.01, 300) | st.just(float("nan")), max_size=30).map(np.array)


def columns(plot):
    """Name -> its column as a list."""
    return dict(zip(plot.data.columns, map(list, zip(*plot.data.rows, strict=True)), strict=True))


def test_bars_are_stacked_by_bin_and_what_is_unknown_is_told():
    found, missed = np.array([1.0, 1.9, 2.0, np.nan]), np.array([2.0, 6.0, 99.0])
    plot = histogram(
        (Bars("found", found, FOUND), Bars("missed", missed, MISSED)), np.arange(0.0, 8, 2), what="nodules", x="mm"
    )
    told = columns(plot)
    assert told["from_mm"] == [0, 2, 4, None]
    assert told["to_mm"] == [2, 4, 6, None]
    assert told["found"] == [2, 1, 0, 1]
    assert told["missed"] == [0, 1, 2, 0]  # the end of the last bin is in it, and so is what lies beyond
    assert plot.caption == "1 of unknown size is not drawn."
    assert plot.alternative == "Histogram of nodules by mm: 4 found, 3 missed."


@given(SIZES, SIZES)
def test_edges_hold_all_and_every_value_is_counted_once(found, missed):
    edges = size_edges(found, missed)
    assert 2 <= len(edges) <= 26
    widths = np.diff(edges)
    assert widths == pytest.approx(widths[0])
    assert widths[0] in (1, 2, 5, 10, 20)
    known = np.concatenate([found, missed])
    known = known[~np.isnan(known)]
    assert not known.size or edges[0] <= known.min() <= known.max() <= edges[-1]


def test_counts_add_up_whatever_the_values():
    values = np.random.default_rng(0).gamma(2, 7, 500)
    values[::50] = np.nan
    told = columns(histogram((Bars("all", values, FOUND),), size_edges(values), what="lesions", x="Diameter (mm)"))
    assert sum(told["all"]) == 500
    assert told["all"][-1] == 10


@pytest.mark.parametrize(
    ("scores", "first", "last", "bins"),
    [([], 0, 1, 20), ([0.2, 1.0], 0, 1, 20), ([3.0, 17.2], 0, 18, 18), ([-2.0, 4.0], -2, 4.5, 13)],
)
def test_edges_of_scores(scores, first, last, bins):
    edges = score_edges(np.array(scores, dtype=float))
    assert (edges[0], edges[-1]) == pytest.approx((first, last))
    assert len(edges) - 1 == bins


def test_edges_of_counts_lie_between_whole_numbers():
    assert count_edges(np.array([0.0, 5.0])).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert count_edges(np.zeros(0)).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5]
    many = count_edges(np.array([100.0]))
    assert set(np.diff(many)) == {5.0}
    assert many[-1] > 100


def test_nothing_to_show():
    plot = histogram((Bars("false marks", np.zeros(0), MISSED),), size_edges(), what="false marks", x="Diameter (mm)")
    assert sum(columns(plot)["false_marks"]) == 0
    assert plot.caption == ""


def test_sensitivity_has_wilsons_bounds_and_a_gap_where_there_is_no_lesion():
    told = columns(sensitivity_plot(("small", "large"), (3, 0), (4, 0)))
    low, high = map(float, wilson_interval(3, 4))
    assert (told["sensitivity"][0], told["lower_95"][0], told["upper_95"][0]) == (0.75, low, high)
    assert np.isnan(told["sensitivity"][1])
    assert told["all"] == [4, 0]
