"""Whole runs over real worker processes: what goes wrong stays with the case it goes wrong in."""

from __future__ import annotations

import csv
import dataclasses
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import Cancelled, DeviceError, InputError, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.caching.locks import FileLock
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.inference import cohort_run, dispatch
from LesionTrainingLib.inference.cluster import Where
from LesionTrainingLib.inference.cohort_run import absolute_spec, detect_cohort

# Sockets and loops of ended workers are collected when they are collected; what is left behind is tested below.
pytestmark = [
    pytest.mark.usefixtures("plain_endings"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Port 8787"
    ),
]

TWO = Where(workers=2, device="cpu")
ONE = Where(workers=1, device="cpu")
LIMIT_S = 5.0
"""For one case, which takes a tenth of a second: more than a busy machine needs to load what reads it."""
ENDING = ("cohort.json", "summary.csv", "left_out.csv", "index.html", "report.pdf")


def run(cohort, job, where=ONE, **more):
    return detect_cohort(cohort, job, None, where, **more)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def seen(job, name) -> int:
    """How often the detector looked at a scan."""
    path = Path(job.settings.notes) / name
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def nothing_left_behind():
    """No process and no temporary folder of Dask outlives a run."""
    before = set(Path(tempfile.gettempdir()).glob("lesion-dask-*"))
    yield
    until = time.monotonic() + 5
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.05)
    assert multiprocessing.active_children() == []
    assert set(Path(tempfile.gettempdir()).glob("lesion-dask-*")) <= before


def test_bad_cases_do_not_stop_the_rest_and_a_second_run_does_only_what_is_missing(
    a_cohort, a_job, nothing_left_behind, monkeypatch
):
    cohort = a_cohort("good-1", "corrupt", "dies", "good-2", "dies-once", "raises", "hangs", "good-3")
    cohort = dataclasses.replace(cohort, left_out=(LeftOut("unlisted", "=It has no scan."),))
    texts = []
    result = run(
        cohort, a_job, TWO, case_limit_s=LIMIT_S, progress=Progress(lambda _fraction, text: texts.append(text))
    )
    out = a_job.output

    assert [outcome.case for outcome in result.done] == ["good-1", "good-2", "dies-once", "good-3"]
    reasons = {left.case: left.reason for left in result.left_out}
    assert list(reasons) == ["unlisted", "corrupt", "dies", "raises", "hangs"]
    assert "corrupt.nrrd" in reasons["corrupt"]
    assert reasons["dies"] == dispatch.DIED
    assert "ZeroDivisionError" in reasons["raises"]
    assert f"longer than {LIMIT_S:g} s" in reasons["hangs"]
    assert (seen(a_job, "dies"), seen(a_job, "dies-once"), seen(a_job, "hangs")) == (2, 2, 1)
    assert {seen(a_job, f"good-{n}") for n in (1, 2, 3)} == {1}, "nobody else is blamed for a worker's end"
    assert "4 done, 4 failed of 8" in texts

    assert [row["case"] for row in table(out / "left_out.csv")] == list(reasons)
    assert table(out / "left_out.csv")[0]["reason"] == "'=It has no scan."
    assert [(row["case"], row["lesions"], row["best_score"]) for row in table(out / "summary.csv")] == [
        (outcome.case, "1", "0.9") for outcome in result.done
    ]
    said = json.loads((out / "cohort.json").read_text())
    assert said["counts"] == {
        "cases": 8,
        "done": 4,
        "done_by_earlier_runs": 0,
        "failed": 4,
        "unfinished": 0,
        "left_out_when_listed": 1,
        "lesions": 4,
    }
    assert (said["finished"], said["method"], said["workers"]) == (True, "stand-in", 2)
    assert said["cohort"]["spec"] == "files:here"
    assert {path.name for path in out.iterdir()} == {
        *("good-1", "good-2", "dies-once", "good-3"),
        *ENDING,
    }

    # The corrupt file is mended, a good one is touched, one result is lost: these are done, no other.
    mended = a_cohort("good-1", "good-2", "good-3", "dies-once", "corrupt")
    Path(mended.cases[4].path).write_bytes(Path(mended.cases[0].path).read_bytes())
    os.utime(mended.cases[1].path, ns=(1, 1))
    (out / "good-3" / "detections.json").unlink()
    result = run(mended, a_job)
    assert (len(result.done), result.kept, result.left_out) == (5, 2, ())
    assert [seen(a_job, name) for name in ("good-1", "good-2", "good-3", "dies-once", "corrupt")] == [1, 2, 2, 2, 1]
    assert table(out / "left_out.csv") == []

    # Nothing is missing: no worker is started.
    with monkeypatch.context() as without_workers:
        without_workers.setattr(cohort_run, "workers_for", None)
        assert run(mended, a_job).kept == 5
    assert run(mended, a_job, overwrite=True).kept == 0
    assert seen(a_job, "good-1") == 2


