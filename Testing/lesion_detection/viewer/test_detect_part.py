"""Section Detect: from the choices to a request, and how its work is shown."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.worker.requests import DetectRequest, DevicesRequest, WarmRequest
from LesionDetectionLib.core.bundle import Bundle, write_bundle
from LesionDetectionLib.core.resources import demonstration_model

from ..panel.conftest import CENTERS
from .conftest import found


@pytest.fixture
def own_model(viewer, shared_viewer):
    """Puts a second model for nodules into the user's folder, ``own_model(damaged=True)`` one that was tampered with."""
    folder = shared_viewer.folder / "models" / "mine"

    def make(damaged=False):
        bundle = Bundle.open(demonstration_model("nodule-ct-phantom"))
        manifest = replace(bundle.manifest, name="Mine", trained_on_phantoms=False)
        write_bundle(folder, manifest, {"w": np.zeros(1)}, "card")
        if damaged:
            (folder / "bundle.json").write_text((folder / "bundle.json").read_text().replace("Mine", "Ours"))
        viewer.models_changed()

    yield make
    shutil.rmtree(folder, ignore_errors=True)
    viewer.models_changed()


def titles(items):
    return [one["title"] for one in items]


def test_it_waits_for_a_volume(state):
    assert (state.detect_button, state.detect_ready) == ("Detect", False)
    assert state.detect_hint == state.detect_tip == "Choose a CT first."


def test_methods_say_what_they_find_need_and_cannot(state, page):
    assert "Lung nodules in CT, two 3D stages" in titles(state.methods)
    assert state.method_needs == "Needs CT and a trained model."
    assert "consolidations" in state.method_limits
    assert "MICCAI 2017" in state.method_reference
    page.set(method="active-pet-ct")
    assert state.method_needs.startswith("Needs PET")
    assert (state.needs_model, state.model_text, state.model_warning) == (False, "", ["", ""])
    assert state.detect_hint == "Choose a PET first."
    page.set(method="no-such-method")
    assert state.method_needs.startswith("Needs PET")


def test_a_model_from_phantoms_says_so_plainly(state):
    assert titles(state.models) == ["nodule-ct-phantom 2"]
    assert "CPM" in state.model_text
    assert "phantoms only" in state.model_warning[0]


def test_detect_asks_for_what_is_chosen(page, state, ct, engine):
    assert state.detect_ready
    page.press("detect-button")
    assert isinstance(engine.request, DetectRequest)
    assert engine.request.method == "nodule-ct"
    assert engine.request.model.endswith("nodule-ct-phantom")
    assert (engine.request.device, engine.request.region_ras_mm, engine.request.settings) == ("auto", None, {})


def test_detect_becomes_cancel_and_detect_again(viewer, page, state, ct, engine):
    page.press("detect-button")
    assert state.detect_text == "Waiting for the worker"
    engine.go_on(0.25, "Looking at candidates")
    assert (state.detect_button, state.detecting, state.detect_fraction) == ("Cancel", True, 0.25)
    assert state.detect_text == "Looking at candidates"
    page.press("detect-button")
    assert (state.detect_button, state.detect_ready) == ("Cancelling", False)
    engine.end_cancelled()
    assert (state.detect_button, state.detect_ready, state.detecting) == ("Detect", True, False)
    assert state.detect_text == "Cancelled. Nothing was added to the scene."
    assert viewer.context.session.results is None
    assert state.order == []


def test_a_failure_is_told_beside_the_button_with_its_details(page, state, ct, engine):
    page.press("detect-button")
    engine.fail("The memory is too small.", "Traceback: RuntimeError")
    assert (state.detect_text, state.detect_kind) == ("The memory is too small.", "warning")
    assert state.detect_details == "Traceback: RuntimeError"
    page.press("detect-button")
    engine.finish(found())
    assert (state.detect_text, state.detect_kind) == ("2 findings; 2 more with lower scores.", "note")
    assert state.detect_details == ""


