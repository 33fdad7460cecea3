"""Two times compared, as a table in a MRML scene."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.core.follow_up import FollowUp

from .follow_up_table import follow_up_columns
from .mrml_marks import fill_table
from .mrml_scene import batch, put_under, subject_item

_MARK = "LesionDetection.followUp"
"""Attribute of the table: the category."""


def add_follow_up(scene: Any, comparison: FollowUp, name: str, volume_node: Any = None) -> Any:
    """Add a table with the columns of :func:`.follow_up_table.follow_up_columns`; a missing number is NaN.

    The category is an attribute of the node, its reason and what must stand beside it the node's description.

    Args:
        volume_node: the follow-up's volume, which the table lies beside; None for the scene's top.
    """
    with batch(scene):
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        show_follow_up(node, comparison)
        if volume_node is not None:
            hierarchy = scene.GetSubjectHierarchyNode()
            put_under(scene, node, hierarchy.GetItemParent(subject_item(scene, volume_node)))
    return node


def show_follow_up(node: Any, comparison: FollowUp) -> None:
    """Let the table show this comparison and nothing else."""
    fill_table(node, follow_up_columns(comparison))
    response = comparison.response
    node.SetAttribute(_MARK, response.category)
    node.SetDescription(" ".join((f"{response.category}: {response.reason}", *comparison.notes)))


def follow_ups_in(scene: Any) -> list[Any]:
    """The tables of all comparisons in the scene, in the order in which they were made."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLTableNode") for n in range(count)]
    return [node for node in nodes if node.GetAttribute(_MARK)]
