"""Section Data: kinds, paths and options, what checking finds, and what is told where it does not go well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.cohorts.cohort import LeftOut
from training_doubles import SUMMARY

PHANTOMS = "phantoms:chest?seeds=0-11&protocol=tiny"


def test_phantoms_are_offered_first_as_a_person_has_them(page, browser):
    assert [one["value"] for one in browser.kinds][:4] == ["phantoms", "folder", "dicom", "dicomdb"]
    assert browser.named
    assert page.data.cohort() == PHANTOMS
    assert browser.options_text == ": seeds 0-11, protocol tiny"


def test_a_kind_with_its_path_and_options(page, browser):
    browser.set(kind="luna16")
    assert not browser.named
    assert browser.path_label == "Folder on this computer"
    assert "subset0" in browser.path_hint
    assert [one["name"] for one in browser.option_list] == ["subset", "split", "limit"]
    browser.set(path=" /data/LUNA16 ", options={"subset": "0-8", "limit": " "})
    assert page.data.cohort() == "luna16:/data/LUNA16?subset=0-8"
    browser.set(kind="phantoms")
    assert page.data.cohort() == PHANTOMS
    browser.set(kind="luna16")
    assert (browser.path, browser.options) == ("/data/LUNA16", {"subset": "0-8", "limit": " "})


def test_slicers_database_is_a_folder(page, browser):
    browser.set(kind="dicomdb")
    browser.set(path="/home/jo/SlicerDICOMDatabase")
    assert page.data.cohort() == "dicomdb:/home/jo/SlicerDICOMDatabase"


def test_checking_tells_what_there_is(browser, engines):
    browser.press("check")
    assert browser.checking
    engines.tell("CohortSummaryRequest", 0.4, "Reading chest-phantom-0003")
    assert browser.told("data") == ("note", "Reading chest-phantom-0003 (40 %)")
    engine, job = engines.last("CohortSummaryRequest")
    assert (job.request.cohort, job.request.truth) == (PHANTOMS, True)
    problem = LeftOut("1.2.840.113619.2.55.3.604688119.971.1", "41 of 120 files are not on <i>this</i> disk.")
    engine.end("done", replace(SUMMARY, problems=(problem,), on_phantoms=True), job=job)
    assert not browser.checking
    assert browser.told("data") == ()
    assert [(row["name"], row["text"]) for row in browser.summary["rows"]] == [
        ("Cases", "3 of 2 patients, 3 with labels"),
        ("Lesions", "17"),
        ("Left out", "1"),
    ]
    bars = [(one["band"], one["count"], round(one["share"], 2)) for one in browser.summary["sizes"]]
    assert bars == [("0-6", 4, 0.44), ("6-10", 9, 1.0), ("10-20", 4, 0.44)]
    assert browser.summary["notes"][0] == "A note."
    assert "says nothing about patients" in browser.summary["notes"][1]
    assert browser.problems == [{"case": "…688119.971.1", "whole": problem.case, "reason": problem.reason}]
    assert browser.problems_title == "Left out and other problems (1)"


def test_many_problems_are_not_all_shown(browser, engines):
    browser.press("check")
    many = tuple(LeftOut(f"case-{n}", "It is broken.") for n in range(1000))
    engines.end("CohortSummaryRequest", result=replace(SUMMARY, problems=many))
    assert len(browser.problems) == 200
    assert browser.problems_title == "Left out and other problems (1000, the first 200 of them)"


def test_checking_can_be_stopped(browser, engines):
    browser.press("check")
    browser.press("check")
    assert not browser.checking
    assert engines.last("CohortSummaryRequest")[1].state == "cancelling"
    assert browser.told("data") == ()


def test_a_broken_cohort_is_told(browser, engines):
    browser.press("check")
    engines.end("CohortSummaryRequest", "failed", error=InputError("There is no folder /data/none."))
    assert browser.told("data") == ("warning", "There is no folder /data/none.")
    assert browser.summary["rows"] == []


def test_without_labels_nothing_can_be_trained(browser, engines):
    browser.press("check")
    engines.end("CohortSummaryRequest", result=replace(SUMMARY, labelled=0))
    assert browser.told("data") == ("warning", "There are no labels: nothing can be learned from this.")
    assert (browser.can_start, browser.why_not) == (False, "The chosen data has no labels.")
    browser.set(kind="folder")
    assert browser.can_start


def test_what_was_found_in_other_data_is_forgotten(page, browser, engines):
    browser.press("check")
    engines.end("CohortSummaryRequest", result=SUMMARY)
    assert browser.summary["rows"]
    browser.set(options={"seeds": "0-3"})
    assert browser.summary["rows"] == []
    assert page.session.summary is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "folder"}, "Say where the data is"),
        ({"options": {"colour": "red"}}, "phantoms has no option “colour”."),
    ],
)
def test_what_is_missing_is_told(browser, values, said, engines):
    browser.set(**values)
    browser.press("check")
    kind, text = browser.told("data")
    assert kind == "warning"
    assert said in text
    assert engines.asked("CohortSummaryRequest") == []


@pytest.mark.parametrize("sent", [None, 7, ["x"], {"a": 1}])
def test_whatever_a_browser_sends_is_no_more_than_no_choice(page, browser, sent):
    browser.set(kind=sent, path=sent, options=sent)
    assert page.data.source.kind == "phantoms"
    browser.press("check")
    assert browser.told("data")[0] == "warning"


def test_phantoms_follow_the_method_unless_they_were_changed(page, browser):
    browser.set(method="pet-weak")
    assert page.data.cohort() == "phantoms:pet?seeds=0-11&protocol=tiny-mixed"
    browser.set(options={"seeds": "0-5"})
    browser.set(method="nodule-ct")
    assert page.data.cohort() == "phantoms:pet?seeds=0-5"


def test_phantoms_of_every_method_are_a_cohort_and_have_a_trial(browser, page):
    from LesionTrainingLib.cohorts.spec import open_cohort
    from LesionTrainingLib.session.new_plan import trainable
    from LesionTrainingLib.session.presets import presets
    from LesionTrainingLib.session.trying import TRIAL, phantoms_for

    for name, info in trainable().items():
        cohort = open_cohort(str(phantoms_for(name).spec()))
        assert set(info.modalities) <= set(cohort.cases[0].modalities)
        assert len(cohort.cases) == 12
        assert TRIAL in presets(name)
