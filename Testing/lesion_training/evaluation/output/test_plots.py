"""Plots: what is drawn is where it belongs, the data beside it is whole, and nothing is shared with the caller."""

from __future__ import annotations

import csv
import io
import subprocess
import sys

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, OutputError
from LesionTrainingLib.evaluation.froc import read_curve
from LesionTrainingLib.evaluation.metrics.calibration import reliability
from LesionTrainingLib.evaluation.output.figures import COLORS, line_style
from LesionTrainingLib.evaluation.output.plots import (
    Band,
    Curve,
    Mark,
    bland_altman_plot,
    froc_plot,
    loss_plot,
    precision_recall_plot,
    reliability_plot,
    roc_plot,
    size_plot,
    write_plot,
)
from matplotlib.axes import Axes
from PIL import Image

RATES = np.array([0.0, 0.0, 0.25, 1.0, 4.0])
FOUND = np.array([0.1, 0.3, 0.5, 0.6, 0.8])
BAND = Band(np.array([0.125, 8.0]), np.array([0.2, 0.6]), np.array([0.6, 0.9]))


def rows(plot):
    return list(csv.DictReader(io.StringIO(plot.data.csv(), newline="")))


def picture(plot):
    """[rows, columns, 3] red, green, blue."""
    return np.asarray(Image.open(io.BytesIO(plot.png)).convert("RGB")).astype(int)


def pixels(plot, color=COLORS[0]):
    """[n, 2] row and column of the pixels of a colour, each from 0 to 1."""
    drawn = picture(plot)
    wanted = np.array([int(color[n : n + 2], 16) for n in (1, 3, 5)])
    near = np.abs(drawn - wanted).max(axis=2) < 12
    return np.argwhere(near) / drawn.shape[:2]


def test_froc_data():
    plot = froc_plot([Curve("both", RATES, FOUND, BAND, (Mark("balanced", 1.0, 0.6),))], per="image")
    read = rows(plot)
    assert [row["part"] for row in read] == ["curve"] * 5 + ["band"] * 2 + ["mark"]
    assert [float(row["false_positives_per_image"]) for row in read[:5]] == RATES.tolist()
    assert [float(row["sensitivity"]) for row in read[:5]] == FOUND.tolist()
    assert (read[5]["lower"], read[5]["upper"], read[5]["sensitivity"]) == ("0.2", "0.6", "")
    assert (read[7]["mark"], read[7]["sensitivity"]) == ("balanced", "0.6")
    assert plot.alternative == "FROC: sensitivity over false positives per image, both."


def test_the_froc_rises_on_a_logarithmic_axis():
    """A straight line in log2 of the rate, from 0 at 1/8 to 1 at 8, is the diagonal of the axes."""
    x = np.geomspace(0.125, 8, 200)
    places = pixels(froc_plot([Curve("", x, (np.log2(x) + 3) / 6)]))
    rows, columns = places.T
    slope = np.polyfit(columns, rows, 1)
    assert np.abs(np.polyval(slope, columns) - rows).max() < 0.012
    assert slope[0] < -0.7


def blue_places(plot):
    """Rows and columns of what is drawn in the first colour, each from 0 to 1."""
    drawn = picture(plot)
    blue = drawn[..., 2] - drawn[..., 0] > 60
    return tuple(places / size for places, size in zip(np.nonzero(blue), blue.shape, strict=True))


def test_the_froc_stays_beyond_its_last_point():
    """Half of the axis is after the last point, at rate 1: a thin line at the same height."""
    rows, columns = blue_places(froc_plot([Curve("", np.array([0.0, 1.0, 1.0]), np.array([0.5, 0.5, 0.5]))]))
    assert np.ptp(rows) < 0.02
    assert np.ptp(columns) > 0.8
    thick, thin = (((columns > start) & (columns < start + 0.1)).sum() for start in (0.25, 0.75))
    assert thick > 1.3 * thin > 0


def test_the_froc_is_drawn_as_it_is_read():
    """Level until the rate at which it is upright, also where the points between were left out."""
    x, y = np.array([0.0, 1.0, 1.0, 8.0]), np.array([0.3, 0.3, 0.8, 0.8])
    assert read_curve(np.array([0.9, 1.0]), x, y).tolist() == [0.3, 0.8]
    rows, columns = blue_places(froc_plot([Curve("", x, y)]))
    before, after = rows[(columns > 0.15) & (columns < 0.5)], rows[columns > 0.6]
    assert np.ptp(before) < 0.02
    assert np.ptp(after) < 0.02
    assert before.min() - after.max() > 0.3


def test_the_legend_leaves_the_curves_free():
    low, high = (Curve("name", RATES, np.full(len(RATES), height)) for height in (0.05, 0.9))
    for curve, rows in ((low, slice(0, 90)), (high, slice(-180, -90))):
        corner = picture(froc_plot([curve]))[rows]
        assert (corner.max(axis=2) < 120).sum() > 50  # the words


def test_of_a_long_froc_few_points_are_drawn_and_all_are_kept(monkeypatch):
    drawn, plot = [], Axes.plot
    monkeypatch.setattr(
        Axes, "plot", lambda axes, x, *more, **style: drawn.append(len(x)) or plot(axes, x, *more, **style)
    )
    x = np.sort(np.random.default_rng(0).integers(0, 12_000, 20_000)) / 888
    long = froc_plot([Curve("long", x, np.linspace(0, 1, 20_000))])
    assert 200 < sum(drawn) < 1000
    assert len(rows(long)) == 20_000


@pytest.mark.parametrize("draw", [froc_plot, precision_recall_plot, roc_plot, loss_plot])
def test_nothing_to_draw(draw):
    for curves in ([], [Curve("none", np.zeros(0), np.zeros(0))], [Curve("nan", np.ones(2), np.full(2, np.nan))]):
        plot = draw(curves)
        assert not len(pixels(plot))
        assert len(rows(plot)) == sum(len(curve.x) for curve in curves)


