"""Records go to the file, to TensorBoard and to listeners; a missing TensorBoard is a note."""

from __future__ import annotations

import sys

from LesionTrainingLib.learning.engine.events import EVENTS
from LesionTrainingLib.learning.engine.history import STEP, History
from LesionTrainingLib.learning.engine.journal import NO_TENSORBOARD, Journal


def scalars(folder):
    """Tag -> {step: value}, as TensorBoard shows them, what was purged left out."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / EVENTS))
    found.Reload()
    return {tag: {each.step: each.value for each in found.Scalars(tag)} for tag in found.Tags()["scalars"]}


def test_listeners_and_the_file_get_the_same(tmp_path):
    heard = []
    journal = Journal(tmp_path, [heard.append], seconds=100.0, tensorboard=False)
    journal.tell(STEP, 1, {"loss": 0.5})
    for _ in range(2):
        journal.note("The memory was full.", 1)
    assert journal.notes == ["The memory was full."]
    assert [(each.kind, each.step) for each in heard] == [("step", 1), ("note", 1)]
    assert heard[0].seconds >= 100
    assert [each.values for each in History.read(tmp_path).records] == [{"loss": 0.5}, {}]
    journal.close()
    assert not (tmp_path / EVENTS).exists()


def test_tensorboard_purges_what_a_killed_run_wrote_after_its_checkpoint(tmp_path):
    journal = Journal(tmp_path, [])
    for step in (1, 2, 3):
        journal.tell(STEP, step, {"loss": 1.0, "rate": 0.5})
    journal.note("A sentence.", 3)
    journal.close()
    resumed = Journal(tmp_path, [], step=1, position=10_000)
    resumed.tell(STEP, 2, {"loss": 7.0})
    resumed.close()
    found = scalars(tmp_path)
    assert found["step/loss"] == {1: 1.0, 2: 7.0}
    assert found["step/rate"] == {1: 0.5}


def test_without_tensorboard_there_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    journal = Journal(tmp_path, [])
    assert journal.notes == [NO_TENSORBOARD]
    journal.tell(STEP, 1, {"loss": 0.5})
    journal.flush()
    journal.close()
    assert History.read(tmp_path).notes() == [NO_TENSORBOARD]


def test_a_process_that_only_helps_writes_nothing(tmp_path):
    heard = []
    journal = Journal(None, [heard.append])
    journal.tell(STEP, 1, {"loss": 0.5})
    journal.note("Something.", 1)
    assert (journal.position, heard, list(tmp_path.iterdir())) == (0, [], [])
    journal.close()
