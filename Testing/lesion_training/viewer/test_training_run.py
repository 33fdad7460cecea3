"""Section Run: start, pause, resume, stop; progress and curves; what goes wrong; and how a run outlives the page."""

from __future__ import annotations

import asyncio

import pytest
from LesionDetectionLib.core.errors import DeviceError, OutputError
from LesionTrainingLib.session.runs import unfinished
from LesionTrainingLib.session.training_run import RunState


def can(browser):
    """What the buttons allow."""
    return {name for name in ("start", "pause", "resume", "stop") if getattr(browser, f"can_{name}")}


def test_start_pause_resume_and_finish(run, page, browser, engines, learn, finish):
    changed = []
    page.models_changed = lambda: changed.append(1)
    assert engines.last("TrainRequest")[1].request.models == str(page.session.models())
    assert (browser.state_text, can(browser)) == ("Training", {"pause", "stop"})
    assert browser.plan_text == (
        "nodule-ct learns from phantoms:chest?seeds=0-11&protocol=tiny; Trial (minutes); seed 0."
    )
    learn(run, 20)
    browser.press("pause")
    assert (browser.state_text, can(browser)) == ("Pausing", {"stop"})
    assert browser.text == "Mine · ends the step that is under way"
    engines.end("TrainRequest", "cancelled")
    assert (browser.state_text, can(browser)) == ("Paused", {"resume", "stop"})
    assert browser.told("run")[1].startswith("Paused.")
    browser.press("resume")
    assert (browser.state_text, can(browser)) == ("Training", {"pause", "stop"})
    assert browser.told("run") == ()
    path = finish(run)
    assert (browser.state_text, can(browser)) == ("Finished", {"start"})
    assert browser.fraction == 100.0
    assert browser.told("run")[1] == "Trained: Mine. In the model folder, ready to detect with."
    assert (browser.model, browser.cpm) == (str(path), "CPM 0.731")
    assert changed == [1]
    assert browser.name == ""  # taken, and no name for the next one


def test_progress(run, page, browser, engines):
    engines.tell("TrainRequest", 0.34, "Step 210 of 800, loss 0.1052")
    page.poll()
    assert browser.fraction == 34.0
    assert browser.text == "Mine · Step 210 of 800, loss 0.1052"


def test_a_worker_that_tells_much_does_not_flood_the_browser(run, page, browser, engines, monkeypatch):
    shown = []
    monkeypatch.setattr(page.run, "show", lambda: shown.append(1))
    for step in range(500):
        engines.tell("TrainRequest", step / 500, f"Step {step} of 500")
    assert len(shown) < 100


def test_curves_follow_only_while_somebody_looks(run, page, browser, learn):
    state = page.context.state
    learn(run, 30, validated=(10, 20, 30))
    page.poll()
    assert [(line["color"], line["faint"]) for line in browser.loss["lines"]] == [(0, True), (0, False)]
    assert [one["name"] for one in browser.loss["legend"]] == ["screening"]
    assert [one["name"] for one in browser.validation_curves["legend"]] == ["screening: found"]
    assert browser.curve_texts[0].startswith("screening: loss 0.")
    before = browser.loss
    page.poll()
    assert browser.loss is before  # nothing new, nothing sent
    state.page = "viewer"
    learn(run, 60, stage="reduction")
    page.poll()
    assert browser.loss is before
    state.page = "training"
    page.shown()
    assert [one["name"] for one in browser.loss["legend"]] == ["screening", "reduction"]


def test_stop_asks_first(run, page, browser, engines):
    browser.press("stop")
    assert [one["name"] for one in browser.question["answers"]] == ["cancel", "keep", "remove"]
    assert "“Mine”" in browser.question["text"]
    browser.answer("cancel")
    assert (browser.state_text, browser.asking) == ("Training", False)
    browser.press("stop")
    browser.answer("keep")
    assert browser.state_text == "Stopping"
    engines.end("TrainRequest", "cancelled")
    assert (browser.state, can(browser)) == ("none", {"start"})
    assert [one["title"] for one in browser.earlier_list] == ["Mine"]


def test_a_question_is_answered_once(page, browser):
    done = []
    from LesionTrainingLib.viewer.question import Answer

    page.context.question.ask("Sure?", "Really?", (Answer("yes", "Yes", lambda: done.append(1)),))
    browser.answer("yes")
    page.context.question.answer("yes")
    page.context.question.answer("__class__")
    assert done == [1]


def test_stop_and_remove(run, page, browser):
    folder = run.folder.path
    browser.press("stop")
    browser.answer("remove")
    assert not folder.exists()
    assert (browser.state, browser.earlier_list) == ("none", [])