def test_precision_recall_and_roc_data():
    curve = Curve("AP 0.5", np.array([0.2, 0.4]), np.array([1.0, 0.5]))
    assert [(row["recall"], row["precision"]) for row in rows(precision_recall_plot([curve]))] == [
        ("0.2", "1.0"),
        ("0.4", "0.5"),
    ]
    assert list(rows(roc_plot([curve]))[0])[2:4] == ["one_minus_specificity", "sensitivity"]


def test_losses_leave_gaps_where_they_are_not_finite():
    plot = loss_plot(
        [Curve("training", np.arange(4.0), np.array([1.0, np.nan, np.inf, 0.2]))], x="Epoch", logarithmic=True
    )
    assert [row["loss"] for row in rows(plot)] == ["1.0", "", "inf", "0.2"]
    assert "epoch" in rows(plot)[0]


def test_sizes():
    plot = size_plot(["< 6 mm", "6 to 10 mm", "> 10 mm"], [3, 10, 0], [10, 10, 0])
    first, second, none = rows(plot)
    assert (first["found"], first["all"], first["sensitivity"]) == ("3", "10", "0.3")
    assert float(first["lower_95"]) < 0.3 < float(first["upper_95"])
    assert float(second["upper_95"]) == pytest.approx(1)
    assert (none["sensitivity"], none["lower_95"]) == ("", "")
    assert plot.alternative == "Lesions found by size: 3 of 10 at < 6 mm, 10 of 10 at 6 to 10 mm, 0 of 0 at > 10 mm."
    heights = pixels(plot)  # the second bar is all blue, the first to three tenths
    left, middle = (heights[(heights[:, 1] > a) & (heights[:, 1] < b)][:, 0] for a, b in ((0.15, 0.25), (0.45, 0.55)))
    assert np.ptp(left) == pytest.approx(0.3 * np.ptp(middle), rel=0.1)


def test_reliability():
    plot = reliability_plot(reliability([0.1, 0.15, 0.9, 0.95], [0, 1, 1, 1], bins=2))
    low, high = rows(plot)
    assert [low[name] for name in ("score_from", "score_to", "observed", "marks")] == ["0.0", "0.5", "0.5", "2"]
    assert (high["mean_score"], high["observed"]) == ("0.925", "1.0")
    assert len(pixels(plot))
    empty = rows(reliability_plot(reliability([], [], bins=2)))
    assert [row["marks"] for row in empty] == ["0", "0"]


def test_bland_altman():
    plot = bland_altman_plot([6.0, 9.0, 13.0], [5.0, 10.0, 10.0])
    assert rows(plot)[0] == {"measured_mm": "6.0", "true_mm": "5.0", "mean_mm": "5.5", "difference_mm": "1.0"}
    assert "limits of agreement −2.92 mm to +4.92 mm" in plot.alternative
    assert len(pixels(plot, COLORS[1]))  # the lines


def test_bland_altman_of_few_and_none():
    assert not len(pixels(bland_altman_plot([], []), COLORS[1]))
    assert len(pixels(bland_altman_plot([5.0], [4.0]), COLORS[1]))
    with pytest.raises(InputError, match="not finite"):
        bland_altman_plot([np.nan], [4.0])


def test_curves_differ_in_more_than_colour():
    styles = [line_style(index) for index in range(12)]
    looks = {(style["color"], str(style["linestyle"])) for style in styles}
    assert len(looks) == 12
    assert len({str(style["linestyle"]) for style in styles[:4]}) == 4


def test_writing(tmp_path):
    plot = roc_plot([Curve("AUC 0.8", np.array([0.0, 1.0]), np.array([0.0, 1.0]))], title="ROC")
    image_path, data = write_plot(tmp_path / "out" / "roc.v2", plot)
    assert (image_path.name, data.name) == ("roc.v2.png", "roc.v2.csv")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["roc.v2.csv", "roc.v2.png"]
    with Image.open(image_path) as image:
        image.verify()
    assert data.read_text(encoding="utf-8").startswith("curve,part,one_minus_specificity,sensitivity")
    with pytest.raises(OutputError):
        write_plot(image_path / "below", plot)


def test_the_same_plot_is_the_same_bytes():
    assert froc_plot([Curve("a", RATES, FOUND, BAND)]).png == froc_plot([Curve("a", RATES, FOUND, BAND)]).png


def test_drawing_shares_no_state_and_importing_loads_no_matplotlib():
    code = (
        "import sys, numpy as np\n"
        "from LesionTrainingLib.evaluation.output.plots import Curve, froc_plot\n"
        "from LesionTrainingLib.evaluation.output.page import write_page\n"
        "assert not {'matplotlib', 'scipy', 'sklearn', 'skimage'} & set(sys.modules)\n"
        "import matplotlib\n"
        "before = matplotlib.rcParams.copy()\n"
        "froc_plot([Curve('a', np.array([0.1, 4.0]), np.array([0.2, 0.8]))])\n"
        "assert matplotlib.rcParams.copy() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_rings_are_values_from_elsewhere_and_share_an_entry_in_the_legend():
    rings = [
        Curve(name, RATES, FOUND, None, (Mark("as printed", 1.0, at, hollow=True),))
        for name, at in (("a", 0.5), ("b", 0.7))
    ]
    plot = froc_plot(rings)
    assert [row[-1] for row in plot.data.rows if row[1] == "mark"] == ["as printed", "as printed"]
    assert plot.png != froc_plot([Curve(name, RATES, FOUND) for name in ("a", "b")]).png
