"""Timers and processes that go on after their module: in Slicer they keep working on a panel that is gone."""

from __future__ import annotations

import weakref
from typing import Any

from PySide6 import QtCore
from shiboken6 import Shiboken

_MADE: weakref.WeakSet[Any] = weakref.WeakSet()


def remember(real: Any) -> None:
    """Called for each object that code under test makes."""
    if isinstance(real, QtCore.QTimer | QtCore.QProcess):
        _MADE.add(real)


def left_running() -> list[str]:
    """What still runs. A timer that fires once, and soon, is none of it."""
    found = []
    for real in [one for one in _MADE if Shiboken.isValid(one)]:
        if isinstance(real, QtCore.QProcess) and real.state() != QtCore.QProcess.ProcessState.NotRunning:
            found.append(f"the process {real.program()} {' '.join(real.arguments())[:80]}")
        elif isinstance(real, QtCore.QTimer) and real.isActive() and not real.isSingleShot():
            found.append(f"a timer of {real.interval()} ms")
    return found


def stop() -> None:
    """End what still runs, so that it does not reach into the next test."""
    for real in [one for one in _MADE if Shiboken.isValid(one)]:
        if isinstance(real, QtCore.QTimer):
            real.stop()
        elif real.state() != QtCore.QProcess.ProcessState.NotRunning:
            real.kill()
            real.waitForFinished(2000)
    _MADE.clear()
