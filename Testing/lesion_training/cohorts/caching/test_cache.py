"""What was made once is found again, by content and settings; what is damaged is made anew; nothing is half there."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.caching import Cache, Content, Maker, entries
from LesionTrainingLib.cohorts.caching.entries import DESCRIPTION


@dataclass(frozen=True)
class Settings:
    spacing_mm: float = 1.0


def test_what_was_made_is_found_again(cache, case, cached_cases, tmp_path):
    first = cache.get(case, Settings(), cached_cases.GOOD)
    second = Cache(cache.folder).get(case, Settings(), cached_cases.GOOD)
    assert cached_cases.made(tmp_path) == ["a"]
    assert first.key == second.key
    assert np.array_equal(second.arrays["ones"], np.ones(25_000, np.float32))
    assert second.arrays["places"].shape == (0, 3)
    assert second.values == {"text": "plain"}
    assert 100_000 < cache.size_bytes() < 102_000


def test_arrays_come_back_as_they_were(cache, case):
    random = np.random.default_rng(0)
    arrays = {
        "large": random.integers(-1000, 400, (60, 100, 120)).astype(np.int16),
        "columns_first": np.asfortranarray(random.random((3, 4, 5))),
        "mask": random.random((7, 7)) > 0.5,
        "one-number": np.array(2.5, np.float16),
        "every_second": random.random(100)[::2],
        "records": np.array([(1, 2.0)], dtype=[("index", "<i4"), ("score", "<f8")]),
        "words": np.array(["lung", "vessel"]),
        "swapped": np.arange(5, dtype=">i4"),
    }
    found = cache.get(case, None, Maker("arrays", 1, lambda *_: Content(arrays))).arrays
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert np.array_equal(found[name], array)
    assert isinstance(found["large"], np.memmap)
    assert not found["large"].flags.writeable
    with pytest.raises(KeyError):
        found["../entry"]


@pytest.mark.parametrize("arrays", [{"objects": np.array([{}])}, {"../outside": np.zeros(1)}])
def test_what_cannot_be_kept_is_refused(cache, case, arrays):
    with pytest.raises(ValueError, match="cache"):
        cache.get(case, None, Maker("arrays", 1, lambda *_: Content(arrays)))
    assert list((cache.folder / "entries").iterdir()) == []


def test_a_change_of_anything_is_another_entry(cache, case, cached_cases):
    good = cached_cases.GOOD
    keys = {cache.get(case, Settings(), good).key}
    keys.add(cache.get(case, Settings(2.0), good).key)
    keys.add(cache.get(case, None, good).key)
    keys.add(cache.get(case, Settings(), replace(good, version=2)).key)
    keys.add(cache.get(case, Settings(), replace(good, name="twos")).key)
    keys.add(cache.get(replace(case, window=(0.0, 2.0)), Settings(), good).key)
    case.path.write_text("other")
    keys.add(cache.get(case, Settings(), good).key)
    assert len(keys) == 7


def test_the_same_files_elsewhere_are_the_same_entry(cache, case, cached_cases, tmp_path):
    (tmp_path / "moved").mkdir()
    moved = replace(case, path=case.path.rename(tmp_path / "moved" / case.path.name))
    case.path.write_text("plain")
    assert cache.get(case, None, cached_cases.GOOD).key == cache.get(moved, None, cached_cases.GOOD).key


@pytest.mark.parametrize("damage", ["cut", "missing", "no description", "no json", "other json", "empty folder"])
def test_a_damaged_entry_is_made_anew(cache, case, cached_cases, tmp_path, damage):
    folder = cache.get(case, None, cached_cases.GOOD).folder
    (folder / "stray.npy").touch()
    if damage == "cut":
        os.truncate(folder / "ones.npy", 5000)
    elif damage == "missing":
        (folder / "places.npy").unlink()
    elif damage == "no description":
        (folder / DESCRIPTION).unlink()
    elif damage == "empty folder":
        for path in folder.iterdir():
            path.unlink()
    else:
        (folder / DESCRIPTION).write_text('{"format": ' if damage == "no json" else "[1, 2]")
    again = cache.get(case, None, cached_cases.GOOD)
    assert np.array_equal(again.arrays["ones"], np.ones(25_000))
    assert cached_cases.made(tmp_path) == ["a", "a"]
    assert sorted(path.name for path in again.folder.iterdir()) == [DESCRIPTION, "ones.npy", "places.npy"]
    assert [path.name for path in (cache.folder / "entries").iterdir()] == [again.key]


def test_changed_bytes_are_seen_by_who_looks_for_them(cache, case, cached_cases):
    path = cache.get(case, None, cached_cases.GOOD).folder / "ones.npy"
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x00")
    assert cache.get(case, None, cached_cases.GOOD).arrays["ones"][-1] != 1
    assert Cache(cache.folder, verify=True).get(case, None, cached_cases.GOOD).arrays["ones"][-1] == 1


def test_the_description_tells_people_what_it_is(cache, case, cached_cases):
    entry = cache.get(case, Settings(), cached_cases.GOOD)
    told = json.loads((entry.folder / DESCRIPTION).read_text())
    assert (told["case"], told["maker"], told["settings"]) == ("a", "ones", "Settings(spacing_mm=1.0)")


def test_a_full_disk(cache, case, cached_cases, monkeypatch):
    whole = entries._write_array

    def on_a_full_disk(path, array):
        if path.stem == "places":
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, array)

    monkeypatch.setattr(entries, "_write_array", on_a_full_disk)
    with pytest.raises(OutputError, match="disk is full"):
        cache.get(case, None, cached_cases.GOOD)
    assert list((cache.folder / "entries").iterdir()) == []
    assert list((cache.folder / "locks").iterdir()) == []
    monkeypatch.undo()
    assert cache.get(case, None, Maker("ones", 1, lambda *_: Content({"one": np.ones(1)}))).arrays["one"] == 1


def test_a_folder_that_cannot_be_a_cache(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cache"):
        Cache(tmp_path / "file" / "cache")


def test_errors_of_the_case_go_through(cache, tmp_path, cached_cases):
    with pytest.raises(InputError, match="no lungs"):
        cache.get(cached_cases.file_case(tmp_path, "b", "bad"), None, cached_cases.GOOD)
    gone = cached_cases.file_case(tmp_path, "c")
    gone.path.unlink()
    with pytest.raises(InputError, match="is missing"):
        cache.get(gone, None, cached_cases.GOOD)


def test_cancelled_while_it_is_made(cache, case, cached_cases):
    progress = Progress()
    stop = Progress(lambda fraction, _: progress.cancel() if fraction == 0.5 else progress(fraction))
    with pytest.raises(Cancelled):
        cache.get(case, None, cached_cases.GOOD, Progress(lambda fraction, _: (stop(fraction), progress(fraction))))
    assert list((cache.folder / "entries").iterdir()) == []


def test_more_mapped_arrays_than_open_files_are_allowed(cache, case):
    resource = pytest.importorskip("resource")
    entry = cache.get(case, None, Maker("large", 1, lambda *_: Content({"large": np.ones(300_000)})))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        arrays = [entry.arrays["large"] for _ in range(200)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert isinstance(arrays[-1], np.memmap)
    assert sum(array[0] for array in arrays) == 200
