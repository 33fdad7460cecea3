"""Checkpoints appear whole, two are kept, and what is not what was written is not read."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch
from LesionDetectionLib.core.errors import InputError, OutputError
from LesionTrainingLib.learning.engine import checkpoints
from LesionTrainingLib.learning.engine.checkpoints import (
    CHECKPOINTS,
    STATE,
    TENSORS,
    Checkpoint,
    has_checkpoint,
    pack,
    read_checkpoint,
    unpack,
    write_checkpoint,
)


def example(value=1.0):
    tied = torch.full((2, 3), value)
    tensors = {
        "a": tied,
        "tied": tied,
        "turned": torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "half": torch.tensor([value], dtype=torch.bfloat16),
        "count": torch.tensor(3),
        "empty": torch.zeros(0, 2),
        "flags": torch.tensor([True, False]),
    }
    return Checkpoint({"value": value, "tiny": 5e-324, "third": 1 / 3}, tensors)


def places(folder):
    return sorted(path.name for path in (folder / CHECKPOINTS).iterdir())


def test_what_is_written_is_read(tmp_path):
    write_checkpoint(tmp_path, 5, 0, example())
    found, notes = read_checkpoint(tmp_path)
    assert notes == []
    assert found.values.items() >= example().values.items()
    for name, tensor in example().tensors.items():
        assert torch.equal(found.tensors[name], tensor)
        assert found.tensors[name].dtype == tensor.dtype
    sent = unpack(*pack(found))
    assert sent.values == found.values
    assert all(torch.equal(sent.tensors[name], found.tensors[name]) for name in found.tensors)


def test_the_last_two_are_kept(tmp_path):
    assert not has_checkpoint(tmp_path)
    assert read_checkpoint(tmp_path) == (None, [])
    for step, validated in ((5, 0), (10, 0), (10, 10), (15, 10)):
        write_checkpoint(tmp_path, step, validated, example(step + validated))
    assert places(tmp_path) == ["step-00000010-00000010", "step-00000015-00000010"]
    assert read_checkpoint(tmp_path)[0].values["value"] == 25
    write_checkpoint(tmp_path, 12, 10, example(7))  # a run that went on from step 10
    assert places(tmp_path) == ["step-00000010-00000010", "step-00000012-00000010"]
    assert has_checkpoint(tmp_path)


def change(path, of, to):
    path.write_bytes(path.read_bytes().replace(of, to, 1))


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: change(place / STATE, b'"value": 2.0', b'"value": 3.0'),
        lambda place: (place / STATE).write_text("[1]"),
        lambda place: (place / STATE).write_bytes((place / STATE).read_bytes()[:-40]),
        lambda place: (place / TENSORS).write_bytes((place / TENSORS).read_bytes()[:-1]),
        lambda place: change(place / TENSORS, b"\x00\x00\x00\x40", b"\x00\x00\x00\x41"),
        lambda place: (place / TENSORS).unlink(),
        lambda place: (place / STATE).unlink(),
    ],
    ids=["edited", "foreign", "cut state", "cut tensors", "a bit", "no tensors", "no state"],
)
def test_a_damaged_one_gives_way_to_the_one_before(tmp_path, damage):
    write_checkpoint(tmp_path, 5, 0, example(1.0))
    write_checkpoint(tmp_path, 10, 0, example(2.0))
    damage(tmp_path / CHECKPOINTS / "step-00000010-00000000")
    found, notes = read_checkpoint(tmp_path)
    assert found.values["value"] == 1.0
    assert len(notes) == 1
    assert "step-00000010-00000000 is damaged" in notes[0]
    write_checkpoint(tmp_path, 10, 0, example(4.0))
    assert read_checkpoint(tmp_path)[0].values["value"] == 4.0


def test_one_of_a_newer_program_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SCHEMA_VERSION", 99)
    write_checkpoint(tmp_path, 5, 0, example())
    monkeypatch.undo()
    with pytest.raises(InputError, match="another version of this program"):
        read_checkpoint(tmp_path)


def test_a_write_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, 5, 0, example())

    def full(tensors, path):
        raise safetensors.SafetensorError("No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(OutputError, match="Is the disk full"):
        write_checkpoint(tmp_path, 10, 0, example())
    assert places(tmp_path) == ["step-00000005-00000000"]


def test_what_a_killed_run_left_half_written_goes(tmp_path):
    left = tmp_path / CHECKPOINTS / ".partial-step-00000005-00000000-abc"
    left.mkdir(parents=True)
    (left / TENSORS).write_bytes(b"half")
    assert read_checkpoint(tmp_path) == (None, [])
    write_checkpoint(tmp_path, 5, 0, example())
    assert places(tmp_path) == ["step-00000005-00000000"]


def test_the_state_is_plain_json(tmp_path):
    write_checkpoint(tmp_path, 5, 0, example())
    assert json.loads((tmp_path / CHECKPOINTS / "step-00000005-00000000" / STATE).read_text())["third"] == 1 / 3
