from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.image import Image

from .conftest import chest, found
from .test_click_part import pet, red  # noqa: F401

MAP = "Lesion similarity"


def layers(viewer, name="Red"):
    """Ids of the volumes in a view, and how much is seen of the second."""
    composite = viewer.context.stage.areas[name].composite
    return (
        composite.GetBackgroundVolumeID(),
        composite.GetForegroundVolumeID(),
        pytest.approx(composite.GetForegroundOpacity()),
    )


def window(node):
    display = node.GetDisplayNode()
    return display.GetWindow(), display.GetLevel()


def test_a_window_is_chosen_by_name(viewer, page, state, ct):
    loaded = window(ct)
    assert [one["value"] for one in state.windows][-1] == "CT:as loaded"

    page.set(window_preset="CT:bone")
    assert window(ct) == (1800, 400)
    page.set(window_preset="CT:as loaded")
    assert window(ct) == loaded


def test_a_window_that_was_dragged_is_none_of_the_named_ones(viewer, page, state, red, ct):  # noqa: F811
    page.set(window_preset="CT:lung")
    with viewer.context.state:
        red.on_event({"type": "drag", "with": "window", "dx": 80, "dy": 0, "x": 1, "y": 1})

    assert state.window_preset == ""
    page.set(window_preset="CT:lung")
    assert window(ct) == (1500, -600)


@pytest.mark.parametrize("wrong", ["CT:none", "MR:lung", "bone", 7])
def test_a_window_that_is_not_offered_changes_nothing(viewer, page, ct, wrong):
    before = window(ct)
    page.set(window_preset=wrong)

    assert window(ct) == before


def test_the_pet_lies_over_the_ct_as_far_as_the_slider_says(viewer, page, state, ct, pet):  # noqa: F811
    assert state.fusion_possible
    assert layers(viewer) == (ct.GetID(), pet.GetID(), 0.5)
    hot = pet.GetDisplayNode().GetColorNodeID()

    page.set(fusion=20)
    assert layers(viewer) == (ct.GetID(), pet.GetID(), 0.2)
    assert state.pet_colors.startswith("linear-gradient(")
    assert state.pet_span == ["0", "6"]
    page.set(fusion=0)
    assert state.pet_colors == ""
    assert layers(viewer)[:2] == (ct.GetID(), None)
    page.set(fusion=100)
    assert layers(viewer)[:2] == (pet.GetID(), None)
    assert pet.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeInvertedGrey"
    page.set(fusion=50)
    assert pet.GetDisplayNode().GetColorNodeID() == hot


def test_the_pet_keeps_its_hot_colours_over_the_ct_with_another_window(viewer, page, ct, pet):  # noqa: F811
    hot = pet.GetDisplayNode().GetColorNodeID()
    page.set(window_preset="PT:suv10")

    assert window(pet) == (10, 5)
    assert pet.GetDisplayNode().GetColorNodeID() == hot


def test_projections_come_and_go(viewer, page, state, red, ct, pet):  # noqa: F811
    green = viewer.context.stage.areas["Green"]
    page.press("projections-button")

    assert (state.view_layout, state.projections_shown, state.fusion) == ("projections", True, 100)
    assert green.node.GetSlabReconstructionEnabled()
    assert green.notes()["position"] == "Maximum intensity"
    assert "step" not in green.notes()  # no slice to go to
    page.press("projections-button")
    assert (state.view_layout, state.projections_shown, state.fusion) == ("large", False, 50)
    assert not green.node.GetSlabReconstructionEnabled()
    assert layers(viewer) == (ct.GetID(), pet.GetID(), 0.5)


def test_nothing_lies_over_a_projection(viewer, page, state, red, ct, pet):  # noqa: F811
    page.press("projections-button")
    page.set(fusion=40)

    assert layers(viewer, "Green")[0] == pet.GetID()
    assert layers(viewer, "Green")[2] == 0
    assert layers(viewer, "Red")[2] == 0.4


