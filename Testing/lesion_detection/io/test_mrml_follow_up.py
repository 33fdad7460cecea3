"""A comparison as a table in a scene, read back from the real MRML."""

from __future__ import annotations

import math
import zipfile

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Recist
from LesionDetectionLib.core.pairing import pair_findings
from LesionDetectionLib.io import mrml_scene
from LesionDetectionLib.io.follow_up_table import follow_up_columns
from LesionDetectionLib.io.mrml import volume_node
from LesionDetectionLib.io.mrml_follow_up import add_follow_up, follow_ups_in, show_follow_up

GRID = Geometry((10, 20, 20), np.diag([1.0, 1.0, 2.0, 1.0]))


def lesion(mm, at, score):
    r, a, s = at
    return Lesion(
        at, mm, score, recist=Recist(((r - mm / 2, a, s), (r + mm / 2, a, s)), ((r, a - 3, s), (r, a + 3, s)))
    )


@pytest.fixture
def comparison():
    before, after = (
        Findings.of(Detections(lesions, GRID, "made-up", "scan", CT, HU))
        for lesions in (
            (lesion(30, (10, 10, 10), 0.9), lesion(12, (0, 90, 0), 0.8)),
            (lesion(20, (10, 12, 10), 0.9), lesion(15, (80, 0, 0), 0.8)),
        )
    )
    return FollowUp(before, after, pair_findings(before.drawn, after.drawn, np.eye(4)))


@pytest.fixture
def scene():
    with mrml_scene.temporary_scene() as temporary:
        yield temporary


def cell(node, row, name):
    return node.GetTable().GetValueByName(row, name).ToString()


def test_the_table_holds_rows_units_and_the_category(scene, comparison):
    node = add_follow_up(scene, comparison, "comparison")
    assert node.GetName() == "comparison"
    assert node.GetNumberOfRows() == 3
    assert [node.GetColumnName(n) for n in range(node.GetNumberOfColumns())] == [
        column.name for column in follow_up_columns(comparison)
    ]
    assert (cell(node, 0, "baseline"), cell(node, 0, "follow_up")) == ("L1", "L1")
    assert float(cell(node, 0, "change_mm")) == pytest.approx(-10)
    assert math.isnan(float(cell(node, 1, "follow_up_mm")))
    assert cell(node, 2, "kind") == "new candidate"
    assert node.GetColumnUnitLabel("baseline_mm") == "mm"
    assert node.GetLocked()
    assert node.GetAttribute("LesionDetection.followUp") == "NE"
    assert node.GetDescription().startswith("NE: What became of the target lesion L2 is not known")
    assert "Not assessed" in node.GetDescription()


def test_it_is_shown_anew_after_a_change(scene, comparison):
    node = add_follow_up(scene, comparison, "comparison")
    show_follow_up(node, comparison.confirming_gone(["L2"]))
    assert node.GetAttribute("LesionDetection.followUp") == "PR"
    assert cell(node, 1, "kind") == "disappeared"
    assert node.GetNumberOfRows() == 3
    assert follow_ups_in(scene) == [node]


def test_it_lies_beside_its_volume_and_survives_saving(scene, comparison, tmp_path):
    volume = volume_node(scene, Image(np.zeros((10, 20, 20), np.int16), GRID.ijk_to_ras, CT, HU, "scan"))
    node = add_follow_up(scene, comparison, "comparison", volume)
    hierarchy = scene.GetSubjectHierarchyNode()
    parents = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(one)) for one in (volume, node)}
    assert len(parents) == 1
    other = scene.AddNewNodeByClass("vtkMRMLTableNode", "another table")
    assert follow_ups_in(scene) == [node]
    assert other is not None
    mrml_scene.write_scene(scene, tmp_path / "scene.mrb")
    with zipfile.ZipFile(tmp_path / "scene.mrb") as archive:
        archive.extractall(tmp_path)
    with mrml_scene.temporary_scene() as again:
        again.SetURL(str(next(tmp_path.glob("*/*.mrml"))))
        assert again.Connect()
        (read,) = follow_ups_in(again)
        assert read.GetAttribute("LesionDetection.followUp") == "NE"
        assert read.GetNumberOfRows() == 3
        assert cell(read, 0, "kind") == "paired"
