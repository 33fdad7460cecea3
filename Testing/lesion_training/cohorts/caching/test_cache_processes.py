"""Real processes on one cache: they wait for each other, are killed, and leave nothing that hurts."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, OutputError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.caching import Cache, locks
from LesionTrainingLib.cohorts.caching.locks import FileLock
from LesionTrainingLib.cohorts.caching.workers import Died, work_in_processes


def getting(folder, case, maker="GOOD"):
    """Code that gets the entry of a case and prints its sum."""
    return (
        f"case = existing_case({str(case.path.parent)!r}, {case.id!r})\n"
        f"print(Cache(Path({str(folder)!r})).get(case, None, {maker}).arrays['ones'].sum())"
    )


def test_what_one_makes_the_others_wait_for(cache, tmp_path, another_process, cached_cases):
    case = cached_cases.file_case(tmp_path, "a", "slow")
    others = [another_process(getting(cache.folder, case)) for _ in range(3)]
    assert [other.communicate()[0] for other in others] == ["25000.0\n"] * 3
    assert cached_cases.made(tmp_path) == ["a"]


def test_threads_wait_for_each_other_too(cache, tmp_path, cached_cases):
    case, sums = cached_cases.file_case(tmp_path, "a", "slow"), []
    work = [
        threading.Thread(target=lambda: sums.append(cache.get(case, None, cached_cases.GOOD).arrays["ones"].sum()))
        for _ in range(3)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sums == [25_000] * 3
    assert cached_cases.made(tmp_path) == ["a"]


@pytest.mark.parametrize("maker", ["STUCK", "ENDLESS"])
def test_a_maker_killed_in_the_middle_blocks_nobody(cache, case, tmp_path, another_process, until, maker, cached_cases):
    other = another_process(getting(cache.folder, case, maker))
    until(lambda: (tmp_path / "stuck").exists())
    if maker == "STUCK":
        (partial,) = (cache.folder / "entries").iterdir()
        assert (partial / "first.npy").stat().st_size > 100_000
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert cache.get(case, None, cached_cases.GOOD).arrays["ones"].sum() == 25_000
    assert len(list((cache.folder / "entries").iterdir())) == 1
    assert list((cache.folder / "locks").iterdir()) == []


def test_a_wait_can_be_cancelled(cache, case, tmp_path, another_process, until, cached_cases):
    another_process(getting(cache.folder, case, "ENDLESS"))
    until(lambda: (tmp_path / "stuck").exists())
    progress = Progress()
    threading.Timer(0.2, progress.cancel).start()
    with pytest.raises(Cancelled):
        cache.get(case, None, cached_cases.GOOD, progress)


def test_many_processes_in_a_cache_that_is_too_small(tmp_path, another_process, cached_cases):
    """Entries come and go all the time; whoever holds one can read it."""
    code = f"""
import random
cache = Cache(Path({str(tmp_path / "cache")!r}), 720_000)
for turn in range(40):
    name = random.Random(turn * SEED).choice("abcdefgh")
    entry = cache.get(existing_case({str(tmp_path)!r}, name), None, GOOD)
    assert entry.arrays["ones"].sum() == 25_000 and entry.arrays["places"].shape == (0, 3)
