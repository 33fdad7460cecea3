"""The pictures of a search: what is drawn, by the tables that stand for it, and where."""

from __future__ import annotations

import math

import pytest
from LesionTrainingLib.learning.engine.history import HISTORY, STEP, Record
from LesionTrainingLib.learning.recipe import recipe
from LesionTrainingLib.tuning import by_setting, loss_curves
from LesionTrainingLib.tuning.by_setting import setting_plot
from LesionTrainingLib.tuning.journal import Trial
from LesionTrainingLib.tuning.loss_curves import curves_plot
from LesionTrainingLib.tuning.measures import Measure
from LesionTrainingLib.tuning.search import Search
from LesionTrainingLib.tuning.space import Budget, parse_space
from LesionTrainingLib.tuning.telling import lead, warnings
from LesionTrainingLib.tuning.trial import DIVERGED, DONE, Outcome
from tuning_searches import request_in

BASE = recipe("high-uptake-ct").default_settings()


@pytest.fixture
def axes(monkeypatch):
    """The axes of what is drawn; rendering them, which takes longest, is left out."""
    drawn = []
    for module in (loss_curves, by_setting):
        monkeypatch.setattr(module, "as_png", lambda _figure: b"")
        made = module.new_figure
        monkeypatch.setattr(module, "new_figure", lambda *a, made=made: drawn.append(made(*a)) or drawn[-1])
    return lambda: drawn[-1][1]


def a_trial(folder, number, values, losses, state=DONE, again=False):
    place = folder / f"{number}"
    (place / "fit").mkdir(parents=True)
    records = (Record(STEP, n + 1, float(n), {"loss": loss}) for n, loss in enumerate(losses))
    (place / "fit" / HISTORY).write_text("".join(record.as_line() for record in records))
    outcome = Outcome(state, losses[-1] if state == DONE else math.nan, 1.0, len(losses))
    return Trial(number, place, values, number, again, state, outcome)


def a_search(folder, trials, vary="fit.learning_rate=1e-4,1e-3,1e-2,1e-1"):
    done = [trial for trial in trials if trial.state == DONE and not trial.again]
    best = min(done, key=lambda trial: trial.outcome.value, default=None)
    space = parse_space(BASE, vary if isinstance(vary, list) else [vary], Budget())
    measure, request = Measure.of_settings(BASE), request_in(folder, vary)
    return Search(request, space, measure, "grid", tuple(trials), best, len(trials), (4, 2), False, "cpu")


@pytest.fixture
def rates(tmp_path):
    fast = [1.0 / (n + 1) for n in range(100)]
    return a_search(
        tmp_path,
        [
            a_trial(tmp_path, 0, {"fit.learning_rate": 1e-1}, [1.0, 1e9], DIVERGED),
            a_trial(tmp_path, 1, {"fit.learning_rate": 1e-3}, fast),
            a_trial(tmp_path, 2, {"fit.learning_rate": 1e-2}, [0.9] * 100),
            a_trial(tmp_path, 3, {"fit.learning_rate": 1e-3}, fast, again=True),
        ],
    )


def test_curves_are_means_in_the_order_of_the_setting(rates, axes):
    plot = curves_plot(rates)
    names = list(dict.fromkeys(row[1] for row in plot.data.rows))
    assert names == ["learning_rate 0.001", "learning_rate 0.01", "learning_rate 0.1"]
    fast = [row for row in plot.data.rows if row[1] == names[0]]
    assert len(fast) == 25
    assert fast[0][2:] == (4.0, pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4))
    assert fast[-1][2] == 100
    assert "A cross" in plot.caption


def test_a_loss_that_runs_away_does_not_flatten_the_others(rates, axes):
    curves_plot(rates)
    low, high = axes().get_ylim()
    assert low < 0.01 < 0.9 < high < 3
    (cross,) = [line for line in axes().lines if line.get_marker() == "x"]
    assert cross.get_ydata()[0] == high
    assert axes().get_yscale() == "log"


def test_the_measure_stands_over_the_setting(rates, axes):
    plot = setting_plot(rates, rates.space.varied[0])
    assert axes().get_xscale() == "log"
    assert [tick.get_text() for tick in axes().get_xticklabels()] == ["0.0001", "0.001", "0.01", "0.1"]
    labels = {line.get_label(): list(line.get_xdata()) for line in axes().lines}
    assert labels["the best"] == labels["the best with other seeds"] == [1e-3]
    assert labels["did not converge"] == [1e-1]
    assert [row[3] for row in plot.data.rows] == [DIVERGED, DONE, DONE, DONE]