def test_each_run_makes_a_result_and_one_of_them_is_looked_at(viewer, page, state, detected, engine):
    assert len(state.result_names) == 1
    page.press("detect-button")
    engine.finish(found())
    assert len(state.result_names) == 2
    assert state.result_chosen == "1"
    page.set(result_chosen="0")
    assert viewer.context.session.results is detected
    page.set(result_chosen="9")
    assert viewer.context.session.results is detected


def test_another_model_and_device_are_taken_by_what_the_page_shows(page, state, ct, engine, own_model):
    own_model()
    assert titles(state.models) == ["nodule-ct-phantom 2", "Mine 2"]
    page.set(model=state.models[1]["value"])
    assert state.model_warning == ["", ""]
    page.set(device="cuda:7")
    assert state.detect_button == "Detect"
    page.press("detect-button")
    assert engine.request.model.endswith("mine")
    assert engine.request.device == "auto"  # no such device was offered


def test_the_device_that_it_was_started_with_is_in_the_list(viewer, page, state, ct, engine):
    viewer.context.choices.device = "cuda:3"
    viewer.refresh()
    assert state.device == "cuda:3"
    assert titles(state.devices) == ["Automatic", "CPU", "cuda:3"]
    page.press("detect-button")
    assert engine.request.device == "cuda:3"


def test_a_model_that_cannot_be_used_is_listed_with_its_reason(page, state, ct, own_model):
    own_model(damaged=True)
    assert "(cannot be used)" in titles(state.models)[-1]
    page.set(model=state.models[-1]["value"])
    assert state.model_text == state.detect_hint != ""
    assert not state.detect_ready
    assert state.setting_fields == []


def test_a_box_is_searched_as_it_was_dragged(viewer, page, state, ct, engine):
    from LesionDetectionLib.viewer.views.box import LEAST_MM

    scene, stage = viewer.context.scene, viewer.context.stage
    stage.show(ct)
    page.set(region="INSIDE")
    bounds = [0.0] * 6
    ct.GetRASBounds(bounds)
    low, high = np.array(bounds[::2]), np.array(bounds[1::2])
    assert np.allclose(stage.box_ras_mm, ((3 * low + high) / 4, (low + 3 * high) / 4))
    red = stage.areas["Red"]
    with viewer.context.state:
        stage.on_box(red, "left", tuple(high - 1))  # of the patient: the view's left is R
        stage.on_box(red, "top", tuple(low))  # not past the edge across it
    dragged = [list(corner) for corner in stage.box_ras_mm]
    assert dragged[1][0] == pytest.approx(high[0] - 1)
    assert dragged[1][1] - dragged[0][1] == pytest.approx(LEAST_MM)
    assert dragged[0][2] == pytest.approx((3 * low[2] + high[2]) / 4)
    stage.point_at(tuple(low))
    page.press("box-here")
    assert np.allclose(np.mean(stage.box_ras_mm, axis=0), low)
    assert np.allclose(np.ptp(stage.box_ras_mm, axis=0), np.ptp(dragged, axis=0))
    page.press("detect-button")
    assert np.allclose(engine.request.region_ras_mm, stage.box_ras_mm)
    engine.end_cancelled()
    page.press("box-reset")
    assert np.allclose(np.mean(stage.box_ras_mm, axis=0), (low + high) / 2)
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 1
    page.set(region="WHOLE")
    assert stage.box_ras_mm is None


def test_a_box_of_a_scene_is_the_one_that_is_searched(viewer, page, ct):
    roi = viewer.context.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "of the scene")
    page.set(region="INSIDE")
    assert viewer.context.stage.box_ras_mm is not None  # it was empty
    roi.SetSize(30.0, 40.0, 50.0)
    page.set(region="WHOLE")
    page.set(region="INSIDE")
    assert np.allclose(np.ptp(viewer.context.stage.box_ras_mm, axis=0), (30, 40, 50))
    assert viewer.context.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 1


