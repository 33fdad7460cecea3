"""Keys differ when their parts do, and files are read once."""

from __future__ import annotations

import enum
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.cohorts.caching import keys
from LesionTrainingLib.cohorts.caching.keys import SourceDigests, digest_of, key_of, plain


class Colour(enum.Enum):
    RED = 1


@dataclass(frozen=True)
class Inner:
    a: float = 0.1


@dataclass(frozen=True)
class Other:
    a: float = 0.1


def test_different_values_have_different_keys():
    different = [
        1, 1.5, "1", None, True, [1], [[1]], {"a": 1}, {"a": 2}, {"b": 1}, Inner(), Inner(0.2), Other(), Colour.RED,
        float("nan"), float("inf"), np.zeros(3), np.zeros(3, int), np.zeros((3, 1)), np.ones(3), Path("x/y"), {1, 2}, (),
    ]  # fmt: skip
    assert len({key_of(value) for value in different}) == len(different)
    assert key_of(1, 2) != key_of([1, 2])


def test_the_same_in_another_form_has_the_same_key():
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of((1, 2)) == key_of([1, 2])
    assert key_of(np.float64(0.1)) == key_of(0.1)
    assert key_of({3, 1, 2}) == key_of({2, 3, 1})
    assert key_of(np.arange(6).reshape(2, 3).T) == key_of(np.arange(6).reshape(2, 3).T.copy())


def test_a_key_is_the_same_for_ever():
    """An update of the program must not make all caches worthless without anybody noticing."""
    assert key_of("nodule-ct-scan", 1, {"spacing": (0.75, 1.25)}) == "e8b6e34072672a75e81930cc1f1127dc"


def test_what_cannot_be_told_is_refused():
    with pytest.raises(TypeError, match="cannot be part"):
        plain(lambda: None)


@pytest.fixture
def old_files(tmp_path):
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.raw", "a.mhd", "deep/c.dcm"):
        (folder / name).write_text(name)
        os.utime(folder / name, (1e9, 1e9))
    return folder


@pytest.fixture
def read(monkeypatch):
    """Names of the files that were read."""
    names = []
    monkeypatch.setattr(keys, "digest_of", lambda path, check: (names.append(path.name), digest_of(path, check))[1])
    return names


def test_each_file_is_read_once(old_files, tmp_path, read):
    memory = tmp_path / "digests.jsonl"
    first = SourceDigests(memory).of([old_files])
    assert [name for name, _ in first] == ["a.mhd", "b.raw", "deep/c.dcm"]
    assert read == ["a.mhd", "b.raw", "c.dcm"]
    assert SourceDigests(memory).of([old_files]) == first
    assert len(read) == 3
    (old_files / "b.raw").write_text("B.raw")
    os.utime(old_files / "b.raw", (2e9, 1e9 + 1))
    assert SourceDigests(memory).of([old_files], hashing=False) is None
    assert SourceDigests(memory).of([old_files]) != first
    assert read[3:] == ["b.raw"]


def test_what_another_process_read_is_known(old_files, tmp_path, read):
    one, two = (SourceDigests(tmp_path / "digests.jsonl") for _ in range(2))
    two.of([])
    assert two.of([old_files]) is not None
    assert one.of([old_files]) == two.of([old_files])
    assert len(read) == 3


def test_a_file_that_has_just_changed_is_not_remembered(old_files, tmp_path, read):
    """Written again within the same tick, it would look as it did."""
    now = time.time()
    for text in ("one", "two"):
        (old_files / "b.raw").write_text(text)
        os.utime(old_files / "b.raw", (now, now))
        digests = dict(SourceDigests(tmp_path / "digests.jsonl").of([old_files / "b.raw"]))
        assert digests == {"b.raw": digest_of(old_files / "b.raw")}
    assert len(read) == 2


def test_a_cut_off_line_is_skipped(old_files, tmp_path, read):
    memory = tmp_path / "digests.jsonl"
    SourceDigests(memory).of([old_files / "a.mhd"])
    memory.write_text(memory.read_text() + '["half a li')
    SourceDigests(memory).of([old_files / "b.raw"])
    assert SourceDigests(memory).of([old_files / "a.mhd", old_files / "b.raw"], hashing=False) is not None
    memory.write_text(memory.read_text() + "\n7\n[1, 2]\n" + json.dumps("text") + "\n")
    assert SourceDigests(memory).of([old_files / "a.mhd"], hashing=False) is not None


def test_a_missing_source(tmp_path):
    with pytest.raises(InputError, match="is missing"):
        SourceDigests(tmp_path / "digests.jsonl").of([tmp_path / "nowhere"])