def test_cancelling_keeps_what_is_finished(a_cohort, a_job, nothing_left_behind):
    cohort = a_cohort("good-1", "slow", "good-2")
    progress = Progress(lambda _fraction, text: progress.cancel() if text.startswith("1 done") else None)
    start = time.monotonic()
    with pytest.raises(Cancelled, match="1 of 3 cases are done; the same command goes on"):
        run(cohort, a_job, progress=progress)
    assert time.monotonic() - start < 15, "the slow case (20 s) was given up"
    assert {path.name for path in a_job.output.iterdir()} == {"good-1", *ENDING}
    said = json.loads((a_job.output / "cohort.json").read_text())
    assert (said["finished"], said["counts"]["unfinished"]) == (False, 2)
    result = run(a_cohort("good-1", "good-2"), a_job)
    assert (len(result.done), result.kept, seen(a_job, "good-1")) == (2, 1, 1)


def test_too_little_memory_costs_one_case(a_cohort, a_job, nothing_left_behind):
    result = run(a_cohort("greedy", "good"), a_job, Where(workers=1, memory_gib=0.6, device="cpu"))
    assert [outcome.case for outcome in result.done] == ["good"]
    assert "memory was too small" in result.left_out[0].reason
    assert seen(a_job, "greedy") == 2


def test_not_one_case_could_be_done(a_cohort, a_job):
    with pytest.raises(InputError, match=r"Not one of 2 cases .*left_out.csv says why.*corrupt"):
        run(a_cohort("corrupt-1", "corrupt-2"), a_job)
    assert len(table(a_job.output / "left_out.csv")) == 2


def test_a_fault_of_all_cases_ends_the_run(a_cohort, a_job):
    """A stand-in for a device that the workers lack: the case is not blamed."""
    with pytest.raises(DeviceError, match="cuda:7"):
        info = dataclasses.replace(a_job.info, factory="stand_ins:create_on_7")
        run(a_cohort("good"), dataclasses.replace(a_job, info=info))
    assert table(a_job.output / "left_out.csv") == []


def test_ids_that_are_no_folder_names_are_left_out_and_what_a_killed_worker_left_is_removed(a_cohort, a_job):
    left = a_job.output / ".partial-good-abcd"
    left.mkdir(parents=True)
    (a_job.output / ".partial-else-abcd").mkdir()
    cohort = a_cohort("good")
    bad = [dataclasses.replace(cohort.cases[0], id=name) for name in ("../up", ".hidden", "a/b", "summary.csv", "")]
    result = run(dataclasses.replace(cohort, cases=(*cohort.cases, *bad)), a_job)
    assert len(result.left_out) == 5
    assert [outcome.case for outcome in result.done] == ["good"]
    assert not (a_job.output.parent / "up").exists()
    assert not left.exists()
    assert (a_job.output / ".partial-else-abcd").exists(), "not a case of this cohort"


def test_results_of_another_kind_are_not_lost(a_cohort, a_job, tmp_path):
    cohort = a_cohort("good")
    run(cohort, a_job)
    other = dataclasses.replace(a_job, info=dataclasses.replace(a_job.info, id="other"))
    with pytest.raises(OutputError, match="holds results of stand-in"):
        run(cohort, other)
    (a_job.output / "good" / "run.json").unlink()
    with pytest.raises(OutputError, match="not of a cohort's run"):
        run(cohort, a_job)
    (a_job.output / "good" / "run.json").write_text("{}")
    with pytest.raises(OutputError, match="no record"):
        run(cohort, a_job)
    assert run(cohort, a_job, overwrite=True).kept == 0


def test_one_run_at_a_time_writes_to_a_folder(a_cohort, a_job):
    a_job.output.mkdir()
    with FileLock(a_job.output / cohort_run.LOCK).held(), pytest.raises(OutputError, match="Another run"):
        run(a_cohort("good"), a_job)


def test_a_specification_holds_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_spec("folder:scans?modality=PT&limit=3") == f"folder:{tmp_path}/scans?modality=PT&limit=3"
    assert absolute_spec("lists/all.yaml") == f"{tmp_path}/lists/all.yaml"
    assert absolute_spec("luna16:/data/LUNA16?subset=0-8") == "luna16:/data/LUNA16?subset=0-8"
    assert absolute_spec("phantoms:chest?seeds=0-3") == "phantoms:chest?seeds=0-3"
    with pytest.raises(UsageError, match="no kind of cohort"):
        absolute_spec("lidk:here")
