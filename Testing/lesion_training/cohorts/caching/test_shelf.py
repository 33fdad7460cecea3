"""The cache stays within its limit: what was not used for longest goes, what is in use stays."""

from __future__ import annotations

import gc
import os
import time

import pytest
from LesionDetectionLib.core.errors import OutputError
from LesionTrainingLib.cohorts.caching import Cache

ENTRY_BYTES = 102_000


@pytest.fixture
def small(tmp_path):
    """A cache with room for three entries."""
    return Cache(tmp_path / "cache", 3 * ENTRY_BYTES)


@pytest.fixture
def get(small, tmp_path, cached_cases):
    """``get("name")`` -> the entry of a case of that name."""
    return lambda name: small.get(cached_cases.file_case(tmp_path, name), None, cached_cases.GOOD)


def age(entry, seconds):
    """Make it look as if it had been used so long ago."""
    then = time.time() - seconds
    os.utime(entry.folder / "entry.json", (then, then))


def test_the_least_recently_used_goes_first(small, get, tmp_path, cached_cases):
    for name, seconds in (("a", 300), ("b", 200), ("c", 100)):
        age(get(name), seconds)
    get("a")
    get("d")
    assert small.size_bytes() <= small.limit_bytes
    for name in ("a", "c", "d"):
        get(name)
    assert cached_cases.made(tmp_path) == ["a", "b", "c", "d"]
    get("b")
    assert cached_cases.made(tmp_path)[4:] == ["b"]


def test_what_is_in_use_stays(get):
    used = get("a")
    age(used, 300)
    for name in "bcdef":
        get(name)
    assert used.arrays["ones"].sum() == 25_000


def test_no_room_is_said_and_nothing_goes_for_it(small, get, tmp_path, cached_cases):
    kept = [get(name) for name in "ab"]
    get("c")
    small._shelf._limit = 2 * ENTRY_BYTES
    with pytest.raises(OutputError, match="Raise its limit"):
        get("d")
    get("c")
    assert cached_cases.made(tmp_path) == ["a", "b", "c", "d"]
    assert not list((small.folder / "entries").glob(".*"))
    del kept
    gc.collect()
    assert get("d").arrays["ones"].sum() == 25_000


def test_an_entry_that_is_larger_than_the_limit(tmp_path, cached_cases):
    with pytest.raises(OutputError, match=r"may hold 0.01 MB.*0.101 MB more"):
        Cache(tmp_path / "cache", 10_000).get(cached_cases.file_case(tmp_path), None, cached_cases.GOOD)


def test_what_another_process_uses_stays_until_it_is_killed(small, get, tmp_path, another_process, until, cached_cases):
    names = "abc"
    for name in names:
        age(get(name), 300)
    other = another_process(
        f"cache = Cache(Path({str(small.folder)!r}))\n"
        f"held = [cache.get(file_case({str(tmp_path)!r}, name), None, GOOD) for name in {names!r}]\n"
        "print('held', flush=True); time.sleep(60)"
    )
    assert other.stdout.readline() == "held\n"
    assert cached_cases.made(tmp_path) == ["a", "b", "c"]
    with pytest.raises(OutputError, match="in use"):
        get("d")
    other.kill()
    other.wait()
    assert get("d").values == {"text": "plain"}
    assert small.size_bytes() <= small.limit_bytes
    assert len(list((small.folder / "users").glob("*.lock"))) == 1


def test_a_cache_that_is_gone_uses_nothing(tmp_path, cached_cases):
    case = cached_cases.file_case(tmp_path)
    entry = Cache(tmp_path / "cache").get(case, None, cached_cases.GOOD)
    gc.collect()
    assert len(list((tmp_path / "cache" / "users").iterdir())) == 2
    del entry
    gc.collect()
    assert list((tmp_path / "cache" / "users").iterdir()) == []