def test_another_layout_ends_the_projections(viewer, page, state, red, ct, pet):  # noqa: F811
    page.set(view_layout="projections")
    assert state.projections_shown
    page.set(view_layout="four")

    assert (state.view_layout, state.projections_shown) == ("four", False)


def test_layouts_with_projections_are_offered_for_a_pet_alone(viewer, state, ct):
    assert [one["value"] for one in state.layouts] == ["large", "four", "axial"]
    assert not state.projections_possible


def test_outlines_are_quiet_here_and_as_they_were_for_slicer(viewer, ct, detected):
    outlines = detected.nodes.segmentation.GetDisplayNode()
    filled = outlines.GetOpacity2DFill()

    with viewer.context.stage.marks.as_for_slicer():
        assert outlines.GetOpacity2DFill() > filled
    assert outlines.GetOpacity2DFill() == filled


def test_the_diameters_of_the_finding_that_is_looked_at_are_drawn_in_their_slice(viewer, red, ct, detected):  # noqa: F811
    item = viewer.context.session.listed[0]
    long = item.lesion.recist.long_axis_ras_mm
    viewer.context.stage.go_to(long[0])
    assert red.notes()["lines"] == []

    viewer.context.session.select(item.id)
    line = red.notes()["lines"][0]

    assert (line["x1"], line["y1"]) == pytest.approx((100.5, 100.5), abs=2)
    ends = [red.point_at(line["x2"], line["y2"])[n] for n in range(2)]
    assert ends == pytest.approx(long[1][:2], abs=1)
    red.on_event({"type": "scroll", "steps": 3})
    assert red.notes()["lines"] == []


def test_names_are_written_beside_the_outlines_that_a_slice_cuts(viewer, red, ct, detected):  # noqa: F811
    item = viewer.context.session.listed[0]
    viewer.context.stage.go_to(item.lesion.center_ras_mm)

    label = red.notes()["labels"][0]
    assert label["text"] == item.id
    assert (label["x"], label["y"]) == pytest.approx((100.5, 100.5), abs=2)
    red.on_event({"type": "scroll", "steps": round(item.lesion.diameter_mm)})
    assert item.id not in [one["text"] for one in red.notes()["labels"]]


@pytest.fixture
def mapped(viewer, page, ct, engine):
    """The viewer with a result that has a map."""
    similarity = Image(np.linspace(0, 1, chest().voxels.size, dtype=np.float32).reshape(chest().shape_kji), np.eye(4))
    page.press("detect-button")
    engine.finish(replace(found(), maps={MAP: replace(similarity, name=MAP)}))
    return viewer.context.session.results.maps[MAP]


def test_a_map_lies_over_its_image_when_it_is_chosen(viewer, page, state, ct, mapped):
    assert [one["value"] for one in state.maps] == ["", MAP]
    assert layers(viewer)[1] is None

    page.set(map_chosen=MAP, map_opacity=30)
    assert layers(viewer) == (ct.GetID(), mapped.GetID(), 0.3)
    assert state.map_span == ["0", "1"]
    assert state.map_title == MAP
    assert state.map_colors.startswith("linear-gradient(")
    page.set(map_chosen="")
    assert layers(viewer)[1] is None


def test_the_map_under_the_mouse_is_said(viewer, page, red, ct, mapped):  # noqa: F811
    page.set(map_chosen=MAP)
    text = red.on_event({"type": "hover", "x": 100, "y": 100})

    assert MAP in text


def test_a_map_goes_with_its_result(viewer, page, state, ct, mapped):
    page.set(map_chosen=MAP)
    viewer.close_scene()

    assert state.map_chosen == ""
    assert [one["value"] for one in state.maps] == [""]


def test_a_pet_alone_is_shown_dark_on_white(viewer, state, pet):  # noqa: F811
    assert layers(viewer)[0] == pet.GetID()
    assert pet.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeInvertedGrey"
    assert window(pet) == (6, 3)
    assert state.window_preset == "PT:suv6"
    assert not state.fusion_possible
