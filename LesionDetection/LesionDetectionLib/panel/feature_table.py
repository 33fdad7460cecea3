"""The radiomics features of a result as a table node beside its other nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _

from LesionDetectionLib.app.session.result_set import ResultSet
from LesionDetectionLib.io.lesion_table import Column
from LesionDetectionLib.io.mrml_marks import fill_table
from LesionDetectionLib.io.mrml_scene import put_under, subject_item

_ROLE = "features"
"""Of the table, seen from the result's text node: it is filled anew when they are measured again."""


def show_features(result: ResultSet, columns: Sequence[Column]) -> Any:
    """Add the table, or fill it anew; the node. The result is in a scene."""
    text = result.nodes.text
    scene, node = text.GetScene(), text.GetNodeReference(_ROLE)
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", _("{title} features").format(title=result.title))
        text.SetNodeReferenceID(_ROLE, node.GetID())
        put_under(scene, node, scene.GetSubjectHierarchyNode().GetItemParent(subject_item(scene, text)))
    fill_table(node, columns)
    return node
