"""Observers of widgets on MRML nodes, which end with the widget as those of real Slicer's widgets do."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import vtk
from shiboken6 import Shiboken

from ..problems import PROBLEMS


class Watch:
    """Calls ``method(caller)`` on each event while the widget lives; ``end`` stops that."""

    def __init__(self, widget: Any, subject: Any, method: Callable[[Any], None], *events: Any) -> None:
        self._subject = subject
        name, weak = type(widget).__name__, weakref.WeakMethod(method)

        def called(caller: Any, _event: str) -> None:
            alive = weak()
            if alive is None or not Shiboken.isValid(alive.__self__):
                self.end()
                return
            with PROBLEMS.caught(name):
                alive(caller)

        self._tags = [subject.AddObserver(event, called) for event in events or (vtk.vtkCommand.ModifiedEvent,)]

    def end(self) -> None:
        for tag in self._tags:
            self._subject.RemoveObserver(tag)
        self._tags = []
