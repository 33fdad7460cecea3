from __future__ import annotations

import numpy as np
import pytest
import vtk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import PET, SUV_BW

from .conftest import oblique

SHAPE = (5, 9, 7)
VOXELS = np.random.default_rng(3).integers(-1000, 1000, SHAPE).astype(np.int16)


@pytest.fixture
def node(stage):
    from LesionDetectionLib.io.mrml import volume_node

    return volume_node(stage.scene, oblique(VOXELS))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(*(st.floats(-1.4, n + 0.4) for n in SHAPE[::-1])))
def test_the_value_is_that_of_the_voxel_there(node, ijk):
    from LesionDetectionLib.viewer.views.under_cursor import value_at

    point = oblique(VOXELS).geometry.ras_from_ijk(ijk)
    near = np.rint(ijk).astype(int)
    if np.abs(np.array(ijk) - near).max() > 0.499:
        return  # between two voxels

    inside = (near >= 0).all() and (near < SHAPE[::-1]).all()
    assert value_at(node, point) == (VOXELS[tuple(near[::-1])] if inside else None)


def test_all_volumes_place_and_finding_are_said(stage, node):
    from LesionDetectionLib.io.mrml import volume_node
    from LesionDetectionLib.viewer.views.under_cursor import UnderCursor

    uptake = np.full(SHAPE, 3.21, dtype=np.float32)
    pet = volume_node(stage.scene, oblique(uptake, modality=PET, unit=SUV_BW, name="pet"))
    said = UnderCursor()

    text = said.text((0.0, 0.0, 0.0), {"CT": node, "PT": pet}, "L1 nodule")

    value = f"{VOXELS[2, 4, 3]} HU".replace("-", "\N{MINUS SIGN}")
    assert text.split("\N{EM SPACE}") == [f"CT {value}", "PET SUV 3.21", "R 0.0 A 0.0 S 0.0 mm", "L1 nodule"]
    assert said.text((500.0, -20.5, -3.0), {"CT": node}) == "R 500.0 P 20.5 I 3.0 mm"


def test_a_voxel_without_a_number_says_so(stage):
    from LesionDetectionLib.io.mrml import volume_node
    from LesionDetectionLib.viewer.views.under_cursor import UnderCursor

    image = oblique(np.full(SHAPE, np.nan, dtype=np.float32))
    assert UnderCursor().text((0.0, 0.0, 0.0), {"CT": volume_node(stage.scene, image)}).startswith("CT no value HU")


def test_a_volume_without_voxels_is_not_spoken_of(stage):
    from LesionDetectionLib.viewer.views.under_cursor import UnderCursor

    empty = stage.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    assert UnderCursor().text((1.0, 2.0, 3.0), {"CT": empty}) == "R 1.0 A 2.0 S 3.0 mm"


def test_a_volume_under_a_transform_is_read_where_it_is_shown(stage, node):
    from LesionDetectionLib.viewer.views.under_cursor import value_at

    matrix = vtk.vtkMatrix4x4()
    for row, shift in enumerate((30.0, -20.0, 7.0)):
        matrix.SetElement(row, 3, shift)
    transform = stage.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    transform.SetMatrixTransformToParent(matrix)
    before = value_at(node, (0.0, 0.0, 0.0))

    node.SetAndObserveTransformNodeID(transform.GetID())

    assert value_at(node, (30.0, -20.0, 7.0)) == before
    assert value_at(node, (0.0, 0.0, 0.0)) != before


def test_the_page_is_told_while_the_mouse_moves_without_anything_being_drawn(viewer, stage, red, ct, detected):
    item = viewer.context.session.listed[0]
    stage.go_to(item.lesion.center_ras_mm)
    for area in stage.areas.values():
        area.painter.draw_now()

    text = red.on_event({"type": "hover", "x": red.window.size[0] / 2, "y": red.window.size[1] / 2})

    assert text.startswith("CT ")
    assert " HU" in text
    assert text.endswith(f"{item.id} nodule")
    assert not any(area.painter.asked for area in stage.areas.values())