def test_a_region_around_a_place_needs_one(viewer, page, state, ct, engine):
    page.set(region="AROUND", around_mm=40)
    assert state.around_text == "around a click, or the chosen finding"
    page.press("detect-button")
    assert engine.jobs == []
    assert state.detect_text.startswith("Click on a place first")
    viewer.context.place = CENTERS[0]
    viewer.refresh()
    assert state.around_text == "around the last click"
    page.press("detect-button")
    low, high = engine.request.region_ras_mm
    assert [b - a for a, b in zip(low, high, strict=True)] == [40, 40, 40]
    page.set(around_mm=5000)
    assert state.around_mm == viewer.context.choices.around_mm == 300
    page.set(around_mm="much")
    assert state.around_mm == 300


def test_settings_are_a_form_made_from_what_the_method_says(viewer, page, state):
    page.set(method="active-pet-ct")
    fields = {field["name"]: field for field in state.setting_fields}
    kinds = {field["kind"] for field in fields.values()}
    assert {"yes-or-no", "one-of", "real"} <= kinds
    number = next(field for field in fields.values() if field["kind"] == "real")
    choice = next(field for field in fields.values() if field["kind"] == "one-of")
    mark = next(field for field in fields.values() if field["kind"] == "yes-or-no")
    first = dict(state.setting_values)
    other = next(value for value, _title in choice["options"] if value != first[choice["name"]])
    wanted = {number["name"]: number["highest"], choice["name"]: other, mark["name"]: not first[mark["name"]]}
    page.set(setting_values={**first, **wanted})
    assert state.settings_changed == sorted(wanted)
    assert viewer.context.choices.settings["active-pet-ct"] == wanted
    page.set(method="nodule-ct")
    assert not set(wanted) & set(state.settings_changed)
    page.set(method="active-pet-ct")
    assert state.settings_changed == sorted(wanted)
    page.press("settings-reset")
    assert (state.setting_values, state.settings_changed) == (first, [])
    assert "active-pet-ct" not in viewer.context.choices.settings


@pytest.mark.parametrize("value", ["much", None, -1e9, float("inf"), [1], {"a": 1}])
def test_a_setting_that_cannot_be_is_taken_back(viewer, page, state, value):
    page.set(method="active-pet-ct")
    name = next(field["name"] for field in state.setting_fields if field["kind"] == "real")
    first = dict(state.setting_values)
    page.set(setting_values={**first, name: value})
    assert (state.setting_values, viewer.context.choices.settings) == (first, {})


def test_the_worker_is_warmed_only_for_somebody_and_for_what_is_chosen(viewer, page, state, ct, engine):
    assert engine.jobs == []  # nobody looks at the page
    viewer.detect_part.connected()
    (devices, told, _), (warm, _, _) = engine.jobs
    assert isinstance(devices.request, DevicesRequest)
    assert isinstance(warm.request, WarmRequest)
    devices.state, devices.result = (
        "done",
        [{"id": "auto", "title": "Automatic (CPU)"}, {"id": "cuda:0", "title": "H100"}],
    )
    told(devices)
    assert titles(state.devices) == ["Automatic (CPU)", "H100"]
    page.set(device="cuda:0")
    assert engine.request == WarmRequest("nodule-ct", warm.request.model, "cuda:0")
    assert warm.state == "cancelling"
    viewer.refresh()
    assert len(engine.jobs) == 3
    viewer.detect_part._warming = type(viewer.detect_part._warming)(engine, lambda _devices: None)


def test_fields_are_bound_to_what_the_section_reads(page):
    for name in ("method", "model", "device", "region"):
        tag = re.search(rf'<select[^<>]*\sid="{name}"[^<>]*>', page.html).group()
        assert f'v-model="{name}"' in tag
        assert f'for="{name}"' in page.html
