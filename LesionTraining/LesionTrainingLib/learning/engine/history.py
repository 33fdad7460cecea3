"""How a fit went, a line of JSON a record: written as it goes, read at any time by a live loss curve.

    {"kind": "step", "step": 120, "seconds": 41.2, "values": {"loss": 0.31, "rate": 0.001, "samples_per_second": 93.0}}

The file is cut back to the checkpoint when a fit is resumed, by replacing it: a reader that has the old one sees that it
is another file, and begins anew.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import OutputError

HISTORY = "history.jsonl"
STEP, VALIDATION, NOTE = "step", "validation", "note"
PARTS = 10


@dataclass(frozen=True)
class Record:
    """One line of the history.

    Attributes:
        kind: ``step``, ``validation`` or ``note``.
        step: optimiser steps done.
        seconds: of the fit so far, those before a resume included.
        values: of a step ``loss``, ``loss/TERM`` for each term where there are several, ``rate`` (learning rate),
            ``samples_per_second`` and, with clipping, ``gradient_norm``; of a validation its metrics. What is not
            finite is null in the file and NaN here.
        text: of a note, a sentence.
    """

    kind: str
    step: int
    seconds: float
    values: dict[str, float] = field(default_factory=dict)
    text: str = ""

    def as_line(self) -> str:
        plain: dict[str, Any] = asdict(self)
        plain["seconds"] = round(self.seconds, 3)
        plain["values"] = {name: value if math.isfinite(value) else None for name, value in self.values.items()}
        return json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n"

    @staticmethod
    def from_line(line: str) -> Record:
        """Raises ValueError, KeyError or TypeError for what is no record."""
        plain = json.loads(line)
        values = {name: math.nan if value is None else float(value) for name, value in plain["values"].items()}
        return Record(str(plain["kind"]), int(plain["step"]), float(plain["seconds"]), values, str(plain["text"]))


Listener = Callable[[Record], None]
"""Is told each record in the process that makes it."""


class HistoryWriter:
    """Adds records to the history of a folder; each is on its way to the disk at once.

    Args:
        folder: of the fit.
        position: bytes to keep, as :meth:`position` told when the checkpoint was written.
    """

    def __init__(self, folder: Path, position: int = 0) -> None:
        path = folder / HISTORY
        kept = path.read_bytes()[:position] if position and path.exists() else b""
        for left in folder.glob(f".partial-*-{HISTORY}"):  # of a run that was killed just here
            left.unlink()
        with atomic_file(path) as temporary:
            temporary.write_bytes(kept[: kept.rfind(b"\n") + 1])
        self._file: TextIO = path.open("a", encoding="utf-8", newline="\n", buffering=1)

    def __call__(self, record: Record) -> None:
        """Raises OutputError where the disk is full; so do the others, as a line that was not written is tried again."""
        with self._told():
            self._file.write(record.as_line())

    def position(self) -> int:
        """Bytes written so far."""
        with self._told():
            self._file.flush()
            return self._file.tell()

    def close(self) -> None:
        with self._told():
            self._file.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self._file.name} cannot be written to: {error}. Is the disk full?") from error


class History:
    """The records of a folder, as far as they are written.

    ``History(folder)`` is empty; :meth:`update` reads what has come since, and costs next to nothing when nothing has.

    Attributes:
        records: all so far, in order.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._offset, self._file = Path(folder) / HISTORY, 0, 0
        self.records: list[Record] = []

    @classmethod
    def read(cls, folder: Path) -> History:
        history = cls(folder)
        history.update()
        return history

    def update(self) -> bool:
        """Read the lines that are whole and new.

        Returns:
            Whether earlier records are gone, as the fit was resumed from before them: draw the curve anew.
        """
        try:
            status = self._path.stat()
            replaced = self._file not in (0, status.st_ino) or status.st_size < self._offset
            if replaced:
                self.records, self._offset = [], 0
            self._file = status.st_ino
            if status.st_size == self._offset:
                return replaced
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return False
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        self.records.extend(_records(whole.decode("utf-8", errors="replace").splitlines()))
        return replaced

    def curve(self, name: str = "loss") -> tuple[list[int], list[float]]:
        """Steps and values of one of the names in ``Record.values``."""
        found = [(record.step, record.values[name]) for record in self.records if name in record.values]
        return [step for step, _ in found], [value for _, value in found]

    def of_kind(self, kind: str) -> list[Record]:
        return [record for record in self.records if record.kind == kind]

    def notes(self) -> list[str]:
        return [record.text for record in self.of_kind(NOTE)]

    def parts(self, name: str = "loss") -> list[float]:
        """The curve told in means of ten equal parts, for a model's record."""
        _, values = self.curve(name)
        size = max(1, math.ceil(len(values) / PARTS))
        groups = [values[at : at + size] for at in range(0, len(values), size)]
        return [round(sum(group) / len(group), 4) for group in groups]


def _records(lines: Iterable[str]) -> list[Record]:
    """The records of whole lines; one that a failing disk spoilt is left out."""
    found = []
    for line in lines:
        try:
            found.append(Record.from_line(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found
