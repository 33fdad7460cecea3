"""Where the work is done: what is refused, what a local cluster is made of, and schedulers elsewhere."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time

import psutil
import pytest
from LesionDetectionLib.core.errors import DependencyError, DeviceError, OutputError, UsageError
from LesionTrainingLib.inference import cluster, cohort_run, dispatch
from LesionTrainingLib.inference.cluster import Where, default_workers, workers_for
from LesionTrainingLib.inference.cohort_run import detect_cohort

pytestmark = [
    pytest.mark.usefixtures("plain_endings"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Port 8787"
    ),
]


@pytest.fixture
def pem(tmp_path):
    path = tmp_path / "some.pem"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scheduler": "localhost:8786"}, "tcp://HOST:PORT"),
        ({"scheduler": "tcp://a:1", "workers": 2}, "its own workers"),
        ({"scheduler": "tcp://a:1", "dashboard": True}, "its own workers"),
        ({"scheduler": "tls://a:1"}, "--tls-ca"),
        ({"workers": -1}, "negative"),
        ({"memory_gib": -1}, "negative"),
    ],
)
def test_what_makes_no_sense_is_refused(given, words):
    with pytest.raises(UsageError, match=words):
        Where(**given)


def test_what_is_open_to_others_is_said(pem):
    warning = Where("tcp://cluster.example:8786").warning
    assert "What goes to cluster.example is not encrypted" in warning
    assert "tls://" in warning
    closed = [Where(), *(Where(f"tcp://{host}:1") for host in ("127.0.0.1", "localhost", "[::1]"))]
    assert [where.warning for where in [*closed, Where("tls://a:1", tls_ca=pem, tls_cert=pem, tls_key=pem)]] == [""] * 5


def test_tls_files_come_together_and_exist(pem, tmp_path):
    with pytest.raises(UsageError, match="all of"):
        Where("tls://a:1", tls_ca=pem, tls_cert=pem)
    with pytest.raises(UsageError, match="tls://"):
        Where("tcp://a:1", tls_ca=pem, tls_cert=pem, tls_key=pem)
    with pytest.raises(UsageError, match="There is no file"):
        Where("tls://a:1", tls_ca=pem, tls_cert=pem, tls_key=tmp_path / "none.pem")
    assert Where("tls://a:1", tls_ca=pem, tls_cert=pem, tls_key=pem).tls_key == pem


@pytest.mark.parametrize(("cores", "gib", "workers"), [(64, 32, 8), (4, 256, 4), (8, 2, 1)])
def test_as_many_workers_as_cores_and_memory_allow(monkeypatch, cores, gib, workers):
    monkeypatch.setattr("dask.system.CPU_COUNT", cores)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", gib * 2**30)
    assert default_workers() == workers


def test_a_local_cluster_listens_on_the_loopback_only_and_ends():
    with workers_for(Where(workers=2, device="cpu"), most=8) as workers:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = [
            connection.laddr.ip
            for process in processes
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert len(listening) >= 3
        assert set(listening) == {"127.0.0.1"}
        assert len(workers.client.run(os.getpid)) == 2
    assert not any("spawn_main" in " ".join(child.cmdline()) for child in living_children())


def living_children():
    return [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]


def test_the_workers_share_the_cores(monkeypatch, stand_ins):
    """Our own environment is as before. No more of them than cases."""
    monkeypatch.setattr("dask.system.CPU_COUNT", 1)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = [os.environ.get(name) for name in cluster.THREADS]
    with workers_for(Where(workers=5, device="cpu"), most=1) as workers:
        assert len(workers.client.nthreads()) == 1
        (seen,) = workers.client.run(stand_ins.threads).values()
        assert seen == {"OpenCV": 1, "ITK": 1, "torch": 1}
    assert [os.environ.get(name) for name in cluster.THREADS] == before


def test_how_many_threads_the_user_has_set_stays(monkeypatch):
    monkeypatch.setattr("dask.system.CPU_COUNT", 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with workers_for(Where(workers=1, device="cpu"), most=1) as workers:
        assert list(workers.client.run(os.getenv, "OMP_NUM_THREADS").values()) == ["2"]


def test_each_gpu_gets_a_process(monkeypatch):
    """Without a GPU: what the processes would see."""
    monkeypatch.setattr(cluster, "_gpus", lambda _device: ("2", "5"))
    with workers_for(Where(device="cuda"), most=9) as workers:
        seen = workers.client.run(os.getenv, "CUDA_VISIBLE_DEVICES")
        assert sorted(seen.values()) == ["2", "5"]
        assert workers.device == "cuda"


def test_which_gpus_there_are(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert cluster._gpus("cpu") == ()
    assert cluster._gpus("cuda") == ("0", "1", "2")
    assert cluster._gpus("cuda:1") == ("1",)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6,7")
    assert cluster._gpus("auto") == ("4", "6", "7")
    assert cluster._gpus("cuda:1") == ("6",)


def test_a_dashboard_needs_bokeh(monkeypatch):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: name != "bokeh" or None)
    with pytest.raises(DependencyError, match="bokeh"), workers_for(Where(dashboard=True), 1):
        pass


def test_the_dashboard_is_told_and_on_the_loopback(a_cohort, a_job, monkeypatch):
    """Without Bokeh, Dask serves a page that says so: enough to see where."""
    find = importlib.util.find_spec
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: name == "bokeh" or find(name))
    told = []
    detect_cohort(a_cohort("good"), a_job, None, Where(workers=1, device="cpu", dashboard=True), say=told.append)
    assert told[0].startswith("Dask's page: http://127.0.0.1:")


@pytest.fixture
def a_scheduler(stand_ins, forked_workers):
    """A scheduler with two workers that are not the program's own."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
    ) as elsewhere:
        yield elsewhere