def test_words_without_an_order_have_places_too(tmp_path, axes):
    trials = [
        a_trial(tmp_path, n, {"fit.optimizer": name, "fit.batch": n + 1}, [1.0, 0.5 / (n + 1)])
        for n, name in enumerate(("sgd", "adam"))
    ]
    search = a_search(tmp_path, trials, ["fit.optimizer=adam,sgd", "fit.batch=1,2"])
    plot = setting_plot(search, search.space.varied[0])
    assert [tick.get_text() for tick in axes().get_xticklabels()] == ["adam", "sgd"]
    assert "what else was varied" in plot.caption
    assert curves_plot(search).data.rows[0][1] == "optimizer sgd, batch 1"


def test_many_curves_are_shades_of_which_the_best_is_named(tmp_path, axes):
    trials = [a_trial(tmp_path, n, {"fit.batch": n + 1}, [1.0, 1.0 / (n + 1)]) for n in range(12)]
    plot = curves_plot(a_search(tmp_path, trials, "fit.batch=1..12 12"))
    assert axes().get_legend_handles_labels()[1] == ["batch 12 (best)"]
    assert len({line.get_color() for line in axes().lines}) == 12
    assert "Shades follow fit.batch" in plot.caption


def test_without_any_trial_that_ended_there_is_nothing_to_show(tmp_path, axes):
    search = a_search(tmp_path, [a_trial(tmp_path, 0, {"fit.learning_rate": 1e-1}, [1.0], DIVERGED)])
    (tmp_path / "0" / "fit" / HISTORY).write_text("")
    assert not curves_plot(search).data.rows
    assert [text.get_text() for text in axes().texts] == ["Nothing to show"]
    assert len(setting_plot(search, search.space.varied[0]).data.rows) == 1
    assert lead(search).startswith("None of 1 trial ended with a mean loss")


def test_trials_that_are_all_alike_have_no_best(tmp_path):
    trials = [a_trial(tmp_path, n, {"fit.batch": n + 1}, [1.0, 0.25]) for n in range(3)]
    search = a_search(tmp_path, trials, "fit.batch=1,2,3")
    assert lead(search) == "Nothing tells 3 trials apart: all have 0.25 as mean loss of the last tenth of the steps."
    assert not warnings(search)


def told(tmp_path, values, again=()):
    """The warnings about a search whose trials ended so."""
    rates = (1e-4, 1e-3, 1e-2, 1e-1)
    trials = [
        a_trial(tmp_path, n, {"fit.learning_rate": rate}, [2.0, value])
        for n, (rate, value) in enumerate(zip(rates, values, strict=True))
    ]
    best = min(trials, key=lambda trial: trial.outcome.value)
    trials += [a_trial(tmp_path, 10 + n, best.values, [2.0, value], again=True) for n, value in enumerate(again)]
    return " ".join(warnings(a_search(tmp_path, trials)))


def test_it_is_said_what_is_not_known_of_the_noise(tmp_path):
    text = told(tmp_path, (0.9, 0.5, 0.6, 0.9))
    assert "one seed. The second best has 0.6, the best 0.5." in text
    assert "--again 3" in text
    assert "beyond" not in text


def test_trials_within_the_spread_of_the_seeds_are_named(tmp_path):
    text = told(tmp_path, (0.9, 0.5, 0.6, 0.9), again=(0.45, 0.7))
    assert "With 3 seeds the best settings gave 0.45 to 0.7." in text
    assert (
        "1 other trial cannot be told apart from the best, as the difference is smaller than that: fit.learning_rate 0.01."
        in text
    )


def test_trials_outside_the_spread_are_worse(tmp_path):
    assert "All other trials, of one seed each, differ from it by more than that." in told(
        tmp_path, (0.9, 0.5, 0.6, 0.9), (0.45, 0.51)
    )


@pytest.mark.parametrize(("values", "which"), [((0.1, 0.5, 0.6, 0.9), "lowest"), ((0.9, 0.5, 0.4, 0.3), "highest")])
def test_a_best_at_the_edge_says_so(tmp_path, values, which):
    assert f"is the {which} that was tried: better may lie beyond" in told(tmp_path, values)
