"""The history is read while it is written, and cut back to the checkpoint on a resume."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import OutputError
from LesionTrainingLib.learning.engine.history import HISTORY, NOTE, STEP, VALIDATION, History, HistoryWriter, Record


def record(step, loss):
    return Record(STEP, step, step / 2, {"loss": loss})


def test_records_are_read_as_they_were_written(tmp_path):
    writer = HistoryWriter(tmp_path)
    told = [
        record(1, 1 / 3),
        Record(VALIDATION, 1, 0.5, {"Jaccard": math.nan, "loss": math.inf}),
        Record(NOTE, 1, 0.5, {}, "Ein Satz, größer."),
        record(2, 1e-300),
    ]
    for each in told:
        writer(each)
    history = History.read(tmp_path)
    assert [history.records[index] for index in (0, 2, 3)] == [told[0], told[2], told[3]]
    assert all(math.isnan(value) for value in history.records[1].values.values())
    assert history.curve() == ([1, 1, 2], [1 / 3, history.records[1].values["loss"], 1e-300])
    assert history.notes() == ["Ein Satz, größer."]
    assert len(history.of_kind(STEP)) == 2
    writer.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_is_told_in_a_sentence_to_the_end(tmp_path):
    """What could not be written is tried again by whatever comes next, the end of the fit at last."""
    writer = HistoryWriter(tmp_path)
    writer.close()
    writer._file = Path("/dev/full").open("a", encoding="utf-8", buffering=1)  # noqa: SIM115
    for tried in (lambda: writer(record(1, 0.5)), writer.position, writer.close):
        with pytest.raises(OutputError, match="Is the disk full"):
            tried()


def test_a_reader_follows_and_leaves_half_a_line_for_later(tmp_path):
    history = History(tmp_path)
    assert not history.update()
    assert history.records == []
    path, line = tmp_path / HISTORY, record(1, 0.5).as_line().encode()
    path.write_bytes(line + line[:20])
    assert not history.update()
    assert len(history.records) == 1
    history.update()
    assert len(history.records) == 1
    with path.open("ab") as file:
        file.write(line[20:] + b"no record\n" + record(3, 0.25).as_line().encode())
    history.update()
    assert [each.step for each in history.records] == [1, 1, 3]


def test_a_resume_cuts_back_and_a_reader_notices(tmp_path):
    writer = HistoryWriter(tmp_path)
    writer(record(1, 3.0))
    position = writer.position()
    for step in (2, 3):
        writer(record(step, 2.0))
    writer.close()
    history = History.read(tmp_path)
    assert history.curve()[0] == [1, 2, 3]

    with (tmp_path / HISTORY).open("ab") as file:
        file.write(b'{"kind": "st')  # killed in the middle of a line
    (tmp_path / f".partial-1-{HISTORY}").write_bytes(b"")  # or while cutting back
    resumed = HistoryWriter(tmp_path, position)
    for step in (2, 3, 4, 5):
        resumed(record(step, 1.0))
    assert history.update()  # as long as before and longer, but another
    assert history.curve() == ([1, 2, 3, 4, 5], [3.0, 1.0, 1.0, 1.0, 1.0])
    assert not history.update()
    resumed.close()
    assert [path.name for path in tmp_path.iterdir()] == [HISTORY]


def test_a_fit_that_begins_anew_forgets(tmp_path):
    for _ in range(2):
        writer = HistoryWriter(tmp_path)
        writer(record(1, 3.0))
        writer.close()
    assert len(History.read(tmp_path).records) == 1


def test_ten_parts_tell_a_curve(tmp_path):
    writer = HistoryWriter(tmp_path)
    for step in range(25):
        writer(record(step + 1, float(step)))
    assert History.read(tmp_path).parts() == [1.0, 4.0, 7.0, 10.0, 13.0, 16.0, 19.0, 22.0, 24.0]
    assert History(tmp_path).parts() == []
    writer.close()
