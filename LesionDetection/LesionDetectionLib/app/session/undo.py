"""Undo and redo over states that are replaced, never changed."""

from __future__ import annotations

from typing import Generic, TypeVar

State = TypeVar("State")

MOST = 100
"""States share what did not change, so that a hundred of them cost little."""


class UndoStack(Generic[State]):
    """The states before and after, each with what was done, in words."""

    def __init__(self) -> None:
        self._done: list[tuple[str, State]] = []
        self._undone: list[tuple[str, State]] = []

    @property
    def undo_text(self) -> str:
        """What :meth:`undo` would take back; empty where there is nothing."""
        return self._done[-1][0] if self._done else ""

    @property
    def redo_text(self) -> str:
        return self._undone[-1][0] if self._undone else ""

    def push(self, text: str, before: State) -> None:
        """``text`` was done to ``before``; what was undone until now cannot be redone any more."""
        self._done = [*self._done[1 - MOST :], (text, before)]
        self._undone = []

    def undo(self, now: State) -> State:
        """The state before the last change; ``now`` where there is none."""
        return self._move(self._done, self._undone, now)

    def redo(self, now: State) -> State:
        return self._move(self._undone, self._done, now)

    @staticmethod
    def _move(source: list[tuple[str, State]], target: list[tuple[str, State]], now: State) -> State:
        if not source:
            return now
        text, state = source.pop()
        target.append((text, now))
        return state
