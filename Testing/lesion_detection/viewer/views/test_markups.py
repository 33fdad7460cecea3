"""What else was drawn in a scene is drawn in the slices that it lies in; what belongs to a result is not, twice."""

from __future__ import annotations

import numpy as np

from ..conftest import chest


def markup(scene, kind, points, name="", color=(1.0, 0.0, 0.0)):
    node = scene.AddNewNodeByClass(f"vtkMRMLMarkups{kind}Node", name)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetSelectedColor(*color)
    for point in points:
        node.AddControlPoint([float(n) for n in point], "here")
    return node


def test_lines_curves_and_points_are_in_their_slices_alone(viewer, ct, stage, red):
    stage.show(ct)
    middle = np.array(chest().geometry.ras_from_ijk((np.array(chest().shape_kji[::-1]) - 1) / 2))
    stage.go_to(middle)
    across, up = np.array([8.0, 0, 0]), np.array([0, 0, 20.0])
    line = markup(stage.scene, "Line", (middle, middle + across), "mine")
    markup(stage.scene, "ClosedCurve", (middle, middle + across, middle + np.array([0, 9, 0])), "round")
    markup(stage.scene, "Fiducial", (middle, middle + up))
    markup(stage.scene, "Line", (middle + up, middle + up + across), "above")
    markup(stage.scene, "Line", (middle, middle + across), "hidden").GetDisplayNode().SetVisibility(False)
    stage.show_markups()
    notes = red.notes()
    assert [one["text"] for one in notes["labels"]] == ["mine", "round", "here"]
    assert len(notes["lines"]) == 1 + 3 + 2
    assert {one["color"] for one in notes["lines"]} == {"rgb(255, 0, 0)"}
    x, y = red.window.place(*[float(n) for n in _pixel(red, middle)])
    assert abs(notes["lines"][0]["x1"] - x) < 0.2
    assert abs(notes["lines"][0]["y1"] - y) < 0.2
    stage.scene.RemoveNode(line)
    stage.show_markups()
    assert [one["text"] for one in red.notes()["labels"]] == ["round", "here"]


def test_those_of_a_result_are_drawn_as_findings_alone(viewer, detected, stage):
    stage.show_markups()
    assert stage.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") > 0
    assert stage.shown_markups == ()


def _pixel(area, point):
    from LesionDetectionLib.viewer.views.slice_moves import xy_of

    return xy_of(area.node, point)[:2]
