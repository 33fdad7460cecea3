"""The engine against a process that says what the test wants, at once: order, cancel, crashes, and its end."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib import __version__
from LesionDetectionLib.app.worker.requests import DetectRequest, DevicesRequest, MeasureRequest
from LesionDetectionLib.app.worker.worker_engine import WorkerEngine
from LesionDetectionLib.core.errors import InputError, LesionDetectionError, OutputError, UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion
from LesionStandInLib.requests import Count

from .fake_transport import FakeTransport, Seen


def test_nothing_is_started_or_written_before_it_is_needed(engine, processes, tmp_path):
    assert processes == []
    assert list(tmp_path.iterdir()) == []


def test_one_after_the_other(engine, processes):
    seen = Seen()
    first, second = engine.submit(Count(2), {}, seen), engine.submit(Count(3), {})
    (process,) = processes
    assert process.command[1] == "-u"
    assert process.sent == [
        {"id": 1, "request": "LesionStandInLib.requests:Count", "values": {"steps": 2, "seconds": 0.0}, "images": {}}
    ]
    process.answer(ready=__version__)
    process.answer(id=1, progress=0.5, text="Half")
    process.answer(id=1, done=2)
    assert seen == [("running", 0, "Starting"), ("running", 0.5, "Half"), ("done", 1.0, "Half")]
    assert (first.result, second.state, second.text) == (2, "running", "")
    assert process.sent[-1]["values"]["steps"] == 3
    process.answer(id=2, failed={"kind": "InputError", "text": "No lungs."}, details="")
    assert second.state == "failed"
    assert type(second.error) is InputError
    assert str(second.error) == "No lungs."
    assert len(processes) == 1


def test_errors_of_unknown_kinds_are_still_told(engine, processes):
    for kind in ("NoSuchError", "annotations", "__name__", 7):
        job = engine.submit(Count(1), {})
        processes[0].answer(id=job.id, failed={"kind": kind, "text": "Told."}, details="trace")
        assert (type(job.error), str(job.error), job.details) == (LesionDetectionError, "Told.", "trace")


def test_images_are_written_once(engine, processes, tmp_path, make_run):
    image, _ = make_run(1)
    for _ in range(2):
        engine.submit(Count(1), {"CT": image})
        processes[0].answer(id=len(processes[0].sent), done=1)
    names = [message["images"]["CT"] for message in processes[0].sent]
    assert names[0] == names[1]
    (folder,) = tmp_path.iterdir()
    assert processes[0].command[processes[0].command.index("--folder") + 1] == str(folder)
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [names[0]]


def test_an_image_that_cannot_be_written_fails_its_request_only(engine, processes, make_run, monkeypatch):
    from LesionDetectionLib.app.worker import worker_engine

    image, _ = make_run(1)
    monkeypatch.setattr(
        worker_engine.ImageFiles, "name_of", lambda *_: (_ for _ in ()).throw(OutputError("The disk is full."))
    )
    failed, done = engine.submit(Count(1), {"CT": image}), engine.submit(Count(1), {})
    assert str(failed.error) == "The disk is full."
    processes[0].answer(id=2, done=1)
    assert done.state == "done"


def test_where_temporary_files_cannot_be_written(processes, tmp_path):
    engine = WorkerEngine(FakeTransport, temporary=tmp_path / "missing")
    job = engine.submit(Count(1), {})
    assert isinstance(job.error, OutputError)
    assert "Temporary files cannot be written" in str(job.error)
    (tmp_path / "missing").mkdir()
    assert engine.submit(Count(1), {}).state == "running"
    engine.close()


def test_cancel_of_a_waiting_request(engine, processes):
    seen = Seen()
    first, second, third = engine.submit(Count(1), {}), engine.submit(Count(2), {}, seen), engine.submit(Count(3), {})
    second.cancel()
    assert seen == [("cancelled", 0, "")]
    assert first.state == "running"
    processes[0].answer(id=1, done=1)
    assert third.state == "running"
    assert [message["id"] for message in processes[0].sent] == [1, 3]


def test_cancel_of_the_running_request(engine, processes):
    seen = Seen()
    job = engine.submit(Count(1), {}, seen)
    job.cancel()
    job.cancel()
    assert job.state == "cancelling"
    assert processes[0].sent[1:] == [{"cancel": 1}]
    processes[0].answer(id=1, cancelled=True)
    assert [state for state, *_ in seen] == ["running", "cancelling", "cancelled"]
    assert processes[0].timers[0].cancelled
    assert not processes[0].killed


def test_a_result_that_comes_after_the_cancel_is_not_wanted(engine, processes):
    job = engine.submit(Count(1), {})
    job.cancel()
    processes[0].answer(id=1, done=1)
    assert (job.state, job.result, job.error) == ("cancelled", None, None)


@pytest.mark.parametrize("answer", [{"failed": {"kind": "InputError", "text": "x"}, "details": ""}, None])
def test_an_error_or_crash_after_the_cancel_is_a_cancel(engine, processes, answer):
    job = engine.submit(Count(1), {})
    job.cancel()
    processes[0].end(-9) if answer is None else processes[0].answer(id=1, **answer)
    assert (job.state, job.error) == ("cancelled", None)


def test_a_cancel_that_is_not_obeyed_ends_the_process(engine, processes):
    job, waiting = engine.submit(Count(1), {}), engine.submit(Count(2), {})
    job.cancel()
    (timer,) = processes[0].timers
    assert timer.seconds == 5.0
    timer.call()
    assert processes[0].killed
    assert (job.state, waiting.state, len(processes)) == ("cancelled", "running", 2)
    processes[0].answer(id=2, done=0)
    processes[0].end(-9)
    assert waiting.state == "running"
    processes[1].answer(id=2, done=2)
    assert waiting.result == 2
    timer.call()


def test_a_crash_costs_one_request(engine, processes):
    job, waiting = engine.submit(Count(1), {}), engine.submit(Count(2), {})
    processes[0].answer(ready=__version__)
    processes[0].mutter("Segmentation fault in line 7")
    processes[0].end(-11)
    assert job.state == "failed"
    assert "ended unexpectedly (code -11)" in str(job.error)
    assert "memory" in str(job.error)
    assert job.details == "Segmentation fault in line 7"
    assert waiting.state == "running"
    processes[1].answer(id=2, done=2)
    assert waiting.state == "done"


def test_a_crash_between_requests_is_not_even_seen(engine, processes):
    engine.submit(Count(1), {})
    processes[0].answer(id=1, done=1)
    processes[0].end(1)
    assert engine.submit(Count(1), {}).state == "running"
    assert len(processes) == 2


def test_a_process_that_cannot_begin(engine, processes):
    job = engine.submit(Count(1), {})
    processes[0].mutter("ModuleNotFoundError: No module named 'numpy'")
    processes[0].mutter("")
    processes[0].end(1)
    assert str(job.error) == (
        "The worker process could not begin its work: ModuleNotFoundError: No module named 'numpy'."
    )


def test_a_process_that_cannot_be_started(engine, processes):
    job = engine.submit(Count(1), {})
    processes[0].end(None)
    assert "could not be started with" in str(job.error)


def test_a_callback_may_ask_for_more(engine, processes):
    jobs = []

    def on_change(job):
        if job.finished and len(jobs) < 3:
            jobs.append(engine.submit(Count(len(jobs)), {}, on_change))

    engine.submit(Count(9), {}, on_change)
    for number in (1, 2, 3, 4):
        processes[0].answer(id=number, done=number)
    assert [job.result for job in jobs] == [2, 3, 4]


CLICK = MeasureRequest("CT", (1.0, 2.0, 3.0))


def test_a_click_is_measured_beside_what_takes_long(engine, processes, make_run):
    image, _ = make_run(1)
    long, click = engine.submit(Count(1000), {"CT": image}), engine.submit(CLICK, {"CT": image})
    first, second = processes
    assert (long.state, click.state) == ("running", "running")
    assert second.sent[0]["images"] == first.sent[0]["images"], "the image is written once"
    assert second.sent[0]["id"] != first.sent[0]["id"], "results lie in one folder"
    waiting = engine.submit(Count(2), {})
    second.answer(id=click.id, done=Lesion((1, 2, 3), 4.0, 1.0).to_json())
    assert (click.state, click.result.diameter_mm, second.killed) == ("done", 4.0, False)
    first.answer(id=long.id, done=1000)
    assert (long.result, waiting.state, second.killed) == (1000, "running", False)
    first.answer(id=waiting.id, done=2)
    assert second.killed, "nothing is left to be done beside"
    third = engine.submit(CLICK, {"CT": image})
    assert first.sent[-1]["id"] == third.id, "alone, a click needs no second process"
    assert len(processes) == 2


def test_a_click_that_crashes_or_is_stopped_costs_nothing_else(engine, processes, make_run):
    image, _ = make_run(1)
    long = engine.submit(Count(1000), {})
    crashed = engine.submit(CLICK, {"CT": image})
    processes[1].end(-11)
    stopped = engine.submit(CLICK, {"CT": image})
    stopped.cancel()
    processes[2].timers[0].call()
    assert (crashed.state, stopped.state, long.state) == ("failed", "cancelled", "running")
    assert (processes[0].killed, processes[2].killed) == (False, True)
    outlives = engine.submit(CLICK, {"CT": image})
    processes[0].answer(id=long.id, done=1000)
    assert outlives.state == "running"
    processes[3].answer(id=outlives.id, done=Lesion((1, 2, 3), 4.0, 1.0).to_json())
    assert (outlives.state, processes[3].killed) == ("done", True)


def test_close_ends_the_second_process_too(engine, processes, make_run):
    image, _ = make_run(1)
    engine.submit(Count(1000), {})
    click = engine.submit(CLICK, {"CT": image})
    engine.close()
    assert (click.state, [process.killed for process in processes]) == ("cancelled", [True, True])


def test_a_callback_may_cancel_at_once(engine, processes):
    engine.submit(Count(9), {}, lambda job: job.cancel())
    assert [next(iter(message)) for message in processes[0].sent] == ["id", "cancel"]


def test_a_callback_may_close(processes, tmp_path):
    engine = WorkerEngine(FakeTransport, temporary=tmp_path)
    job = engine.submit(Count(9), {}, lambda job: engine.close())
    assert job.state == "cancelled"
    assert list(tmp_path.iterdir()) == []


def test_close_cancels_everything(processes, tmp_path, make_run):
    engine = WorkerEngine(FakeTransport, temporary=tmp_path)
    image, _ = make_run(1)
    seen = Seen()
    jobs = [engine.submit(Count(n), {"CT": image}, seen) for n in range(3)]
    engine.close()
    engine.close()
    assert processes[0].killed
    assert [job.state for job in jobs] == ["cancelled"] * 3
    assert list(tmp_path.iterdir()) == []
    processes[0].answer(id=1, done=1)
    assert jobs[0].state == "cancelled"
    with pytest.raises(UsageError, match="was closed"):
        engine.submit(Count(1), {})


def test_a_request_that_cannot_be_sent_stops_nobody(engine, processes):
    bad = engine.submit(DetectRequest("nodule-ct", settings={"a": object()}), {})
    good = engine.submit(Count(1), {})
    assert (bad.state, good.state) == ("failed", "running")
    assert "TypeError" in bad.details


def test_images_are_held_until_the_request_has_ended(engine, processes, tmp_path):
    engine.submit(Count(1), {})
    engine.submit(Count(2), {"CT": Image(np.zeros((2, 2, 2), np.int16), np.eye(4))})
    processes[0].answer(id=1, done=1)
    (folder,) = tmp_path.iterdir()
    assert (folder / "image-1" / "voxels.npy").exists()
    processes[0].answer(id=2, done=1)
    assert not (folder / "image-1").exists()


def test_libraries_that_were_installed_meanwhile_get_a_new_process(processes, tmp_path):
    """An installation puts a new folder in place; a process keeps the older library that it has loaded."""
    libraries = tmp_path / "libraries"
    engine = WorkerEngine(FakeTransport, temporary=tmp_path, paths=[libraries, tmp_path])
    engine.submit(DevicesRequest(), {})
    processes[0].answer(ready=__version__)
    processes[0].answer(id=1, done=[])
    (tmp_path / "another file").touch()
    engine.submit(DevicesRequest(), {})
    assert len(processes) == 1
    processes[0].answer(id=2, done=[])
    libraries.mkdir()
    engine.submit(DevicesRequest(), {})
    assert processes[0].killed
    assert processes[1].sent[0]["id"] == 3
    processes[1].answer(ready=__version__)
    processes[1].answer(id=3, done=[])
    (tmp_path / "new").mkdir()
    libraries.rename(tmp_path / "old")
    (tmp_path / "new").rename(libraries)
    engine.submit(DevicesRequest(), {})
    assert len(processes) == 3
    engine.close()