def test_an_earlier_run_is_opened_with_its_curves(run, page, browser, engines, learn):
    learn(run, 20)
    browser.press("stop")
    browser.answer("keep")
    engines.end("TrainRequest", "cancelled")
    browser.press("open")
    assert (browser.state_text, can(browser)) == ("Paused", {"resume", "stop"})
    assert len(browser.loss["lines"]) == 2
    assert browser.earlier_list == []
    browser.press("resume")
    assert browser.state_text == "Training"


def test_an_earlier_run_is_removed_after_a_question(run, page, browser, engines, learn):
    learn(run, 20)
    browser.press("stop")
    browser.answer("keep")
    engines.end("TrainRequest", "cancelled")
    browser.press("remove")
    assert "(20 steps)" in browser.question["text"]
    assert unfinished(page.session.runs())
    browser.answer("remove")
    assert not unfinished(page.session.runs())
    assert browser.earlier_list == []


@pytest.mark.parametrize("name", ["../Models", "none", ["Mine"], None])
def test_only_runs_that_are_listed_are_opened(page, browser, name):
    browser.set(earlier=name)
    browser.press("open")
    browser.press("remove")
    assert (browser.state, browser.asking) == ("none", False)


def test_why_it_failed_is_told_with_details(run, page, browser, engines, learn):
    learn(run, 5)
    error = OutputError("No space is left on the disk.")
    engines.end("TrainRequest", "failed", error=error, details="Traceback <b>")
    assert browser.told("run") == (
        "warning",
        "No space is left on the disk. What was learned so far is kept: Resume goes on from there.",
    )
    assert page.context.state.training_run_message["details"] == "Traceback <b>"
    assert (browser.state_text, can(browser)) == ("Failed", {"resume", "stop"})


def test_a_run_of_this_name_is_told(run, browser, engines):
    browser.press("stop")
    browser.answer("keep")
    engines.end("TrainRequest", "failed", error=DeviceError("The memory is full."))
    browser.press("start")
    assert browser.told("run")[0] == "warning"
    assert browser.told("run")[1].startswith("There is a training run “Mine”")


def test_without_torch_a_sentence_says_so(browser, engines, monkeypatch):
    from LesionDetectionLib.app import packages

    found = packages.Found(packages.PACKAGES["torch"])
    monkeypatch.setattr(packages, "missing", lambda *_args, **_named: (found,))
    browser.press("start")
    kind, text = browser.told("run")
    assert kind == "warning"
    assert text.startswith("This needs libraries: torch is not installed.")
    assert engines.asked("TrainRequest") == []


def test_a_folder_that_cannot_be_written_is_told(page, browser, engines, tmp_path):
    (tmp_path / "Training").write_text("a file where a folder should be")
    browser.press("start")
    assert browser.told("run")[0] == "warning"
    assert browser.state == "none"


def test_what_was_not_foreseen_is_told_too(browser, monkeypatch, caplog):
    from LesionTrainingLib.viewer import run_section

    def broken(*_args, **_named):
        raise RuntimeError("surprise")

    monkeypatch.setattr(run_section.packages, "require", broken)
    browser.press("start")
    assert "not foreseen: surprise" in browser.told("run")[1]
    assert "surprise" in caplog.text


def test_a_run_goes_on_without_a_browser_and_is_shown_to_the_next(page, run, engines, learn):
    learn(run, 30)
    engines.tell("TrainRequest", 0.5, "Step 30 of 60")
    page.poll()
    state = page.context.state.to_dict()
    assert (state["training_fraction"], state["training_state"]) == (50.0, "running")
    assert state["training_loss"]["lines"]


def test_the_end_of_the_server_waits_for_a_checkpoint(page, run, engines):
    async def end():
        loop = asyncio.get_running_loop()
        loop.call_later(0.1, lambda: engines.end("TrainRequest", "cancelled"))
        await page.finish(seconds=30)

    asyncio.run(end())
    assert run.state is RunState.PAUSED
    assert [one.plan.name for one in unfinished(page.session.runs())] == ["Mine"]


def test_the_end_of_the_server_does_not_wait_for_ever(page, run, engines):
    asyncio.run(page.finish(seconds=0.1))
    assert run.state is RunState.PAUSING
    page.close()
    assert all(engine.closed for engine in engines.made)


def test_while_a_run_goes_on_it_is_looked_at_by_itself(page, browser, engines, learn, monkeypatch):
    from LesionTrainingLib.viewer import training_page

    monkeypatch.setattr(training_page, "POLL_S", 0.01)

    async def watch():
        browser.set(name="Mine")
        browser.press("start")
        learn(page.session.run, 30)
        for _ in range(500):
            await asyncio.sleep(0.01)
            if browser.loss["lines"]:
                break
        engines.end("TrainRequest", "cancelled")
        await asyncio.sleep(0.05)

    asyncio.run(watch())
    assert browser.loss["lines"]
    assert browser.state_text == "Paused"
