"""The journal: each point once whoever asks, killed trials taken up, the same draws after a stop, and no foreign content."""

from __future__ import annotations

import logging
import math
import sys

import optuna
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.learning.recipe import recipe
from LesionTrainingLib.tuning.journal import GRID, JOURNAL, OUTCOME, RANDOM, RUNNING, TPE, Journal
from LesionTrainingLib.tuning.measures import Measure
from LesionTrainingLib.tuning.space import Budget, parse_space
from LesionTrainingLib.tuning.trial import DIVERGED, DONE, FULL, Outcome
from optuna.storages.journal import JournalFileBackend

BASE = recipe("high-uptake-ct").default_settings()
LISTS = ("fit.batch=1,2,4", "fit.optimizer=adam,sgd")
RANGES = ("fit.learning_rate=1e-5..1e-1 log", "fit.warmup_steps=0..9", "fit.optimizer=adam,sgd")


def journal_in(folder, vary=LISTS, way=GRID, trials=None, seed=0):
    return Journal(folder, parse_space(BASE, vary, Budget()), Measure.of_settings(BASE), way, seed, trials)


def loss_of(trial):
    """Least at a rate of 1e-3 with adam."""
    away = abs(math.log10(trial.values.get("fit.learning_rate", 1e-3)) + 3)
    return away + (trial.values["fit.optimizer"] != "adam") + trial.values.get("fit.batch", 0) / 10


def work(journal, most=1000, repeats=0):
    """Work on trials until there is none left; gives what was worked on."""
    found = []
    while len(found) < most:
        with journal.next(repeats) as trial:
            if trial is None:
                break
            journal.finish(trial, Outcome(DONE, loss_of(trial), 1.0, 10))
            found.append(trial)
    return found


def test_a_grid_is_gone_through_once_in_its_order(tmp_path):
    found = work(journal_in(tmp_path))
    batches = [trial.values["fit.batch"] for trial in found]
    assert batches == [1, 1, 2, 2, 4, 4]
    assert [trial.values["fit.optimizer"] for trial in found] == ["adam", "sgd"] * 3
    assert [trial.number for trial in found] == list(range(6))
    assert not work(journal_in(tmp_path))
    assert journal_in(tmp_path).best().number == 0


def test_two_that_share_a_folder_never_have_the_same_trial(tmp_path):
    one, other = journal_in(tmp_path), journal_in(tmp_path)
    with one.next() as mine, other.next() as its:
        assert mine.values != its.values
        assert (mine.folder / ".lock").exists()
        other.finish(its, Outcome(DONE, 0.5))
        states = {trial.number: trial.state for trial in one.all()}
        assert (states[0], states[1]) == (RUNNING, DONE)
        one.finish(mine, Outcome(DIVERGED, text="It ran away."))
    rest = [trial.number for journal in (one, other) for trial in work(journal, 2)]
    assert rest == [2, 3, 4, 5]
    assert [trial.state for trial in one.all()] == [DIVERGED] + [DONE] * 5
    assert one.all()[0].outcome.text == "It ran away."


def test_a_trial_that_was_not_ended_is_taken_up_first(tmp_path):
    journal = journal_in(tmp_path)
    work(journal, 1)
    with journal.next() as begun:
        pass  # stopped, or killed, which lets go of the lock as well
    with journal_in(tmp_path).next() as again:
        assert (again.number, again.values) == (begun.number, begun.values)


def test_a_trial_whose_end_was_written_but_not_told_is_not_done_again(tmp_path, monkeypatch):
    journal = journal_in(tmp_path)
    with journal.next() as trial, monkeypatch.context() as patch:
        patch.setattr(journal._study, "tell", lambda *_, **__: sys.exit("killed"))
        with pytest.raises(SystemExit):
            journal.finish(trial, Outcome(FULL, text="The memory is full."))
    assert (trial.folder / OUTCOME).exists()
    after = journal_in(tmp_path)
    assert [one.number for one in work(after)] == [1, 2, 3, 4, 5]
    assert after.all()[0].state == FULL


@pytest.mark.parametrize(("vary", "way", "trials"), [(LISTS, GRID, None), (RANGES, TPE, 4)])
def test_a_process_that_is_killed_while_it_asks_loses_no_point(tmp_path, vary, way, trials, monkeypatch):
    """Asking writes a line for each setting: here the second is never written."""
    journal, suggested = journal_in(tmp_path, vary, way, trials), []
    real = optuna.Trial._suggest

    def killed(trial, name, distribution):
        suggested.append(name)
        return sys.exit("killed") if len(suggested) == 2 else real(trial, name, distribution)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Trial, "_suggest", killed)
        with pytest.raises(SystemExit), journal.next():
            pass
    found = work(journal_in(tmp_path, vary, way, trials))
    assert len({tuple(trial.values.values()) for trial in found}) == len(found) == (trials or 6)
    assert not work(journal_in(tmp_path, vary, way, trials))


