"""A whole search of a real recipe: its results, a trial that diverges, a stop and a resume, and what is refused."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import pytest
import torch
import yaml
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.errors import Cancelled, DeviceError, InputError, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.learning.engine.checkpoints import CHECKPOINTS
from LesionTrainingLib.learning.high_uptake_ct import recipe as uptake_recipe
from LesionTrainingLib.tuning.request import RECORD, drawn
from LesionTrainingLib.tuning.search import run_tuning
from LesionTrainingLib.tuning.trial import DIVERGED, DONE, FULL, REFUSED
from tuning_searches import SETTINGS, STEPS, TRAINING, request_in

RATES = "fit.learning_rate=1e-6,3e-3,1e30"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder and the result of a search that nobody stopped."""
    from tuning_searches import PARTS

    folder = tmp_path_factory.mktemp("search") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("LesionTrainingLib.tuning.search.open_parts", lambda *_: PARTS)
        patch.setattr(uptake_recipe, "judge_slices", lambda *_: pytest.fail("what follows the fit is not wanted"))
        yield folder, run_tuning(request_in(folder, RATES, again=1), Progress())


def rows_of(folder):
    with (folder / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_trials_are_what_was_asked_for(whole):
    folder, found = whole
    assert [trial.state for trial in found.trials] == [DONE, DONE, DIVERGED, DONE]
    assert found.best.values == {"fit.learning_rate": 3e-3}
    assert [trial.outcome.steps for trial in found.trials[:2]] == [STEPS, STEPS]
    assert "not a finite number" in found.trials[2].outcome.text
    rows = rows_of(folder)
    assert [row["fit.learning_rate"] for row in rows] == ["1e-06", "0.003", "1e+30", "0.003"]
    assert [row["state"] for row in rows] == ["done", "done", "did not converge", "done"]
    assert [row["seed"] for row in rows] == ["0", "0", "0", "1"]
    assert float(rows[1]["loss_at_the_end"]) < float(rows[0]["loss_at_the_end"])
    assert rows[2]["loss_at_the_end"] == ""


def test_the_best_settings_are_a_config_of_the_training(whole, capsys):
    folder, _ = whole
    command = ["train", "--method", "high-uptake-ct", "--cohort", "x:y", "--output", "none", "--show-settings"]
    assert main([*command, "--config", str(folder / "best.yaml")]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["fit"]["learning_rate"] == 3e-3
    assert shown["fit"]["steps"] == SETTINGS.fit.steps, "as long as a training, not as a trial"
    assert shown["architecture"]["filters"] == [4, 6], "what --config said stays"
    given = yaml.safe_load((folder / "best.yaml").read_text())
    assert "spacing_mm" not in given, "what is the recipe's own is left out"


def test_the_record_has_everything_but_folders(whole):
    folder, found = whole
    told = json.loads((folder / "tuning.json").read_text())
    assert told["varied"] == {"fit.learning_rate": {"values": [1e-6, 3e-3, 1e30]}}
    assert (told["best"], told["seed"], told["steps"], told["way"]) == (2, 0, STEPS, "grid")
    assert [trial["measure"] is None for trial in told["trials"]] == [False, False, True, False]
    assert told["trials"][1]["measure"] == found.best.outcome.value
    assert told["cases"] == {"training": 4, "validation": 2, "left_out": 0}
    assert {"optuna", "torch"} <= set(told["versions"])
    for name in ("tuning.json", RECORD, "index.html", "best.yaml", "trials.csv"):
        text = (folder / name).read_text()
        assert "/data/of" not in text, name
        assert "case-" not in text, name
        assert str(folder) not in text, name


def test_the_page_says_how_far_the_answer_goes(whole):
    folder, _ = whole
    page = (folder / "index.html").read_text()
    for words in ("phantoms", "With 2 seeds the best settings gave", "1 did not converge", "Best of 3 trials"):
        assert words in page
    for stem in ("loss_curves", "by_fit.learning_rate"):
        assert (folder / f"{stem}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{stem}.csv").exists()


def test_nothing_is_kept_of_a_trial_but_its_history(whole):
    folder, _ = whole
    assert len(list(folder.glob("trials/*/similarity/history.jsonl"))) == 4
    assert not list(folder.glob(f"trials/*/*/{CHECKPOINTS}"))


def test_a_search_that_is_stopped_goes_on_in_the_middle_of_a_trial(whole, tmp_path, made_parts):
    _, expected = whole
    folder, told = tmp_path / "stopped", []
    stopping = Progress(lambda _done, text: stopping.cancel() if text.startswith("2/4: Step 12 of") else None)
    request = request_in(folder, RATES, again=1, tell=told.append)
    with pytest.raises(Cancelled, match="the same command with --resume goes on"):
        run_tuning(request, stopping)
    assert [row["state"] for row in rows_of(folder)] == ["done", "running", "waiting"]
    assert "Best of 1 trial of 3 so far" in (folder / "index.html").read_text()
    assert (folder / "trials/0001/similarity" / CHECKPOINTS).exists()
    with pytest.raises(OutputError, match="Add --resume"):
        run_tuning(request, Progress())
    steps = []
    found = run_tuning(replace(request, resume=True), Progress(lambda _done, text: steps.append(text)))
    first = next(text for text in steps if "Step" in text)
    assert int(re.match(r"2/4: Step (\d+) of", first).group(1)) > 12
    same = [
        (trial.values, trial.state, trial.seed, trial.outcome.steps, repr(trial.outcome.value))
        for trial in found.trials
    ]
    assert same == [
        (trial.values, trial.state, trial.seed, trial.outcome.steps, repr(trial.outcome.value))
        for trial in expected.trials
    ]
    assert [line.partition(":")[0] for line in told] == [f"Trial {n}/4" for n in (1, 2, 3, 4)]
    assert "did not converge" in told[2]


def test_a_resume_goes_on_as_it_was_begun(whole, made_parts):
    folder, _ = whole
    for changes, told in (
        ({"steps": 3}, "steps"),
        ({"measure": "seconds"}, "measure"),
        ({"settings": replace(SETTINGS, balance_most=8)}, "settings"),
        ({"cases": 2}, "cases"),
    ):
        with pytest.raises(UsageError, match=f"other values for {told}"):
            run_tuning(request_in(folder, RATES, resume=True, **changes), Progress())
    with pytest.raises(UsageError, match="other values for varied"):
        run_tuning(request_in(folder, "fit.learning_rate=1,2", resume=True), Progress())


@pytest.mark.parametrize(
    ("vary", "changes", "error", "told"),
    [
        ("fit.learning_rat=1,2", {}, UsageError, "There is no setting"),
        ("fit.batch=1,2", {"way": "magic"}, UsageError, "There is no way “magic”"),
        ("fit.learning_rate=1..2", {"way": "grid"}, UsageError, "A grid needs values"),
        ("fit.batch=1,2", {"measure": "validation"}, UsageError, "watches nothing"),
        ("fit.batch=1,2", {"samples": 3}, UsageError, "name one of them"),
        ("fit.batch=1,2", {"trials": 0}, UsageError, "--trials must be 1"),
        ("fit.batch=1,2", {"again": -1}, UsageError, "--again"),
        ("fit.batch=1,2", {"device": "cuda:77"}, DeviceError, "cuda"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path, made_parts, vary, changes, error, told):
    with pytest.raises(error, match=told):
        run_tuning(request_in(tmp_path / "none", vary, **changes), Progress())
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_else_is_left_alone(tmp_path, made_parts, monkeypatch):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something else"):
        run_tuning(request_in(tmp_path, RATES), Progress())
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="in one process"):
        run_tuning(request_in(tmp_path / "new", RATES), Progress())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_full_memory_and_refusals_do_not_end_the_search(tmp_path, made_parts, monkeypatch):
    """A fit by batch: one fills the memory in words of ours, one in words of torch, one is refused."""
    real = uptake_recipe.fit_network

    def fit(run, training, validation, settings, progress):
        if settings.fit.batch == 1:
            raise DeviceError("The memory of the device is full.")
        if settings.fit.batch == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        if settings.fit.batch == 4:
            raise UsageError("It cannot be.")
        return real(run, training, validation, settings, progress)

    monkeypatch.setattr(uptake_recipe, "fit_network", fit)
    found = run_tuning(request_in(tmp_path / "batches", "fit.batch=1,2,4,8", measure="seconds"), Progress())
    assert [trial.state for trial in found.trials] == [FULL, FULL, REFUSED, DONE]
    assert found.best.values == {"fit.batch": 8}
    assert found.best.outcome.value > 0
    assert "seconds_per_1000_samples" in rows_of(tmp_path / "batches")[0]


def test_data_that_cannot_be_used_end_the_search(tmp_path, made_parts, monkeypatch):
    def broken(*_):
        raise InputError("No case of a part can be used.")

    monkeypatch.setattr(uptake_recipe, "prepare", broken)
    with pytest.raises(InputError, match="No case"):
        run_tuning(request_in(tmp_path / "none", RATES), Progress())


def test_patients_are_drawn_with_the_seed():
    twice = (*TRAINING, replace(TRAINING[0], id="again"))
    assert drawn(twice, 0, 0) == drawn(twice, 4, 0) == twice
    some = {seed: [case.id for case in drawn(twice, 2, seed)] for seed in range(8)}
    assert all(len({case.patient for case in twice if case.id in ids}) == 2 for ids in some.values())
    assert len(set(map(tuple, some.values()))) > 1
    for ids in some.values():
        assert ("again" in ids) == (TRAINING[0].id in ids), "a patient's cases stay together"
