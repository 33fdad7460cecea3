"""Section Plan: what is entered becomes a plan, and what makes no sense is told."""

from __future__ import annotations

from datetime import date

import pytest
from LesionTrainingLib.session.plan import TrainingPlan

PHANTOMS = "phantoms:chest?seeds=0-11&protocol=tiny"


def test_what_is_not_entered_is_the_usual(page, browser):
    name = f"nodule-ct {date.today().isoformat()}"
    assert page.plan.plan(PHANTOMS) == TrainingPlan(name, "nodule-ct", PHANTOMS, preset="trial")
    assert browser.name_hint == name
    assert "Learns from CT" in browser.method_text
    assert browser.preset_text.startswith("Tiny networks")
    assert browser.folds_text.startswith("15 % of the patients set thresholds")
    assert browser.fold_list == []


def test_what_is_entered_is_in_the_plan(page, browser, tmp_path):
    settings = tmp_path / "mine.yaml"
    browser.set(name=" Mine ", preset="large", seed="7", workers=" 3 ", settings_file=str(settings))
    browser.set(validation="phantoms:chest?seeds=50", test="phantoms:chest?seeds=90", device="cpu")
    assert page.plan.plan("folder:/data") == TrainingPlan(
        "Mine",
        "nodule-ct",
        "folder:/data",
        "phantoms:chest?seeds=50",
        "phantoms:chest?seeds=90",
        "large",
        str(settings),
        device="cpu",
        seed=7,
        workers=3,
    )


def test_folds(page, browser):
    browser.set(folds="5", validation="phantoms:chest?seeds=50")
    assert [one["value"] for one in browser.fold_list] == ["-1", "0", "1", "2", "3", "4"]
    assert browser.folds_text.startswith("5 models, each measured")
    plan = page.plan.plan(PHANTOMS)
    assert (plan.folds, plan.fold, plan.validation) == (5, -1, "")
    browser.set(fold="2")
    assert page.plan.plan(PHANTOMS).fold == 2
    browser.set(folds="2")
    assert page.plan.plan(PHANTOMS).fold == -1  # of two there is no third


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"seed": "-1"}, "The seed is a whole number, 0 or more, and not “-1”."),
        ({"seed": None}, "The seed is a whole number"),
        ({"workers": "0"}, "The number of processes is a whole number, 1 or more"),
        ({"folds": "many"}, "The number of folds is a whole number"),
        ({"folds": "1"}, "Cross-validation needs 2 to 20 folds"),
        ({"folds": "1e9"}, "The number of folds is a whole number"),
        ({"folds": float("nan")}, "The number of folds is a whole number"),
        ({"preset": "none"}, ""),
        ({"name": "…"}, "Give the model a name"),
    ],
)
def test_what_makes_no_sense_is_told_by_starting(page, browser, engines, values, said):
    browser.set(**values)
    browser.press("start")
    if said:
        assert browser.told("run")[0] == "warning"
        assert said in browser.told("run")[1]
        assert engines.asked("TrainRequest") == []
    else:
        assert browser.preset == "standard"  # a preset that there is not


def test_a_model_of_this_name_is_told(browser, install, engines):
    install("Mine")
    browser.set(name="Mine")
    browser.press("start")
    assert browser.told("run")[1].startswith("A model “Mine” is in the model folder already.")
    assert engines.asked("TrainRequest") == []


def test_the_preset_is_the_trial_for_phantoms_only_unless_it_was_chosen(browser):
    assert browser.preset == "trial"
    browser.set(kind="luna16")
    assert browser.preset == "standard"
    browser.set(kind="phantoms")
    assert browser.preset == "trial"
    browser.set(preset="large")
    browser.set(kind="luna16")
    assert browser.preset == "large"


def test_another_method_has_other_presets_and_models(browser, install):
    install("Mine")
    browser.set(method="pet-weak")
    assert "unet" in [one["value"] for one in browser.presets]
    assert browser.preset == "trial"
    assert browser.name_hint.startswith("pet-weak ")
    assert not [one for one in browser.models if one["title"].startswith("Mine")]


def test_devices_are_asked_for_once(page, browser, engines):
    page.shown()
    page.shown()
    assert len(engines.asked("DevicesRequest")) == 1
    engines.end("DevicesRequest", result=[{"id": "auto", "title": "Automatic (T4)"}, {"id": "cuda:0", "title": "T4"}])
    browser.set(device="cuda:1")
    assert [one["value"] for one in browser.devices] == ["auto", "cuda:0"]
    page.refresh()
    assert [one["value"] for one in browser.devices] == ["auto", "cuda:0", "cuda:1"]


def test_the_plan_stays_as_it_is_while_a_run_goes_on(run, browser, engines):
    assert browser.locked
    browser.press("pause")
    engines.end("TrainRequest", "cancelled")
    assert browser.locked
    browser.press("stop")
    browser.answer("keep")
    assert not browser.locked
