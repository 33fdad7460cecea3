"""TensorBoard's event files: what cannot be written is told like everything else that cannot."""

from __future__ import annotations

import errno
import os

import pytest
from LesionDetectionLib.core.errors import OutputError
from LesionTrainingLib.learning.engine.events import EVENTS, EventWriter
from LesionTrainingLib.learning.engine.history import STEP, Record

pytest.importorskip("tensorboard")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / EVENTS).write_text("in the way")
    with pytest.raises(OutputError, match=f"{EVENTS} cannot be written to"):
        EventWriter(tmp_path, 0)


@pytest.mark.parametrize("method", ["flush", "close", "add_scalar"])
def test_a_full_disk_is_told(tmp_path, monkeypatch, method):
    writer = EventWriter(tmp_path, 0)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(writer._writer, method, full)
        with pytest.raises(OutputError, match="No space left"):
            writer(Record(STEP, 1, 0.1, {"loss": 0.5})) if method == "add_scalar" else getattr(writer, method)()
    writer.close()