@pytest.mark.parametrize("way", [TPE, RANDOM])
def test_a_search_that_was_stopped_draws_what_one_that_was_not_draws(tmp_path, way):
    whole = work(journal_in(tmp_path / "whole", RANGES, way, 8))
    for most in (2, 3, 1, 9):
        work(journal_in(tmp_path / "parts", RANGES, way, 8), most)
    assert [trial.values for trial in journal_in(tmp_path / "parts", RANGES, way, 8).all()] == [
        trial.values for trial in whole
    ]
    assert len({tuple(trial.values.values()) for trial in whole}) == 8
    other = work(journal_in(tmp_path / "other", RANGES, way, 8, seed=1))
    assert [trial.values for trial in other] != [trial.values for trial in whole]
    for trial in whole:
        assert 1e-5 <= trial.values["fit.learning_rate"] <= 1e-1
        assert type(trial.values["fit.warmup_steps"]) is int


def test_tpe_looks_where_it_was_good_and_keeps_away_from_what_failed(tmp_path):
    journal = journal_in(tmp_path, ("fit.learning_rate=1e-8..1e2 log",), TPE, 40)
    found = []
    while True:
        with journal.next() as trial:
            if trial is None:
                break
            rate = trial.values["fit.learning_rate"]
            found.append(rate)
            lost = rate > 1e-1
            outcome = Outcome(DIVERGED) if lost else Outcome(DONE, abs(math.log10(rate) + 3))
            journal.finish(trial, outcome)
    near = [abs(math.log10(rate) + 3) < 1.5 for rate in found]
    assert sum(near[20:]) > 2 * sum(near[:10])
    assert sum(rate > 1e-1 for rate in found[20:]) < 6, "what chance would give"


def test_the_best_is_repeated_with_other_seeds_at_the_end(tmp_path):
    journal = journal_in(tmp_path, seed=5)
    found = work(journal, repeats=2)
    assert [trial.seed for trial in found] == [5] * 6 + [6, 7]
    assert [trial.again for trial in found] == [False] * 6 + [True] * 2
    assert found[6].values == found[7].values == found[0].values
    assert journal.best().number == 0
    assert not work(journal_in(tmp_path, seed=5), repeats=2)
    assert [trial.seed for trial in work(journal_in(tmp_path, seed=5), repeats=3)] == [8]


def test_a_line_that_a_kill_tore_does_not_spoil_the_journal(tmp_path):
    work(journal_in(tmp_path), 2)
    with (tmp_path / JOURNAL).open("a") as file:
        file.write('{"op_code": 4, "work')
    assert [trial.number for trial in work(journal_in(tmp_path))] == [2, 3, 4, 5]
    assert len(journal_in(tmp_path).all()) == 6


@pytest.mark.parametrize(
    "text",
    [
        "hello\n",
        "[1, 2]\n",
        "7\n",
        "{}\n",
        '{"op_code": 99}\n',
        '{"op_code": 0}\n',
        "\x80\x04\x95\n",
        "[" * 100_000 + "\n",
    ],
)
def test_foreign_content_is_refused_in_a_sentence(tmp_path, text):
    (tmp_path / JOURNAL).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"cannot be used .* Name another folder"):
        journal_in(tmp_path)


def test_trials_of_another_search_are_refused(tmp_path):
    work(journal_in(tmp_path), 1)
    with pytest.raises(InputError, match="of another search"):
        journal_in(tmp_path, ("fit.batch=16,32", "fit.optimizer=adam,sgd"))


@pytest.mark.parametrize("text", ["", "{}", '{"state": "done", "value": null, "seconds": 1, "steps": 1, "text": ""}'])
def test_an_outcome_that_cannot_be_read_is_refused(tmp_path, text):
    (trial,) = work(journal_in(tmp_path), 1)
    (trial.folder / OUTCOME).write_text(text)
    with pytest.raises(InputError, match=OUTCOME):
        journal_in(tmp_path)


def test_optuna_unpickles_nothing_of_a_file():
    """It does so for snapshots, which a journal in a file has not."""
    assert not hasattr(JournalFileBackend, "load_snapshot")


def test_optuna_says_nothing(tmp_path):
    """It has a handler of its own, which writes to standard error."""
    said = []
    handler = logging.Handler()
    handler.emit = said.append
    logging.getLogger("optuna").addHandler(handler)
    try:
        work(journal_in(tmp_path), repeats=1)
        work(journal_in(tmp_path / "ranges", RANGES, TPE, 3))
    finally:
        logging.getLogger("optuna").removeHandler(handler)
    assert not said
