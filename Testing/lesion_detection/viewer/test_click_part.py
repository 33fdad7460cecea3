from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.focus_request import FocusRequest
from LesionDetectionLib.app.worker.requests import MeasureRequest
from LesionDetectionLib.core.image import PET, SUV_BW

from ..panel.conftest import CENTERS, ball
from .conftest import chest


@pytest.fixture
def red(viewer):
    """The axial view, through the first lesion."""
    area = viewer.context.stage.areas["Red"]
    for one in viewer.context.stage.areas.values():
        one.on_event({"type": "size", "w": 200, "h": 200, "ratio": 1.0})
    return area


def press(area, point_ras_mm):
    """A click where the picture shows this place."""
    from LesionDetectionLib.viewer.views.slice_moves import xy_of

    x, y = area.window.place(*xy_of(area.node, point_ras_mm)[:2])
    area.on_event({"type": "click", "x": x, "y": y})


@pytest.fixture
def pet(viewer):
    from LesionDetectionLib.io.mrml import volume_node

    values = (chest().voxels > -500).astype(np.float32) * 5
    image = replace(chest(), voxels=values, modality=PET, unit=SUV_BW, name="pet")
    node = volume_node(viewer.context.scene, image)
    viewer.context.choices.volumes["PT"] = node
    with viewer.context.state:
        viewer.context.choices_changed()
    return node


def test_click_to_measure_asks_for_a_measurement_where_the_picture_was_clicked(viewer, page, state, red, ct, engine):
    viewer.context.stage.go_to(CENTERS[0])
    page.press("click-button")
    press(red, CENTERS[0])

    assert isinstance(engine.request, MeasureRequest)
    assert np.abs(np.subtract(engine.request.seed_ras_mm, CENTERS[0])).max() < 0.5
    assert viewer.context.place == engine.request.seed_ras_mm
    assert state.measuring
    assert state.click_text.startswith("Measuring")


def test_the_outline_is_in_the_pictures_of_all_views_when_it_was_measured(viewer, page, red, ct, engine):
    stage = viewer.context.stage
    page.press("click-button")

    def colored():
        pictures = [area.painter.draw_now().pixels.astype(int) for area in stage.areas.values()]
        return [int((picture.max(axis=2) - picture.min(axis=2) > 60).sum()) for picture in pictures]

    for n in range(2):
        stage.go_to(CENTERS[n])
        assert colored() == [0, 0, 0]
        press(red, CENTERS[n])
        engine.finish(ball(chest(), CENTERS[n], 6.0))
        assert min(colored()) > 40
    page.press("undo-button")
    assert colored() == [0, 0, 0]


def test_what_was_measured_can_be_undone_and_comes_back(viewer, page, state, red, ct, engine):
    assert not state.can_undo
    page.press("click-button")
    press(red, CENTERS[0])
    engine.finish(ball(chest(), CENTERS[0], 6.0))

    assert [item.id for item in viewer.context.session.listed] == ["L1"]
    assert (state.can_undo, state.undo_tip) == (True, "Undo: measure L1 (Ctrl+Z)")
    page.press("undo-button")
    assert not viewer.context.session.listed
    assert state.redo_tip == "Redo: measure L1 (Ctrl+Y)"
    page.press("redo-button")
    assert viewer.context.session.listed


@pytest.mark.parametrize("end", ["Escape", "C", "click-button"])
def test_clicks_go_to_places_again_after_the_mode_has_ended(viewer, page, state, red, ct, engine, end):
    stage = viewer.context.stage
    page.key("C")
    assert (state.measuring, stage.crosshair_ras_mm) == (True, None)

    if end == "click-button":
        page.press(end)
    else:
        page.key(end)
    press(red, (30.0, 31.0, 12.0))

    assert not state.measuring
    assert state.click_text == ""
    assert not engine.jobs
    assert stage.crosshair_ras_mm[:2] == pytest.approx((30.0, 31.0), abs=0.5)


def test_a_click_in_an_outline_chooses_that_finding(viewer, red, ct, detected):
    item = viewer.context.session.listed[1]
    viewer.context.stage.go_to(item.lesion.center_ras_mm)

    press(red, item.lesion.center_ras_mm)

    assert viewer.context.session.current == item.id


def test_without_a_scan_nothing_can_be_measured(viewer, page, state, red, engine):
    page.key("C")
    red.on_event({"type": "click", "x": 100, "y": 100})

    assert not state.click_possible
    assert not state.measuring
    assert not engine.jobs


def test_a_click_while_something_is_detected_is_measured_beside_it(viewer, page, state, red, ct, engine):
    page.press("detect-button")
    page.press("click-button")
    press(red, CENTERS[0])

    assert isinstance(engine.request, MeasureRequest)
    assert state.click_text.startswith("Measuring")
    page.press("click-button")
    assert not state.measuring
    assert viewer.context.session.busy, "only the click was stopped"
    assert page.told() == ""


def test_a_click_on_a_projection_takes_the_uptake_along_it(viewer, page, state, red, ct, pet, engine):
    page.press("projections-button")
    assert (state.projections_shown, state.view_layout) == (True, "projections")
    page.press("click-button")

    press(viewer.context.stage.areas["Green"], CENTERS[1])

    assert isinstance(engine.request, FocusRequest)
    assert engine.request.through == "coronal"
    assert np.abs(np.subtract(engine.request.point_ras_mm, CENTERS[1])[[0, 2]]).max() < 0.6


def test_a_click_in_two_volumes_measures_in_the_chosen_one(viewer, page, state, red, ct, pet, engine):
    page.press("click-button")
    page.set(measure_on="PT")
    page.set(pet_click="new focus")
    press(red, CENTERS[0])

    assert isinstance(engine.request, FocusRequest)
    assert state.click_on_pet
    engine.fail("No uptake is there.")
    page.set(measure_on="CT")
    press(red, CENTERS[0])
    assert isinstance(engine.request, MeasureRequest)
    assert engine.request.modality == "CT"


def test_a_choice_that_the_page_does_not_offer_is_passed_over(viewer, page, state, ct):
    page.set(pet_click="none", measure_on="MR")

    assert (viewer.context.choices.pet_click, viewer.context.choices.measure_on) == ("border", "CT")


def test_a_closed_scene_ends_the_mode(viewer, page, state, red, ct):
    page.press("click-button")
    viewer.close_scene()

    assert not state.measuring
    assert viewer.toolbar_part.click.clicking.place is None
