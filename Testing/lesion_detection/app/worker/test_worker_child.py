"""Real child processes: they answer, obey, crash and end as they should."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import LesionDetectionLib
import numpy as np
import psutil
import pytest
from LesionDetectionLib.app.worker.engine import InProcess
from LesionDetectionLib.app.worker.pipes import PipedWorker, Pipes
from LesionDetectionLib.app.worker.requests import DetectRequest, DevicesRequest, MeasureRequest, WarmRequest
from LesionDetectionLib.app.worker.worker_engine import WorkerEngine
from LesionDetectionLib.core.errors import DependencyError, DeviceError, InputError, LesionDetectionError
from LesionStandInLib.requests import Count, Do, Negate

STAND_INS = Path(__file__).parent / "stand_ins"
LONG = 120.0
"""Seconds that nothing here takes, even where the machine is busy."""


@contextlib.contextmanager
def working_in(folder):
    """A worker that leaves nothing in its folder."""
    with PipedWorker(paths=[STAND_INS], temporary=folder, grace_s=LONG) as made:
        yield made
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """One for all tests that its process survives."""
    with working_in(tmp_path_factory.mktemp("temporary")) as made:
        yield made


@pytest.fixture
def own_worker(tmp_path):
    """One for a test that ends its process, or looks into its folder."""
    (tmp_path / "temporary").mkdir()
    with working_in(tmp_path / "temporary") as made:
        yield made


def result(worker, request, images=None):
    job = worker.wait(worker.submit(request, images or {}), LONG)
    assert job.state == "done", f"{job.error}\n{job.details}"
    return job.result


def until(condition):
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "It did not come to that."
        time.sleep(0.02)


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_progress_arrives_while_the_work_goes_on(worker):
    seen = []
    job = worker.submit(Count(5, 0.1), {}, lambda job: seen.append((job.fraction, job.finished)))
    worker.wait(job, LONG)
    assert [fraction for fraction, finished in seen if not finished] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert job.result == 5


def test_many_reports_are_thinned_out(worker):
    seen = []
    worker.wait(worker.submit(Do("chatter", 20_000), {}, lambda job: seen.append(job.text)), LONG)
    assert seen[-2:] == ["The last words", "The last words"]
    assert len(seen) < 5_000


def test_cancel_ends_a_request_and_not_the_process(worker):
    pid = result(worker, Do("process_id"))
    job = worker.submit(Count(10_000, 0.05), {}, lambda job: job.fraction > 0 and job.cancel())
    worker.wait(job, LONG)
    assert (job.state, job.error) == ("cancelled", None)
    assert result(worker, Do("process_id")) == pid


def test_a_request_that_never_reports_is_ended_with_its_process(own_worker):
    own_worker._grace_s = 0.5
    pid = result(own_worker, Do("process_id"))
    job = own_worker.submit(Do("sleep_without_a_word", 1000.0), {}, lambda job: job.text == "Sleeping" and job.cancel())
    after = own_worker.submit(Do("process_id"), {})
    own_worker.wait(job, LONG)
    assert job.state == "cancelled"
    assert not is_alive(pid)
    own_worker.wait(after, LONG)
    assert after.state == "done"
    assert after.result != pid


def test_a_killed_process_costs_one_request(own_worker):
    pid = result(own_worker, Do("process_id"))
    job, after = own_worker.submit(Count(10_000, 0.05), {}), own_worker.submit(Do("process_id"), {})
    psutil.Process(pid).kill()
    own_worker.wait(job, LONG)
    assert job.state == "failed"
    assert "ended unexpectedly" in str(job.error)
    own_worker.wait(after, LONG)
    assert after.result != pid


def test_last_words_are_kept(own_worker):
    job = own_worker.wait(own_worker.submit(Do("end_abruptly", 3), {}), LONG)
    assert "(code 3)" in str(job.error)
    assert job.details.endswith("About to end")


@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        ("exit_politely", LesionDetectionError, "unexpected error: SystemExit"),
        ("divide_by_zero", LesionDetectionError, "unexpected error: ZeroDivisionError"),
        ("fill_the_memory", DeviceError, "memory is full"),
        ("use_a_missing_library", DependencyError, "a_library_that_nobody_has"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_the_process_lives(worker, what, kind, text):
    job = worker.wait(worker.submit(Do(what), {}), LONG)
    assert type(job.error) is kind
    assert text in str(job.error)
    assert what in job.details
    assert result(worker, Count(1)) == 1


def test_a_result_that_is_no_json_is_a_fault_of_the_program(worker):
    job = worker.wait(worker.submit(Do("an_unspeakable_answer"), {}), LONG)
    assert "unexpected error: TypeError" in str(job.error)
    assert result(worker, Count(1)) == 1


def test_stray_prints_do_not_break_the_protocol(worker, caplog):
    with caplog.at_level("INFO"):
        assert result(worker, Do("print_everywhere")) == ""
        # The answer and the prints come on two pipes, in no order.
        until(lambda: (worker.pump(0.05), "from a child of the child" in caplog.text)[1])
    assert "stray" in caplog.text
    assert "more stray" in caplog.text


def test_a_long_result_comes_through_a_file(worker):
    assert result(worker, Do("a_long_answer", 3_000_000)) == "x" * 3_000_000


def test_two_images(worker, make_run):
    one, two = make_run(1, seed=1)[0], make_run(1, seed=2)[0]
    sums = result(worker, Do("add_up"), {"CT": one, "PT": two})
    assert sums == {"CT": float(one.voxels.sum(dtype=float)), "PT": float(two.voxels.sum(dtype=float))}


def test_images_come_back_in_memory_and_leave_no_file(own_worker, make_run, tmp_path):
    one, two = make_run(1, seed=1)[0], make_run(1, seed=2)[0]
    text, back = result(own_worker, Negate(300_000), {"CT": one, "a/b <c>": two})
    assert text == "x" * 300_000
    assert list(back) == ["CT", "a/b <c>"]
    for name, image in (("CT", one), ("a/b <c>", two)):
        np.testing.assert_array_equal(back[name].voxels, -image.voxels)
        assert back[name].voxels.dtype == image.voxels.dtype
        assert back[name].geometry.same_grid(image.geometry)
        assert back[name].name == image.name
    (folder,) = (tmp_path / "temporary").iterdir()
    assert {path.name for path in folder.iterdir()} == {"in-use", "image-1", "image-2"}
    assert result(own_worker, Negate(), {}) == "", "no images, no files"


def test_images_cannot_be_changed_by_tasks(worker, make_run):
    job = worker.wait(worker.submit(Do("try_to_write"), {"CT": make_run(1)[0]}), LONG)
    assert "ValueError" in str(job.error)


def test_detect_and_measure_as_in_process(worker, chest, a_model):
    """Bit for bit; the model is loaded once; and nothing of Slicer comes into the child."""
    model = str(a_model())
    in_process = InProcess()
    detect, measure = DetectRequest("nodule-ct", model, "cpu"), MeasureRequest("CT", (35.0, 0.0, 5.0))
    result(worker, WarmRequest("nodule-ct", model, "cpu"))
    loaded = result(worker, Do("kept_detectors"))
    here, there = in_process.submit(detect, {"CT": chest}).result, result(worker, detect, {"CT": chest})
    assert loaded
    assert result(worker, Do("kept_detectors")) == loaded
    assert any(lesion.mask is not None for lesion in here.lesions)
    assert [lesion.to_json() for lesion in here.lesions] == [lesion.to_json() for lesion in there.lesions]
    assert here.geometry.ijk_to_ras.tobytes() == there.geometry.ijk_to_ras.tobytes()
    assert (here.warnings, here.operating_point) == (there.warnings, there.operating_point)
    one, two = in_process.submit(measure, {"CT": chest}).result, result(worker, measure, {"CT": chest})
    np.testing.assert_array_equal(one.mask.voxels, two.mask.voxels)
    assert one.to_json() == two.to_json()
    refused = worker.wait(worker.submit(MeasureRequest("PT", (0, 0, 0)), {"CT": chest}), LONG)
    assert type(refused.error) is InputError
    assert result(worker, DevicesRequest())[0]["id"] == "auto"
    modules = {name.partition(".")[0] for name in result(worker, Do("loaded_modules"))}
    assert "torch" in modules
    assert not modules & {"slicer", "qt", "ctk", "vtk", "vtkmodules", "PySide6"}


def test_cancel_in_the_middle_of_a_detection(worker, chest, a_model):
    model = str(a_model())
    pid = result(worker, Do("process_id"))
    job = worker.submit(
        DetectRequest("nodule-ct", model, "cpu"),
        {"CT": chest},
        lambda job: job.text == "Looking for candidates" and job.cancel(),
    )
    worker.wait(job, LONG)
    assert job.state == "cancelled"
    assert job.fraction < 0.9
    assert result(worker, Do("process_id")) == pid


def test_no_orphans(tmp_path):
    """The program that uses the worker is killed: the worker ends, and its images go, though it is just working."""
    code = (
        "import sys; from pathlib import Path; sys.path.append(sys.argv[1])\n"
        "import numpy as np\n"
        "from LesionDetectionLib.app.worker.pipes import PipedWorker\n"
        "from LesionDetectionLib.core.image import Image\n"
        "from LesionStandInLib.requests import Count, Do\n"
        "worker = PipedWorker(paths=[Path(sys.argv[1])], temporary=Path(sys.argv[2]))\n"
        "print(worker.wait(worker.submit(Do('process_id'), {})).result, flush=True)\n"
        "image = Image(np.zeros((2, 2, 2), np.int16), np.eye(4))\n"
        "worker.wait(worker.submit(Count(100_000, 0.05), {'CT': image}, lambda job: print(job.fraction, flush=True)))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, STAND_INS, tmp_path], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    while float(parent.stdout.readline()) == 0:
        pass
    assert is_alive(pid)
    assert len(list(tmp_path.glob("*/image-1"))) == 1
    parent.kill()
    parent.communicate()
    until(lambda: not is_alive(pid))
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_is_out_of_its_mind(tmp_path):
    pipes = Pipes()
    code = "import sys; sys.stdout.write('x' * 10_000_000); sys.stdout.flush(); sys.stdin.read()"
    engine = WorkerEngine(lambda command: pipes.transport([sys.executable, "-c", code]), temporary=tmp_path)
    job = engine.submit(Count(1), {})
    end = time.monotonic() + LONG
    while not job.finished and time.monotonic() < end:
        pipes.pump(0.1)
    assert "makes no sense" in str(job.error)
    engine.close()


def test_a_program_that_is_not_there(tmp_path):
    with PipedWorker(python=str(tmp_path / "python"), temporary=tmp_path) as worker:
        job = worker.wait(worker.submit(Count(1), {}), LONG)
    assert "could not be started with" in str(job.error)
    assert "python" in job.details


def test_wait_gives_up_in_time(worker):
    job = worker.submit(Count(1000, 0.05), {})
    with pytest.raises(TimeoutError, match=f"Request {job.id} has not ended"):
        worker.wait(job, 0.3)
    job.cancel()
    assert worker.wait(job, LONG).state == "cancelled"


def test_both_layouts(worker, tmp_path):
    """In the source tree the child takes this very library and --path; packed, all libraries lie in one folder."""
    path = result(worker, Do("search_path"))
    assert path[:2] == [str(Path(LesionDetectionLib.__file__).parents[1]), str(STAND_INS)]
    assert not [entry for entry in path if entry.endswith("worker")]
    flat = tmp_path / "qt-scripted-modules"
    for library in (Path(LesionDetectionLib.__file__).parent, STAND_INS / "LesionStandInLib"):
        shutil.copytree(library, flat / library.name, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from LesionDetectionLib.app.worker.pipes import PipedWorker\n"
        "from LesionStandInLib.requests import Do\n"
        "with PipedWorker() as worker:\n"
        "    job = worker.wait(worker.submit(Do('search_path'), {}))\n"
        "    print(job.error, job.result[0], sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, flat], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == ["None", str(flat)]
