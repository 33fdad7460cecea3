"""Section Result: figures and what they are worth, FROC, card, and what can be done with a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import InputError
from training_doubles import FIGURES

HOSTILE = """# Ward 7 <script>alert(1)</script>

<img src=x onerror="alert(2)"> [a link](javascript:alert(3)) {{ 7 * 7 }}

| rate | found |
|------|------:|
| <b>1</b> | 0.5 |
"""


@pytest.fixture
def shown(page, browser, install):
    """``shown("Mine", ...)`` installs a model and chooses it."""

    def make(name, **facts):
        path = install(name, **facts)
        page.refresh()
        browser.set(model=str(path))
        return path

    return make


def test_how_good_a_model_is_and_what_that_is_worth(browser, shown):
    shown("Mine")
    assert (browser.cpm, browser.cpm_bounds) == ("CPM 0.731", "95 %: 0.662 to 0.794")
    assert browser.measured.startswith("Mean sensitivity at 1/8 to 8 false marks per scan. Measured on 20 scans.")
    assert browser.few.startswith("Few scans, hence a wide band")
    assert not browser.on_phantoms
    assert "CPM is the mean of the sensitivities at 1/8, 1/4, 1/2, 1, 2, 4 and 8" in browser.html
    assert [one["text"] for one in browser.froc["x"]] == ["1/8", "1/4", "1/2", "1", "2", "4", "8"]
    assert browser.froc["band"].startswith("M")
    assert browser.froc["band"].endswith("Z")


@pytest.mark.parametrize(
    ("change", "few"),
    [
        ({"scans": 400}, ""),
        ({"scans": 1, "confidence": None}, "That is little to go by"),
        ({"scans": 2, "confidence": {"cpm": [0.0, 0.0], "froc": []}}, "Few scans that came out alike"),
    ],
)
def test_few_scans_are_told(browser, shown, change, few):
    shown("Mine", figures={**FIGURES, **change})
    assert browser.few.startswith(few)
    assert bool(browser.few) == bool(few)


def test_phantoms_are_told(browser, shown):
    shown("Mine", on_phantoms=True)
    assert browser.on_phantoms
    assert "they say nothing about patients" in browser.html


def test_a_model_that_was_not_measured(browser, shown):
    shown("Mine", figures=None)
    assert (browser.cpm, browser.cpm_bounds, browser.few) == ("Not measured", "", "")
    assert browser.measured.startswith("Nothing is known of how good it is")
    assert browser.froc["lines"] == []


def test_nothing_of_a_card_reaches_the_page_as_markup(browser, shown):
    shown("Mine", card=HOSTILE)
    card = browser.card
    for mark in ("<script", "<img", "<a ", "<b>"):
        assert mark not in card
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in card
    assert "{{ 7 * 7 }}" in card
    assert '<td style="text-align: right;">0.5</td>' in card
    assert 'v-html="training_card"' in browser.html  # text of v-html is no template: braces stay braces


def test_a_damaged_model_is_told(page, browser, install):
    path = install("Mine")
    (path / "weights.safetensors").write_bytes(b"no weights")
    page.refresh()
    browser.set(model=str(path))
    assert browser.told("result")[0] == "warning"
    assert not browser.has_result


@pytest.mark.parametrize("sent", ["/etc", "../Mine-1", None, 7, ["a"]])
def test_only_models_that_are_listed_are_read(browser, shown, sent):
    shown("Mine")
    browser.set(model=sent)
    assert not browser.has_result


def test_use_it_for_detecting(page, browser, shown):
    used = []
    path = shown("Mine")
    assert not browser.can_use
    page.use = lambda method, model: used.append((method, model))
    assert browser.can_use
    browser.press("use")
    assert used == [("nodule-ct", path)]


def test_a_model_is_exported_as_a_download(page, browser, shown, tmp_path, monkeypatch):
    from LesionDetectionLib.core.bundle import Bundle

    offered, called = {}, []
    path = shown("My model")
    assert not browser.can_export
    page.offer = lambda name, write: offered.update({name: write}) or "/download/key"
    monkeypatch.setattr(page.context.server, "js_call", lambda _ref, method, *values: called.append((method, values)))
    browser.press("export")
    assert called == [("exec", ("/download/key",))]
    offered["My-model.zip"](tmp_path / "My-model.zip")
    assert Bundle.open(tmp_path / "My-model.zip").digest == Bundle.open(path).digest


def test_measuring_asks_first_and_shows_the_new_figures(page, browser, engines, shown, install):
    changed = []
    page.models_changed = lambda: changed.append(1)
    path = shown("Mine")
    browser.press("measure")
    assert engines.asked("MeasureModelRequest") == []
    assert "has not learned from these patients" in browser.question["text"]
    assert "phantoms:chest?seeds=0-11" in browser.question["text"]
    browser.answer("measure")
    request = engines.last("MeasureModelRequest")[1].request
    assert (Path(request.bundle), request.workers) == (path, 1)
    engines.tell("MeasureModelRequest", 0.5, "case 3")
    assert (browser.measuring, browser.told("result")) == (True, ("note", "case 3 (50 %)"))
    assert (browser.can_start, browser.why_not) == (False, "A model is being measured.")
    install("Mine", figures={**FIGURES, "cpm": 0.5})
    engines.end("MeasureModelRequest", result=str(path))
    assert (browser.measuring, browser.cpm) == (False, "CPM 0.500")
    assert browser.told("result") == ("note", "The card has the new figures. Measured on 20 scans.")
    assert browser.can_start
    assert changed == [1]


def test_measuring_is_cancelled_or_fails(browser, engines, shown):
    shown("Mine")
    browser.press("measure")
    browser.answer("measure")
    browser.press("measure")
    assert not browser.measuring
    assert browser.told("result") == ("note", "Cancelled. The card stays as it was.")
    assert browser.can_start
    browser.press("measure")
    browser.answer("measure")
    engines.end("MeasureModelRequest", "failed", error=InputError("No case can be used."))
    assert browser.told("result") == ("warning", "No case can be used.")


def test_the_models_of_all_folds_together(page, browser, engines, finish):
    browser.set(name="Mine", folds="2")
    browser.press("start")
    run = page.session.run
    finish(run)
    finish(run)
    engines.end("PoolFoldsRequest", result={**FIGURES, "cpm": 0.6})
    assert browser.state_text == "Finished"
    assert browser.plan_text.endswith("2 of 2 folds.")
    assert browser.models[0]["title"] == "Mine, all folds"
    assert browser.cpm == "CPM 0.600"
    assert "2 models, each on patients that it has not seen." in browser.measured
    assert [one["name"] for one in browser.froc["legend"]] == ["Mine fold 1 of 2", "Mine fold 2 of 2", "Mine"]
    assert not browser.is_whole
    assert "- Mine" not in browser.card
    assert "Mine fold 1 of 2: CPM 0.731" in browser.card
