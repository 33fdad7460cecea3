"""The worker's process over QProcess: real child processes, and Qt as Slicer's Python sees it."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import psutil
import pytest
from LesionDetectionLib.app.worker.engine import WorkerEngine

STAND_INS = Path(__file__).parents[1] / "app" / "worker" / "stand_ins"
if str(STAND_INS) not in sys.path:
    sys.path.append(str(STAND_INS))

from LesionStandInLib.requests import Count, Do, Negate  # noqa: E402

LONG = 120.0


@pytest.fixture
def transport(slicer_app):
    from LesionDetectionLib.panel.qt_worker import QtTransport

    return QtTransport


@pytest.fixture
def worker(transport, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    made = WorkerEngine(transport, python=sys.executable, paths=[STAND_INS], temporary=folder, grace_s=LONG)
    yield made
    made.close()
    assert list(folder.iterdir()) == []


@pytest.fixture
def wait(slicer_app):
    def until(condition):
        slicer_app.process_events(condition, LONG)

    return until


@pytest.fixture
def result(worker, wait):
    def of(request, images=None):
        job = worker.submit(request, images or {}, lambda job: None)
        wait(lambda: job.finished)
        assert job.state == "done", f"{job.error}\n{job.details}"
        return job.result

    return of


class Told:
    """What a transport says."""

    def __init__(self):
        self.lines, self.errors, self.ends = [], [], []

    def start(self, transport):
        transport.start(self.lines.append, self.errors.append, self.ends.append)
        return transport


def test_progress_arrives_while_the_work_goes_on(worker, wait):
    seen = []
    job = worker.submit(Count(5, 0.1), {}, lambda job: seen.append((job.state, job.fraction)))
    assert seen == [("running", 0.0)]
    wait(lambda: job.finished)
    assert seen[1:] == [*[("running", n / 5) for n in range(1, 6)], ("done", 1.0)]


def test_cancel_is_heard_and_images_come_back(worker, wait, result, make_run):
    pid = result(Do("process_id"))
    image, _ = make_run(1)
    _, back = result(Negate(), {"CT": image})
    assert (back["CT"].voxels == -image.voxels).all()
    job = worker.submit(Count(10_000, 0.05), {}, lambda job: job.fraction > 0 and job.cancel())
    wait(lambda: job.finished)
    assert job.state == "cancelled"
    assert result(Do("process_id")) == pid


def test_what_does_not_obey_is_ended(worker, wait, result):
    worker._grace_s = 0.5
    pid = result(Do("process_id"))
    job = worker.submit(Do("sleep_without_a_word", 1000.0), {}, lambda job: job.text == "Sleeping" and job.cancel())
    wait(lambda: job.finished)
    assert job.state == "cancelled"
    assert not psutil.pid_exists(pid)
    assert result(Do("process_id")) != pid


def test_a_killed_process_costs_one_request(worker, wait, result):
    pid = result(Do("process_id"))
    job = worker.submit(Count(10_000, 0.05), {}, lambda job: None)
    after = worker.submit(Do("process_id"), {}, lambda job: None)
    psutil.Process(pid).kill()
    wait(lambda: after.finished)
    assert "ended unexpectedly (code -9)" in str(job.error)
    assert after.result != pid


def test_last_words_come_before_the_end(worker, wait):
    job = worker.submit(Do("end_abruptly", 3), {}, lambda job: None)
    wait(lambda: job.finished)
    assert "(code 3)" in str(job.error)
    assert job.details.endswith("About to end")


def test_images_and_long_results(result, make_run):
    image, _ = make_run(1)
    assert result(Do("add_up"), {"CT": image}) == {"CT": float(image.voxels.sum(dtype=float))}
    assert result(Do("a_long_answer", 3_000_000)) == "x" * 3_000_000


def test_close_ends_the_process_at_once(worker, wait, result):
    pid = result(Do("process_id"))
    job = worker.submit(Do("sleep_without_a_word", 1000.0), {}, lambda job: None)
    worker.close()
    assert not psutil.pid_exists(pid)
    assert job.state == "cancelled"
    wait(lambda: True)


def test_a_dialog_in_a_callback_stops_nothing(worker, wait, slicer_app):
    """A callback that opens an event loop of its own sees the rest of the progress in it."""
    depth, seen = [], []

    def on_change(job):
        seen.append((job.state, job.fraction))
        if job.fraction > 0 and not depth:
            depth.append(1)
            slicer_app.process_events(lambda: job.finished, LONG)

    job = worker.submit(Count(4, 0.05), {}, on_change)
    wait(lambda: job.finished)
    assert seen[1:] == [*[("running", n / 4) for n in range(1, 5)], ("done", 1.0)]


def test_a_callback_may_close_the_engine(worker, wait):
    job = worker.submit(Count(10_000, 0.05), {}, lambda job: job.fraction > 0 and worker.close())
    wait(lambda: job.finished)
    wait(lambda: True)
    assert job.state == "cancelled"


def test_a_program_that_is_not_there(transport, wait):
    told = Told()
    made = told.start(transport([str(Path(__file__).with_name("no-such-program"))]))
    wait(lambda: told.ends)
    assert told.ends == [None]
    assert told.errors != [""]
    assert not made.running
    made.send("nobody hears this")
    made.kill()


def test_lines_codes_and_the_last_line_without_an_end(transport, wait):
    told = Told()
    code = (
        "import sys; print(sys.stdin.readline() + 'ü'); print('e', file=sys.stderr); print('last', end=''); sys.exit(7)"
    )
    made = told.start(transport([sys.executable, "-X", "utf8", "-c", code]))
    made.send('{"a": 1}')
    assert made.running
    wait(lambda: told.ends)
    assert (told.lines, told.errors, told.ends) == (['{"a": 1}', "ü", "last"], ["e"], [7])


def test_nothing_is_said_after_kill(transport, wait):
    told = Told()
    made = told.start(transport([sys.executable, "-u", "-c", "import itertools\nfor n in itertools.count(): print(n)"]))
    wait(lambda: told.lines)
    made.kill()
    heard = len(told.lines)
    time.sleep(0.1)
    wait(lambda: True)
    assert (len(told.lines), told.ends, made.running) == (heard, [], False)


def test_a_timer_can_be_taken_back(transport, wait):
    made, called = transport(["none"]), []
    made.later(0.05, lambda: called.append("taken back")).cancel()
    made.later(0.1, lambda: called.append("kept"))
    wait(lambda: called)
    assert called == ["kept"]


def test_an_error_in_one_callback_does_not_lose_the_next(transport, wait, slicer_app):
    made, lines = transport([sys.executable, "-c", "print('one'); print('two')"]), []

    def on_line(line):
        lines.append(line)
        if line == "one":
            raise RuntimeError("meant")

    ends = []
    made.start(on_line, logging.error, ends.append)
    wait(lambda: ends)
    assert lines == ["one", "two"]
    assert "meant" in "".join(slicer_app.problems.take())