print("well")
"""
    for name in "abcdefgh":
        cached_cases.file_case(tmp_path, name)
    others = [another_process(code.replace("SEED", str(seed))) for seed in (3, 5, 7)]
    assert [other.communicate()[0] for other in others] == ["well\n"] * 3
    cache = Cache(tmp_path / "cache")
    assert cache.size_bytes() <= 720_000
    cache.tidy()
    assert not list((cache.folder / "entries").glob(".*"))


class TestPreparingAll:
    @pytest.fixture
    def cases(self, tmp_path, cached_cases):
        texts = ["plain", "bad", "plain", "kill", "bug", "plain"]
        return [cached_cases.file_case(tmp_path, f"case{n}", text) for n, text in enumerate(texts)]

    def test_bad_cases_are_listed_and_the_rest_goes_on(self, cache, cases, cached_cases, tmp_path):
        told = []
        progress = Progress(lambda fraction, text: told.append((fraction, text)))
        entries, left_out = cache.prepare_all(cases, None, cached_cases.GOOD, 2, progress)
        assert [case.id for case, _ in entries] == ["case0", "case2", "case5"]
        assert all(np.all(entry.arrays["ones"] == 1) for _, entry in entries)
        assert [left.case for left in left_out] == ["case1", "case3", "case4"]
        assert left_out[0].reason == "It has no lungs."
        assert "was killed" in left_out[1].reason
        assert "ZeroDivisionError" in left_out[2].reason
        assert told[-1] == (1.0, "Prepared 6 of 6 cases")
        fractions = [fraction for fraction, _ in told]
        assert fractions == sorted(fractions)

    def test_what_is_there_is_not_made_again(self, cache, cases, cached_cases, tmp_path):
        for processes in (1, 2):
            entries, left_out = cache.prepare_all(cases[:3], None, cached_cases.GOOD, processes)
            assert (len(entries), len(left_out)) == (2, 1)
        assert sorted(cached_cases.made(tmp_path)) == ["case0", "case2"]
        assert cache.prepare_all([], None, cached_cases.GOOD, 2) == ([], [])

    @pytest.mark.parametrize("processes", [1, 2])
    def test_cancelled_it_keeps_what_was_made(self, cache, tmp_path, cached_cases, processes):
        cases = [cached_cases.file_case(tmp_path, f"case{n}") for n in range(6)]
        progress = Progress()
        report = Progress(lambda fraction, _: progress.cancel() if fraction >= 0.3 else None)
        progress._report = lambda fraction, text: report(fraction, text)
        with pytest.raises(Cancelled):
            cache.prepare_all(cases, None, cached_cases.GOOD, processes, progress)
        so_far = len(list((cache.folder / "entries").glob("[!.]*")))
        assert 2 <= so_far < 6
        entries, _ = cache.prepare_all(cases, None, cached_cases.GOOD, processes)
        assert len(entries) == 6
        assert len(cached_cases.made(tmp_path)) <= 6 + processes

    @pytest.mark.parametrize("processes", [1, 2])
    def test_no_room_stops_it(self, tmp_path, cached_cases, processes):
        cases = [cached_cases.file_case(tmp_path, f"case{n}") for n in range(4)]
        with pytest.raises(OutputError, match="Raise its limit"):
            Cache(tmp_path / "cache", 250_000).prepare_all(cases, None, cached_cases.GOOD, processes)
        assert Cache(tmp_path / "cache").size_bytes() <= 250_000

    def test_ended_at_once_when_cancelled(self, cache, tmp_path, cached_cases):
        cases = [cached_cases.file_case(tmp_path, f"case{n}") for n in range(2)]
        start, progress = time.monotonic(), Progress()
        threading.Timer(1.0, progress.cancel).start()
        with pytest.raises(Cancelled):
            cache.prepare_all(cases, None, cached_cases.STUCK, 2, progress)
        assert time.monotonic() - start < 20  # a maker would sleep for 60
        assert list((cache.folder / "entries").iterdir()) == []


def test_workers_give_every_result_once():
    assert sorted(work_in_processes(abs, [-1, 2, -3, 4, -5], 2, lambda: None)) == [
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
    ]
    assert list(work_in_processes(abs, [], 2, lambda: None)) == []


def test_a_worker_that_dies_costs_its_item_only(cached_cases):
    results = dict(work_in_processes(cached_cases.die_of_odd, list(range(6)), 2, lambda: None))
    assert {index for index, result in results.items() if isinstance(result, Died)} == {1, 3, 5}
    assert {results[index] for index in (0, 2, 4)} == {0, 2, 4}


def test_a_lock_keeps_processes_apart(tmp_path, another_process):
    """Each adds one to a number so and so often; the lock's file comes and goes."""
    code = f"""
from LesionTrainingLib.cohorts.caching.locks import FileLock
lock, number = FileLock(Path({str(tmp_path / "lock")!r})), Path({str(tmp_path / "number")!r})
for _ in range(150):
    with lock.held(remove=True):
        number.write_text(str(int(number.read_text()) + 1))
"""
    (tmp_path / "number").write_text("0")
    for other in [another_process(code) for _ in range(3)]:
        assert other.wait() == 0
    assert (tmp_path / "number").read_text() == "450"


def test_a_lock_file_alone_locks_nothing(tmp_path):
    (tmp_path / "lock").touch()
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert lock.try_acquire()
    assert not other.try_acquire()
    with pytest.raises(ZeroDivisionError):
        other.acquire(lambda: 1 / 0)
    lock.release()
    assert other.try_acquire()
    other.release(remove=True)
    assert not (tmp_path / "lock").exists()


def test_a_lock_on_a_file_that_was_just_removed_is_none(tmp_path, monkeypatch):
    """Its holder may remove it between our opening and locking it: whoever comes next would lock another file."""
    path, real = tmp_path / "lock", locks._lock

    def removed_meanwhile(file):
        monkeypatch.setattr(locks, "_lock", real)
        path.unlink()
        return real(file)

    monkeypatch.setattr(locks, "_lock", removed_meanwhile)
    lock = FileLock(path)
    assert lock.try_acquire()
    assert not FileLock(path).try_acquire()