def test_a_scheduler_elsewhere(a_scheduler, a_cohort, a_job):
    where = Where(a_scheduler.scheduler_address, device="cpu")
    result = detect_cohort(a_cohort("good-1", "dies", "corrupt", "good-2"), a_job, None, where)
    assert [outcome.case for outcome in result.done] == ["good-1", "good-2"]
    assert {left.case: left.reason == dispatch.DIED for left in result.left_out} == {"dies": True, "corrupt": False}
    a_scheduler.wait_for_workers(2, timeout=20)  # it goes on


def test_workers_that_do_not_fit_are_told_before_the_work(a_scheduler, a_cohort, a_job, stand_ins, monkeypatch):
    where = Where(a_scheduler.scheduler_address, device="cpu")
    monkeypatch.setattr(cohort_run, "__version__", "99")
    with pytest.raises(UsageError, match="not 99"):
        detect_cohort(a_cohort("good"), a_job, None, where)
    monkeypatch.undo()
    monkeypatch.setattr(cohort_run, "introduce", stand_ins.sees_nothing)
    with pytest.raises(OutputError, match="do not see"):
        detect_cohort(a_cohort("good"), a_job, None, where)
    monkeypatch.setattr(cohort_run, "introduce", stand_ins.not_installed)
    with pytest.raises(DependencyError, match="cannot run this program"):
        detect_cohort(a_cohort("good"), a_job, None, where)


def test_a_scheduler_that_goes_away(a_scheduler, a_cohort, a_job, monkeypatch):
    monkeypatch.setattr(dispatch, "NO_WORKERS_S", 1.0)
    texts = []

    def close_it(_fraction, text):
        if text.startswith("1 done") and not texts:
            texts.append(text)
            a_scheduler.close()

    from LesionDetectionLib.core.progress import Progress

    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    with pytest.raises(DeviceError, match="goes on from there"):
        detect_cohort(
            a_cohort("good", "slow-1"),
            a_job,
            None,
            Where(a_scheduler.scheduler_address, device="cpu"),
            progress=Progress(close_it),
        )
    assert (a_job.output / "good" / "run.json").exists()


def test_a_worker_that_hangs_and_cannot_be_ended(a_cohort, a_job, monkeypatch):
    """Without a nanny nobody can start it anew: the run ends with a sentence instead of waiting for ever."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(dispatch, "NO_WORKERS_S", 1.0)
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            protocol="tcp",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as elsewhere,
        pytest.raises(DeviceError, match="or only such that hang"),
    ):
        where = Where(elsewhere.scheduler_address, device="cpu")
        detect_cohort(a_cohort("slow", "good"), a_job, None, where, case_limit_s=0.5)
    left_out = (a_job.output / "left_out.csv").read_text()
    assert "slow,It took longer than 0.5 s" in left_out


def test_nobody_answers(a_cohort, a_job, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    start = time.monotonic()
    said, where = list[str](), Where("tcp://127.0.0.2:9", device="cpu")
    with pytest.raises(DeviceError, match=r"No Dask scheduler answers at tcp://127.0.0.2:9"):
        detect_cohort(a_cohort("good"), a_job, None, where, say=said.append)
    assert time.monotonic() - start < 10
    assert said == [where.warning] != [""]


def test_a_scheduler_without_workers(a_cohort, a_job, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cohort_run, "WAIT_FOR_WORKERS_S", 0.5)
    with (
        distributed.LocalCluster(
            n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
        ) as empty,
        pytest.raises(DeviceError, match="No Dask worker"),
    ):
        detect_cohort(a_cohort("good"), a_job, None, Where(empty.scheduler_address, device="cpu"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_scheduler_behind_tls(a_cohort, a_job, tmp_path):
    distributed = pytest.importorskip("distributed")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run([*command.split(), "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    names = {
        f"tls_{who}_{what}": str(p)
        for who in ("scheduler", "worker", "client")
        for what, p in (("cert", cert), ("key", key))
    }
    security = distributed.Security(tls_ca_file=str(cert), require_encryption=True, **names)
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
        security=security,
    ) as elsewhere:
        address = elsewhere.scheduler_address
        assert address.startswith("tls://")
        where = Where(address, device="cpu", tls_ca=cert, tls_cert=cert, tls_key=key)
        assert len(detect_cohort(a_cohort("good"), a_job, None, where).done) == 1
