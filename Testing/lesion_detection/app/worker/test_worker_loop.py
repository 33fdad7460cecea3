"""The worker in an asyncio loop: real child processes, callbacks in the loop's thread, and none after the end."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from LesionDetectionLib.app.worker.loop import LoopPipes
from LesionDetectionLib.app.worker.worker_engine import WorkerEngine
from LesionStandInLib.requests import Count, Do

STAND_INS = Path(__file__).parent / "stand_ins"
TALK = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"


def test_a_child_works_while_the_loop_goes_on(tmp_path):
    async def main():
        pipes = LoopPipes(asyncio.get_running_loop())
        engine = WorkerEngine(pipes.transport, paths=[STAND_INS], temporary=tmp_path, grace_s=0.1)
        threads, fractions, ended = set(), [], asyncio.Queue()

        def on_change(job):
            threads.add(threading.current_thread())
            fractions.append(job.fraction)
            if job.finished:
                ended.put_nowait(job)

        counting = engine.submit(Count(2), {}, on_change)
        assert not counting.finished
        assert (await ended.get()).result == 2
        assert fractions[-3:] == [0.5, 1.0, 1.0]
        lost = engine.submit(Do("end_abruptly", 7), {}, on_change)
        assert await ended.get() is lost
        assert "code 7" in str(lost.error)
        sleeping = engine.submit(Do("sleep_without_a_word", 60), {}, on_change)
        while not sleeping.text.startswith("Sleeping"):
            await asyncio.sleep(0.01)
        sleeping.cancel()
        assert (await ended.get()).state == "cancelled", "the timer ended what did not answer"
        assert threads == {threading.current_thread()}
        engine.close()
        pipes.close()

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_called_after_the_end():
    heard = []

    async def main():
        pipes = LoopPipes(asyncio.get_running_loop())
        transport = pipes.transport([sys.executable, "-c", TALK])
        transport.start(heard.append, heard.append, heard.append)
        transport.later(0.0, lambda: heard.append("timer"))
        cancelled = transport.later(0.0, lambda: heard.append("cancelled"))
        cancelled.cancel()
        pipes.post(lambda: heard.append("posted"))
        pipes.close()
        while transport.running:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)
        return pipes

    pipes = asyncio.run(main())
    pipes.post(lambda: heard.append("after the loop"))
    assert heard == []


def test_lines_come_before_the_end_and_timers_in_their_order():
    heard = []

    async def main():
        pipes, ended = LoopPipes(asyncio.get_running_loop()), asyncio.Event()
        pipes.transport([sys.executable, "-c", TALK]).start(
            heard.append, heard.append, lambda code: (heard.append(code), ended.set())
        )
        await ended.wait()
        missing = asyncio.Event()
        pipes.transport(["a-program-that-nobody-has"]).start(
            heard.append, lambda _line: None, lambda code: (heard.append(code), missing.set())
        )
        assert heard[-1] == 3, "not from within the call"
        await missing.wait()
        order, last = [], asyncio.Event()
        pipes.later(0.02, last.set)
        pipes.later(0.01, lambda: order.append("first"))
        await last.wait()
        assert order == ["first"]

    asyncio.run(main())
    assert sorted(heard[:2]) == ["one", "two"]
    assert heard[2:] == [3, None]


READS_LATE = """
import os, sys, time
until = time.monotonic() + 5
while not os.path.exists(sys.argv[1]) and time.monotonic() < until:
    time.sleep(0.01)
if os.path.exists(sys.argv[1]):
    print(len(sys.stdin.readline()), flush=True)
    time.sleep(60)
"""


def test_a_long_line_to_a_child_that_does_not_read_yet_holds_nobody_up(tmp_path):
    """A pipe takes 64 kB: the rest waits until the child reads, which this one does when the line was sent."""
    long, sent = "x" * 2**20, tmp_path / "sent"

    async def main():
        pipes, heard = LoopPipes(asyncio.get_running_loop()), asyncio.Queue()
        transport = pipes.transport([sys.executable, "-c", READS_LATE, str(sent)])
        transport.start(heard.put_nowait, lambda _line: None, heard.put_nowait)
        transport.send(long)
        sent.touch()
        assert await heard.get() == str(len(long) + 1)
        transport.send(long)  # never read: the end does not wait for it either
        transport.kill()
        assert not transport.running

    asyncio.run(main())
