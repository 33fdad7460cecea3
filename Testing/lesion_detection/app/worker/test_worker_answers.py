"""What a process answers: what makes no sense is told, and what comes in files is read and removed, however the request ends."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.app.worker.images import write_image
from LesionDetectionLib.app.worker.requests import DetectRequest, DevicesRequest
from LesionDetectionLib.core.errors import InputError
from LesionStandInLib.requests import Count, Negate


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "Traceback (most recent call last):",
        "[]",
        "7",
        "null",
        '"ready"',
        "{}",
        '{"id": 1}',
        '{"id": 2, "done": 1}',
        '{"id": "1", "done": 1}',
        '{"id": 1, "progress": "half", "text": ""}',
        '{"id": 1, "progress": NaN, "text": ""}',
        '{"id": 1, "progress": true, "text": ""}',
        '{"id": 1, "progress": 0.5}',
        '{"id": 1, "done": {}}',
        '{"id": 1, "done": {"schema": "lesion-detections", "schema_version": 1}}',
        '{"id": 1, "file": "result-2.json"}',
        '{"id": 1, "file": "result-1.json"}',
        '{"id": 1, "file": "../../etc/passwd"}',
        '{"id": 1, "file": 7}',
        '{"id": 1, "failed": "no"}',
        '{"id": 1, "failed": {"kind": "InputError"}, "details": ""}',
        '{"id": 1, "cancelled": "perhaps"}',
        '{"ready": "0.0.0"}',
        "[" * 100_000,
    ],
)
def test_what_makes_no_sense_ends_the_process_and_is_told(engine, processes, line):
    job, waiting = engine.submit(DetectRequest("nodule-ct"), {}), engine.submit(Count(1), {})
    processes[0].say(line)
    assert processes[0].killed
    assert job.state == "failed"
    assert "makes no sense" in str(job.error)
    assert line[:50] in job.details
    assert waiting.state == "running"
    processes[1].answer(id=2, done=1)
    assert waiting.state == "done"


def test_noise_between_requests_ends_the_process_only(engine, processes):
    engine.submit(Count(1), {})
    processes[0].answer(id=1, done=1)
    processes[0].answer(id=1, done=1)
    assert processes[0].killed
    assert engine.submit(Count(1), {}).state == "running"


def test_a_file_of_another_place_is_not_read(engine, processes, tmp_path):
    (tmp_path / "result-1.json").write_text("[]")
    job = engine.submit(DevicesRequest(), {})
    processes[0].answer(id=1, file=str(tmp_path / "result-1.json"))
    assert job.state == "failed"
    assert (tmp_path / "result-1.json").exists()
    (tmp_path / "result-1.json").unlink()


def test_a_result_in_a_file_is_read_and_removed(engine, processes, tmp_path):
    job = engine.submit(DevicesRequest(), {})
    (folder,) = tmp_path.iterdir()
    (folder / "result-1.json").write_text("[1, 2]")
    processes[0].answer(id=1, file="result-1.json")
    assert job.result == [1, 2]
    assert not (folder / "result-1.json").exists()


@pytest.fixture
def half(make_run):
    image, _ = make_run(1)
    return image


def as_left_by(folder, number, image, names=("0",)):
    """What a child has written of a result, a temporary folder of an image that it was just writing, too."""
    for name in names:
        write_image(folder / f"result-{number}" / name, image)
    (folder / f"result-{number}" / ".partial-1-x").mkdir(parents=True)


def left(tmp_path):
    (folder,) = tmp_path.iterdir()
    return [path.name for path in folder.iterdir() if path.name.startswith("result")]


def test_images_of_a_result_are_read_and_removed(engine, processes, tmp_path, half):
    job = engine.submit(Negate(), {})
    as_left_by(next(tmp_path.iterdir()), 1, half, ("0", "1"))
    processes[0].answer(id=1, done="text", images=["one", "two"])
    text, images = job.result
    assert (text, list(images)) == ("text", ["one", "two"])
    assert left(tmp_path) == []
    np.testing.assert_array_equal(images["two"].voxels, half.voxels)


@pytest.mark.parametrize(
    "end",
    [
        lambda engine, job, process: process.answer(id=1, failed={"kind": "OutputError", "text": "Full."}, details=""),
        lambda engine, job, process: process.end(-9),
        lambda engine, job, process: process.say("{"),
        lambda engine, job, process: (job.cancel(), process.answer(id=1, cancelled=True)),
        lambda engine, job, process: (job.cancel(), process.answer(id=1, done="", images=["one"])),
        lambda engine, job, process: (job.cancel(), process.timers[0].call()),
    ],
    ids=["failed", "crashed", "nonsense", "cancelled", "too late", "killed"],
)
def test_however_a_request_ends_its_images_go(engine, processes, tmp_path, half, end):
    job = engine.submit(Negate(), {})
    as_left_by(next(tmp_path.iterdir()), 1, half)
    end(engine, job, processes[0])
    assert job.state in ("failed", "cancelled")
    assert job.result is None
    assert left(tmp_path) == []


@pytest.mark.parametrize("images", [["one", 2], {"one": "../../other"}, "one", 7, None])
def test_names_of_images_that_are_none_end_the_process(engine, processes, tmp_path, half, images):
    job = engine.submit(Negate(), {})
    as_left_by(next(tmp_path.iterdir()), 1, half)
    processes[0].answer(id=1, done="", images=images)
    assert processes[0].killed
    assert "makes no sense" in str(job.error)
    assert left(tmp_path) == []


def test_images_that_somebody_removed_cost_one_request(engine, processes):
    job = engine.submit(Negate(), {})
    processes[0].answer(id=1, done="", images=["one"])
    assert type(job.error) is InputError
    assert "cannot be read" in str(job.error)
    assert not processes[0].killed


def test_images_that_do_not_fit_into_the_memory_cost_one_request(engine, processes, tmp_path, half, monkeypatch):
    def too_much(*_, **__):
        raise MemoryError

    job = engine.submit(Negate(), {})
    as_left_by(next(tmp_path.iterdir()), 1, half)
    monkeypatch.setattr("LesionDetectionLib.app.worker.images.np.load", too_much)
    processes[0].answer(id=1, done="", images=["one"])
    assert "memory is full" in str(job.error)
    assert left(tmp_path) == []
    assert not processes[0].killed
