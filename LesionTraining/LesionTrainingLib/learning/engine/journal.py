"""Where records go: the history's file, TensorBoard, listeners. Only one of several processes keeps a journal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from .events import EventWriter
from .history import NOTE, HistoryWriter, Listener, Record

NO_TENSORBOARD = "TensorBoard's event files were not written, as the package tensorboard is not installed."


class Journal:
    """Tells all who want to know.

    Args:
        folder: of the fit; None writes nothing and tells nobody.
        listeners: told each record in this process.
        step: steps done before.
        position: bytes of the history to keep.
        seconds: of the fit before.
        tensorboard: whether to write event files too.

    Attributes:
        notes: the sentences noted so far.
    """

    def __init__(
        self,
        folder: Path | None,
        listeners: Sequence[Listener],
        step: int = 0,
        position: int = 0,
        seconds: float = 0.0,
        tensorboard: bool = True,
    ) -> None:
        self.notes: list[str] = []
        self._start = time.monotonic() - seconds
        self._history = HistoryWriter(folder, position) if folder else None
        self._events: EventWriter | None = None
        self._listeners: list[Listener] = [self._history, *listeners] if self._history else []
        if tensorboard and folder:
            try:
                self._events = EventWriter(folder, step)
                self._listeners.append(self._events)
            except ImportError:
                self.note(NO_TENSORBOARD, step)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    @property
    def position(self) -> int:
        return self._history.position() if self._history else 0

    def tell(self, kind: str, step: int, values: dict[str, float], text: str = "") -> None:
        record = Record(kind, step, self.seconds, values, text)
        for listener in self._listeners:
            listener(record)

    def note(self, text: str, step: int) -> None:
        """A sentence for the record; the same one once only."""
        if text not in self.notes:
            self.notes.append(text)
            self.tell(NOTE, step, {}, text)

    def flush(self) -> None:
        if self._events:
            self._events.flush()

    def close(self) -> None:
        with contextlib.ExitStack() as all_of_them:
            for writer in (self._history, self._events):
                if writer:
                    all_of_them.callback(writer.close)
