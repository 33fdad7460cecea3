"""The history as event files for TensorBoard: ``tensorboard --logdir FOLDER``."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import OutputError

from .history import NOTE, Record

EVENTS = "events"


class EventWriter:
    """Writes each record's values as scalars, ``step/loss`` and ``validation/sensitivity``, and notes as text.

    Args:
        folder: of the fit.
        step: steps done before; what TensorBoard holds of later ones, from a run that was killed, is purged.

    Raises:
        ImportError: tensorboard is not installed.
        OutputError: the disk is full; so from all methods, as its thread tells later of what it could not write.
    """

    def __init__(self, folder: Path, step: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torch.utils.tensorboard import SummaryWriter
        self._folder = folder / EVENTS
        with self._told():
            self._writer: Any = SummaryWriter(str(self._folder), purge_step=step + 1)

    def __call__(self, record: Record) -> None:
        with self._told():
            for name, value in record.values.items():
                self._writer.add_scalar(f"{record.kind}/{name}", value, record.step)
            if record.kind == NOTE:
                self._writer.add_text(NOTE, record.text, record.step)

    def flush(self) -> None:
        with self._told():
            self._writer.flush()

    def close(self) -> None:
        with self._told():
            self._writer.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self._folder} cannot be written to: {error.strerror or error}.") from error
