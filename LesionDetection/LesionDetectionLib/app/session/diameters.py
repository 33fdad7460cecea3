"""The lines that a person drew as diameters: which of a scene's lines they are, where their ends lie, what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.finding import Findings

from ..recist_request import Line

_OF_RESULT = "LesionDetection.finding"
"""Attribute of a line that a result draws, see :mod:`LesionDetectionLib.io.mrml_findings`."""
_MADE = "LesionDiameters.tracking"
"""Attribute of a line: tracking UID of the finding that was made of it."""


def drawn_lines(scene: Any) -> tuple[Any, ...]:
    """The line markups that can be a person's diameters, in the order in which they came; not those of results."""
    lines = (scene.GetNthNodeByClass(n, "vtkMRMLMarkupsLineNode") for n in range(_count(scene)))
    # Those that a script's results have are locked.
    return tuple(
        line for line in lines if not (line.GetLocked() or line.GetHideFromEditors() or line.GetAttribute(_OF_RESULT))
    )


def ends_of(lines: Sequence[Any]) -> tuple[Line, Line]:
    """The ends (RAS mm in the scene's frame, whatever transforms the lines are under) of two line markups.

    Raises:
        UsageError: they are fewer or more than two, one twice, or one without both of its ends.
    """
    if len(lines) < 2:
        raise UsageError(
            "Two diameters are needed, and there is only one line. Draw the second one across it."
            if lines
            else "There is no line yet. Draw two in one slice: the longest diameter of the lesion, and the longest across it."
        )
    if len(lines) > 2:
        raise UsageError("Two diameters are needed. Choose two lines.")
    if lines[0] is lines[1]:
        raise UsageError(f"“{lines[0].GetName()}” is chosen twice. Choose two different lines.")
    return _ends(lines[0]), _ends(lines[1])


def remember(lines: Sequence[Any], tracking_uid: str) -> None:
    """That this finding was made of these lines."""
    for line in lines:
        line.SetAttribute(_MADE, tracking_uid)


def made_of(lines: Sequence[Any], findings: Findings) -> str:
    """Id of the finding that was made of just these lines; empty where there is none, or none any more."""
    uids = {line.GetAttribute(_MADE) or "" for line in lines}
    if len(uids) != 1:
        return ""
    return next((item.id for item in findings.items if item.tracking_uid in uids), "")


def _ends(line: Any) -> Line:
    if line.GetNumberOfDefinedControlPoints() != 2:
        raise UsageError(
            f"The line “{line.GetName()}” does not have both of its ends yet. Place them in the slice view, or delete the line."
        )
    (a, b, c), (d, e, f) = (line.GetNthControlPointPositionWorld(n) for n in range(2))
    return (float(a), float(b), float(c)), (float(d), float(e), float(f))


def _count(scene: Any) -> int:
    return int(scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode"))
