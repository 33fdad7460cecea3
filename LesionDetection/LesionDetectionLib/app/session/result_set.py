"""One result in the scene: its findings, their nodes, and what can be undone."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.io.mrml_findings import FindingNodes

from .undo import UndoStack


class ResultSet:
    """Findings of one volume, shown by nodes.

    Attributes:
        nodes: in the scene.
        undo: the states before.
        current: id of the finding that is looked at; empty for none.
    """

    def __init__(self, nodes: FindingNodes) -> None:
        self.nodes = nodes
        self.undo: UndoStack[Findings] = UndoStack()
        self.current = ""

    @property
    def title(self) -> str:
        return str(self.nodes.text.GetName())

    @property
    def volume_node(self) -> Any | None:
        """The volume; None where it was removed from the scene."""
        return self.nodes.volume

    @property
    def findings(self) -> Findings:
        return self.nodes.findings

    @property
    def maps(self) -> dict[str, Any]:
        """What the method made of the image's places, as volume nodes by title; without those that were removed."""
        return self.nodes.maps

    @property
    def first_control_values(self) -> tuple[float, ...]:
        """What the controls were when the result was made."""
        return self.nodes.first_control_values

    @property
    def in_scene(self) -> bool:
        """Whether its text node is still in a scene; a user may remove it at any time."""
        return self.nodes.text.GetScene() is not None

    def change(self, text: str, after: Findings) -> None:
        """Show other findings, as one step that can be undone and is called ``text``."""
        if after is not self.findings:
            self.undo.push(text, self.findings)
            self._show(after)

    def set_threshold(self, after: Findings) -> None:
        """Show the same findings with another threshold or other controls: no step to undo, as a slider itself goes back."""
        self._show(after)

    def undo_last(self) -> None:
        """Sliders stay where they are: they were moved to look, not as a part of what is taken back."""
        self._show(self.undo.undo(self.findings).shown_as(self.findings))

    def redo_last(self) -> None:
        self._show(self.undo.redo(self.findings).shown_as(self.findings))

    def _show(self, findings: Findings) -> None:
        self.nodes.show(findings)
        listed = [item.id for item in findings.listed]
        if self.current not in listed:
            self.current = ""
