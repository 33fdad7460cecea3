"""What to train, on disk: what is refused, and what is there to go on with."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from LesionDetectionLib.core.errors import InputError, OutputError, UsageError
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.learning.recipe import recipe, recipes
from LesionTrainingLib.session.plan import TrainingPlan, folder_name
from LesionTrainingLib.session.presets import STANDARD, preset, presets
from LesionTrainingLib.session.runs import RunFolder, unfinished

PLAN = TrainingPlan("My model 1.0", "nodule-ct", "phantoms:chest?seeds=0-9&protocol=tiny")


@pytest.mark.parametrize("method", recipes())
def test_presets_fit_their_recipe_and_say_when_to_take_them(method):
    found = presets(method)
    assert next(iter(found)) == STANDARD
    for one in found.values():
        assert one.title
        assert one.about.endswith(".")
        changed(recipe(method).default_settings(), one.settings)


def test_presets_are_found_by_name():
    assert preset("nodule-ct", "") == preset("nodule-ct", STANDARD)
    assert preset("nodule-ct", "trial").settings["screening_stage"]["steps"] < 100
    with pytest.raises(UsageError, match="standard"):
        preset("nodule-ct", "magic")


def test_a_plan_without_folds_is_one_model_and_with_folds_as_many():
    assert [(part.fold, part.name) for part in PLAN.parts] == [(-1, "My model 1.0")]
    folds = replace(PLAN, folds=3)
    assert [(part.fold, part.folder) for part in folds.parts] == [(0, "fold-00"), (1, "fold-01"), (2, "fold-02")]
    assert [part.name for part in replace(folds, fold=1).parts] == ["My model 1.0 fold 2 of 3"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": " / "}, "Give the model a name"),
        ({"method": "magic"}, "no training recipe for “magic”"),
        ({"preset": "magic"}, "no preset “magic”"),
        ({"cohort": ""}, "Choose the data"),
        ({"folds": 1}, "2 to 20 folds"),
        ({"folds": 3, "fold": 3}, "no fold 4 of 3"),
        ({"folds": 3, "test": "phantoms:chest"}, "leave other cohorts out"),
        ({"seed": -1}, "seed is 0 or more"),
    ],
)
def test_plans_that_make_no_sense_are_refused_before_anything_is_written(tmp_path, changes, told):
    with pytest.raises(UsageError, match=told):
        RunFolder.create(tmp_path, replace(PLAN, **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "folder"),
    [("My model 1.0", "My-model-1.0"), ("../../x", "x"), ("Größe/3", "Gr-e-3"), ("..", ""), ("a" * 90, "a" * 60)],
)
def test_a_name_is_no_path(name, folder):
    assert folder_name(name) == folder


def test_a_plan_is_read_as_it_was_written(tmp_path):
    run = RunFolder.create(tmp_path, replace(PLAN, folds=4, fold=2, seed=7))
    assert RunFolder.open(run.path) == run
    with pytest.raises(OutputError, match="Resume it, remove it, or give the model another name"):
        RunFolder.create(tmp_path, PLAN)


def test_a_run_that_is_done_gives_its_name_back(tmp_path):
    run = RunFolder.create(tmp_path, PLAN)
    (part,) = PLAN.parts
    run.folder(part).mkdir()
    run.note_installed(part, tmp_path / "model")
    again = RunFolder.create(tmp_path, replace(PLAN, seed=3))
    assert again.next_part == part
    assert RunFolder.open(again.path).plan.seed == 3


@pytest.mark.parametrize("change", [{"schema": "other"}, {"folds": "3"}, {"seed": True}, {"name": None}])
def test_a_plan_that_is_none_is_refused(tmp_path, change):
    run = RunFolder.create(tmp_path, PLAN)
    (run.path / "plan.json").write_text(json.dumps({**PLAN.to_json(), **change}))
    with pytest.raises(InputError, match="no plan"):
        RunFolder.open(run.path)
    (run.path / "plan.json").write_text("[]")
    with pytest.raises(InputError, match="no training run"):
        RunFolder.open(run.path)


def test_the_settings_file_is_kept_as_it_was(tmp_path):
    settings = tmp_path / "mine.yaml"
    settings.write_text("steps: 5\n")
    run = RunFolder.create(tmp_path / "runs", replace(PLAN, settings_file=str(settings)))
    settings.write_text("steps: 9\n")
    assert run.plan.settings_file == str(run.path / "settings.yaml")
    assert (run.path / "settings.yaml").read_text() == "steps: 5\n"
    with pytest.raises(InputError, match="cannot be read"):
        RunFolder.create(tmp_path / "runs", replace(PLAN, name="b", settings_file=str(tmp_path / "gone.yaml")))
    assert not (tmp_path / "runs" / "b").exists()


def test_unfinished_runs_are_offered_the_latest_first(tmp_path):
    assert unfinished(tmp_path / "nowhere") == ()
    first, second, done = (RunFolder.create(tmp_path, replace(PLAN, name=name)) for name in ("a", "b", "c"))
    (part,) = done.plan.parts
    done.folder(part).mkdir()
    done.note_installed(part, tmp_path / "model")
    (tmp_path / "something else").mkdir()
    os.utime(second.path / "plan.json", (1, 1))
    assert unfinished(tmp_path) == (first, second)


def test_removing_takes_the_run_and_nothing_that_is_none(tmp_path):
    run = RunFolder.create(tmp_path, PLAN)
    other = RunFolder(tmp_path, PLAN)
    other.remove()
    assert run.path.exists()
    run.remove()
    assert tmp_path.exists()
    assert not run.path.exists()
