"""Section Follow-up: two results compared, and what a person says of their lesions."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.alignment_request import AlignRequest
from LesionDetectionLib.imaging.alignment import Alignment

from ..panel.conftest import CENTERS, SCORES, ball
from .conftest import chest, found


@pytest.fixture
def two_times(viewer, page, detected, engine):
    """The chest a second time: the first lesion grew to a third more, the second is gone, and there is a new one."""
    from LesionDetectionLib.io.mrml import volume_node

    image = replace(chest(), name="later")
    node = volume_node(viewer.context.scene, image)
    viewer.context.choices.volumes["CT"] = node
    with viewer.context.state:
        viewer.context.choices_changed()
    page.press("detect-button")
    lesions = (ball(image, CENTERS[0], 8.0, SCORES[0]), ball(image, (40.0, 50.0, 8.0), 5.0, 0.9))
    engine.finish(replace(found(), lesions=lesions, image_name="later"))
    return node


@pytest.fixture
def compared(viewer, page, state, two_times):
    page.set(follow_align="none")
    page.press("follow-compare")
    assert state.follow_category
    yield viewer.follow_up_part
    page.set(follow_align="found")


def rows(state):
    return [row["cells"] for row in state.follow_rows]


def choose(viewer, *numbers):
    with viewer.context.state:
        for n in numbers:
            viewer.follow_up_part._on_row(n, more=n != numbers[0])


def test_one_result_is_not_enough(state, detected):
    assert len(state.follow_results) == 1


def test_two_results_are_compared_by_a_rigid_move_of_the_worker(viewer, page, state, two_times, engine):
    titles = {one["value"]: one["title"] for one in state.follow_results}
    assert titles[state.follow_earlier].startswith(chest().name)
    assert titles[state.follow_later].startswith("later")
    page.press("follow-compare")
    assert isinstance(engine.request, AlignRequest)
    assert set(engine.jobs[-1][2]) == {"baseline", "follow_up"}
    engine.go_on(0.4, "Aligning")
    assert (state.comparing, state.follow_fraction, state.follow_text) == (True, 0.4, "Aligning")
    engine.finish(Alignment(np.eye(4), correlation=0.9, overlap=1.0, disagreement_mm=0.5))
    assert (state.comparing, state.follow_text) == (False, "")
    assert rows(state)[0] == ["L1", "L1", "12.0", "16.0", "+33", "Nodule"]
    assert [row[:2] + row[5:] for row in rows(state)[1:]] == [
        ["L2", "", "not found again"],
        ["", "L2", "new? not decided"],
    ]
    assert (state.follow_category, state.follow_title) == ("NE", "not evaluable")
    assert "aligned by a rigid move" in state.follow_notes


def test_what_the_person_says_changes_rows_and_category(viewer, page, state, compared):
    choose(viewer, 1)
    assert state.follow_may == {"link": False, "unlink": False, "target": True, "gone": True}
    page.press("follow-gone")
    assert rows(state)[1][5] == "disappeared"
    assert state.follow_category in ("SD", "PR")
    with viewer.context.state:
        viewer.context.session.accept(["L2"])  # of the later result, which is the active one
    assert rows(state)[2][5] == "new lesion"
    assert state.follow_category == "PD"
    page.press("undo-button")
    page.press("follow-gone")
    choose(viewer, 1, 2)
    assert state.follow_may["link"]
    page.press("follow-link")
    assert [row[:2] for row in rows(state)] == [["L1", "L1"], ["L2", "L2"]]
    choose(viewer, 1)
    page.press("follow-unlink")
    assert len(rows(state)) == 3
    before = set(compared.comparing.comparison.targets)
    choose(viewer, 0)
    page.press("follow-target")
    assert set(compared.comparing.comparison.targets) == before - {"L1"}


def test_only_the_outlines_of_the_result_that_is_looked_at_are_shown(viewer, two_times):
    session = viewer.context.session
    earlier, later = session.results_in_scene()
    display = {one: one.nodes.segmentation.GetDisplayNode() for one in (earlier, later)}
    assert [display[one].GetVisibility() for one in (earlier, later)] == [0, 1]
    with viewer.context.stage.marks.as_for_slicer():
        assert [display[one].GetVisibility() for one in (earlier, later)] == [1, 1]
    assert [display[one].GetVisibility() for one in (earlier, later)] == [0, 1]
    with viewer.context.state:
        session.activate(earlier)
    assert [display[one].GetVisibility() for one in (earlier, later)] == [1, 0]
    later.nodes.remove()


def test_a_double_click_shows_the_lesion_in_its_scan(viewer, compared, seen_places):
    session = viewer.context.session
    with viewer.context.state:
        viewer.follow_up_part._on_go_to(1)  # only there in the earlier scan
        assert (session.results.volume_node.GetName(), session.current) == (chest().name, "L2")
        viewer.follow_up_part._on_go_to(0)
    assert (session.results.volume_node.GetName(), session.current) == ("later", "L1")
    assert np.allclose(seen_places[0], CENTERS[1], atol=1.0)
    assert np.allclose(seen_places[1], CENTERS[0], atol=1.0)


def test_the_comparison_is_downloaded(viewer, page, state, compared, monkeypatch):
    addresses, downloads = [], viewer.exchange.downloads
    monkeypatch.setattr(compared, "fetch", addresses.append)
    page.press("follow-download")
    offer = downloads._offers[addresses[0].split("/")[-1]]
    with zipfile.ZipFile(offer.folder / offer.name) as archive:
        assert sorted(archive.namelist()) == ["alignment.txt", "follow-up.csv", "follow-up.json"]
        assert json.loads(archive.read("follow-up.json"))["response"]["category"] == state.follow_category
    downloads.forget()


def test_what_cannot_be_compared_is_told_and_work_is_cancelled(page, state, two_times, engine):
    page.press("follow-compare")
    engine.fail("The two scans could not be aligned: they share too little of the body.")
    assert "share too little" in state.follow_text
    page.press("follow-compare")
    page.press("follow-compare")
    engine.end_cancelled()
    assert state.follow_text == "Cancelled."
    page.set(follow_later=state.follow_earlier)
    page.press("follow-compare")
    assert "Choose two results" in state.follow_text
    assert state.follow_category == ""


def test_nothing_is_left_when_the_scene_is_closed(viewer, state, compared):
    with viewer.context.state:
        viewer.close_scene()
    assert (state.follow_results, state.follow_rows, state.follow_category) == ([], [], "")
