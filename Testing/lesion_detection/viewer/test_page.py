"""The page as a whole: what is told and asked, keys, closing, and what the browser is never sent."""

from __future__ import annotations

import asyncio
import re

import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.finding import Status

from ..panel.conftest import CENTERS
from .conftest import chest, found


def test_the_page_has_its_elements_by_their_ids(page):
    names = (
        "method model device region detect-button detect-hint detect-text detect-progress method-settings result-select "
        "operating-slider operating-text findings finding-text previous-button next-button go-to-button accept-button "
        "reject-button undecide-button relabel merge-button delete-button rejected-shown result-warning message question "
        "start help theme-button help-button close-button section-images section-detect section-findings"
    )
    for name in names.split():
        assert len(re.findall(rf'\sid="{name}"', page.html)) == 1, name


def test_without_the_training_library_there_is_no_second_tab(page):
    assert "training-tab" not in page.html


def test_buttons_without_a_text_have_a_label_for_screen_readers(page):
    for button in re.findall(r'<VBtn(?:[^<>"]|"[^"]*")*class="[^"]*action-icon(?:[^<>"]|"[^"]*")*>', page.html, re.I):
        assert "aria-label=" in button


def test_errors_are_told_until_they_are_closed(viewer, page, state):
    with viewer.context.told():
        raise InputError("The scan is broken.")
    assert (page.told(), state.message_kind) == ("The scan is broken.", "warning")
    with viewer.context.told():
        raise RuntimeError("out of luck")
    assert "not foreseen: out of luck" in page.told()
    assert "RuntimeError" in state.message_details
    viewer.context.tell_nothing()
    assert page.told() == state.message_details == ""


def test_a_note_goes_by_itself_and_an_error_does_not(viewer, page, monkeypatch):
    from LesionDetectionLib.viewer import context as module

    monkeypatch.setattr(module, "_NOTE_SECONDS", 0.01)

    async def told(kind):
        viewer.context.tell("Saved.", kind)
        await asyncio.sleep(0.05)
        return page.told()

    assert asyncio.run(told("note")) == ""
    assert asyncio.run(told("warning")) == "Saved."


def test_what_cannot_be_undone_is_asked_first(viewer, page, state, detected):
    page.press("close-button")
    assert state.question_shown
    assert state.question["button"] == "Close all"
    page.call(*answer(page, "question-no"))
    assert not state.question_shown
    assert viewer.context.session.results is detected
    page.press("close-button")
    page.call(*answer(page, "question-yes"))
    assert viewer.context.session.results is None
    assert not state.has_images


def answer(page, element_id):
    tag = re.search(rf'<[^<>]*\sid="{element_id}"(?:[^<>"]|"[^"]*")*>', page.html).group()
    name, value = re.search(r"trigger\('([^']+)', \[(true|false)\]\)", tag).groups()
    return name, value == "true"


def test_nothing_of_a_closed_scene_stays(viewer, page, state, detected, engine):
    page.row("L1")
    page.press("go-to-button")
    page.press("detect-button")
    assert "scan-1904" in page.everything()
    viewer.close_scene()
    assert state.rows == {}
    assert state.order == state.chosen == state.result_names == []
    assert (state.current, state.finding_text, state.operating_text, state.detect_text) == ("", "", "", "")
    assert engine.jobs[-1][0].state == "cancelling"
    engine.end_cancelled()
    assert "scan-1904" not in page.everything()
    assert viewer.context.choices.volumes == {}
    assert state.detect_hint == "Choose a CT first."


def test_results_of_a_loaded_scene_are_shown_with_their_curve(viewer, state, ct):
    from LesionDetectionLib.core.finding import Findings
    from LesionDetectionLib.io.mrml_findings import FindingNodes

    findings = Findings.of(found(), threshold=0.56)
    FindingNodes.create(viewer.context.scene, ct, findings, "earlier work")
    viewer.scene_loaded()
    assert state.order == ["L1", "L2"]
    assert "false marks per scan" in state.operating_text


def test_keys_do_what_the_buttons_do(viewer, page, state, detected, seen_places):
    page.key("N")
    page.key("A")
    page.key("N")
    assert state.current == "L2"
    assert viewer.context.session.findings.get("L1").status is Status.ACCEPTED
    assert [place == pytest.approx(center, abs=1) for place, center in zip(seen_places, CENTERS, strict=False)] == [
        True
    ] * 2
    page.key("Ctrl+ArrowUp")
    page.key("U")
    assert state.decisions == {}
    page.key("Ctrl+Z")
    assert state.decisions == {"L1": "accepted"}
    page.key("Ctrl+Shift+Z")
    assert state.decisions == {}
    page.key("Delete")
    assert state.order == ["L2"]
    page.key("Q")
    page.set(page="training")
    page.key("Delete")
    assert state.order == ["L2"]


def test_keys_of_the_help_are_those_of_the_page():
    from pathlib import Path

    from LesionDetectionLib.viewer import dialogs

    script = (Path(dialogs.__file__).with_name("web") / "page.js").read_text()
    listed = re.search(r"const KEYS = \[(.*?)\]", script, re.S).group(1)
    known = {name.replace("Arrow", "") for name in re.findall(r'"([^"]+)"', listed)}
    told = {one for keys, _does in dialogs.KEYS for one in re.split(r" or |, ", keys)} - {"Enter"}
    assert told <= known


def test_no_path_of_the_machine_and_no_patient_reaches_the_browser(viewer, page, ct, shared_viewer, engine):
    import dataclasses

    from LesionDetectionLib.io.mrml import volume_node

    (shared_viewer.folder / "models" / "bad").mkdir(parents=True, exist_ok=True)
    (shared_viewer.folder / "models" / "bad" / "bundle.json").write_text("{")
    image = dataclasses.replace(chest(), identifiers={"PatientName": "DOE^JANE", "StudyInstanceUID": "1.2.3.4.5.6"})
    viewer.context.choices.volumes["CT"] = volume_node(viewer.context.scene, image)
    viewer.models_changed()
    try:
        page.set(model=next(one["value"] for one in viewer.context.state.models if "cannot" in one["title"]))
        assert viewer.context.state.model_text
        page.set(model=viewer.context.state.models[0]["value"])
        page.press("detect-button")
        engine.fail(
            f"{shared_viewer.folder}/scan 1.nrrd cannot be read.", f'File "{shared_viewer.folder}/x.py", line 1'
        )
        assert "scan 1.nrrd cannot be read." in viewer.context.state.detect_text
        text = page.everything()
        for forbidden in (str(shared_viewer.folder), "/home/", "/usr/", "/root", "DOE", "1.2.3.4.5.6", "site-packages"):
            assert forbidden not in text, forbidden
    finally:
        (shared_viewer.folder / "models" / "bad" / "bundle.json").unlink()
        viewer.models_changed()
