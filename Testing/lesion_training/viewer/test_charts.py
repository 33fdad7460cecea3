"""Charts as paths: where a value lies, what breaks a line, and that the axes hold what is drawn."""

from __future__ import annotations

import re

import numpy as np
import pytest
from LesionTrainingLib.session.curves import Curve
from LesionTrainingLib.session.results import TrainingResult
from LesionTrainingLib.viewer.charts import (
    BOTTOM,
    EMPTY,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    froc_chart,
    loss_chart,
    validation_chart,
)


class Curves:
    """What :class:`LiveCurves` gives."""

    def __init__(self, losses=(), validations=()):
        self.losses, self.validations = losses, validations


def curve(name, *values):
    return Curve(name, np.arange(1.0, len(values) + 1), np.array(values, dtype=float))


def points(path):
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def value_at(chart, y):
    """What a height means, by the ticks beside it."""
    low, high = chart["y"][0], chart["y"][-1]
    share = (y - low["at"]) / (high["at"] - low["at"])
    return float(low["text"]) + share * (float(high["text"]) - float(low["text"]))


def result(name="all", froc=((0.25, 0.5), (1.0, 0.75)), band=()):
    return TrainingResult(name, "nodule-ct", None, 4, 0.5, None, froc, band, True, "")


def test_losses_lie_where_their_ticks_say():
    chart = loss_chart(Curves([curve("screening", 1.0, 0.5, 0.25), curve("reduction", 2.0)]))
    assert [line["faint"] for line in chart["lines"]] == [True, False, True, False]
    drawn = points(chart["lines"][0]["d"])
    assert [round(value_at(chart, y), 2) for _, y in drawn] == [1.0, 0.5, 0.25]
    assert drawn[-1][0] == WIDTH - RIGHT
    assert [one["name"] for one in chart["legend"]] == ["screening", "reduction"]
    assert [one["color"] for one in chart["legend"]] == [0, 1]


def test_a_spike_does_not_flatten_the_rest():
    values = [0.5] * 300
    values[10] = 1e6
    chart = loss_chart(Curves([curve("screening", *values)]))
    assert float(chart["y"][-1]["text"]) <= 1.0
    assert min(y for _, y in points(chart["lines"][0]["d"])) == TOP


def test_what_is_not_finite_breaks_the_line():
    chart = loss_chart(Curves([curve("screening", 1.0, np.nan, 0.5, np.inf, 0.25)]))
    path = chart["lines"][0]["d"]
    assert path.count("M") == 2 + 1
    assert "nan" not in path
    assert "inf" not in path


def test_losses_below_zero_have_room():
    chart = loss_chart(Curves([curve("screening", -3.0, 2.0)]))
    assert float(chart["y"][0]["text"]) <= -3.0
    assert [round(value_at(chart, y), 2) for _, y in points(chart["lines"][0]["d"])] == [-3.0, 2.0]


@pytest.mark.parametrize("values", [(), (0.0,), (np.nan,), (5.0, 5.0)])
def test_little_can_be_drawn_too(values):
    for make in (loss_chart, validation_chart):
        chart = make(Curves([curve("screening", *values)], [curve("screening: AUC", *values)]))
        assert len({tick["at"] for tick in chart["y"]}) == len(chart["y"]) > 1
    assert loss_chart(Curves())["lines"] == EMPTY["lines"]


def test_long_curves_are_thinned():
    chart = loss_chart(Curves([curve("screening", *np.linspace(1, 0, 9000))]))
    assert {len(points(line["d"])) for line in chart["lines"]} == {400}


def test_metrics_have_a_line_each():
    chart = validation_chart(Curves(validations=[curve("a: AUC", 0.5, 0.75), curve("a: found", 0.1)]))
    assert [one["name"] for one in chart["legend"]] == ["a: AUC", "a: found"]
    assert chart["lines"][1]["d"].endswith("h0")  # a dot


def test_rates_lie_on_a_logarithmic_axis():
    band = tuple((rate, 0.25, 0.75) for rate in (0.125, 1.0, 8.0))
    chart = froc_chart([result(band=band)])
    steps = np.diff([tick["at"] for tick in chart["x"]])
    assert np.allclose(steps, steps[0], atol=0.11)
    drawn = points(chart["lines"][0]["d"])
    assert (drawn[0][0], drawn[-1][0]) == (LEFT, WIDTH - RIGHT)
    heights = HEIGHT - BOTTOM - TOP
    assert drawn[0][1] == pytest.approx(TOP + 0.75 * heights, abs=0.1)  # a quarter: halfway to the first point
    assert drawn[-1][1] == pytest.approx(TOP + 0.25 * heights, abs=0.1)
    assert len(points(chart["band"])) == 6
    assert {round((y - TOP) / heights, 2) for _, y in points(chart["band"])} == {0.75, 0.25}
    assert chart["legend"] == []


def test_models_of_folds_lie_beside_the_one_of_all():
    chart = froc_chart([result("one"), result("none", froc=()), result("all")])
    assert [one["name"] for one in chart["legend"]] == ["one", "all"]
    assert [line["bold"] for line in chart["lines"]] == [False, True]
    assert froc_chart([result(froc=())])["lines"] == []
