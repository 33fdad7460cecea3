"""Two processes give what one gives with the same global batch, and each can go on where the other stopped."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from engine_samples import SmallTask, losses_of
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.fit import fit
from torch.distributed.run import main as torchrun

HERE = Path(__file__).parent
SCRIPT = HERE / "two_processes.py"
TOLERANCE = 1e-5
"""Of losses and weights of about 1 after 12 steps: float32 sums in another order."""


def load_script():
    spec = importlib.util.spec_from_file_location("two_processes", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def stopping_at(step):
    progress = Progress(lambda fraction, text: progress.cancel() if text.startswith(f"Step {step} ") else None)
    return progress


@contextlib.contextmanager
def signals_kept():
    """torchrun takes signals for itself, and does not give them back."""
    kept = {number: signal.getsignal(number) for number in signal.valid_signals()}
    try:
        yield
    finally:
        for number, handler in kept.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


@contextlib.contextmanager
def ended_after(seconds):
    """Processes of the script that take longer are killed, which torchrun tells as a failure."""

    def kill():
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it ended by itself meanwhile
                if str(SCRIPT) in child.cmdline():
                    child.kill()

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the two processes told; the folder they worked in."""
    folder, script = tmp_path_factory.mktemp("processes"), load_script()
    torch.set_num_threads(1)
    with pytest.raises(Cancelled):
        fit(SmallTask(), script.SGD, folder / "half", "cpu", stopping_at(6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *(path for path in sys.path if path)]))
        patch.setenv("OMP_NUM_THREADS", "1")
        # What torchrun calls, here instead of in a third process that would load torch for it.
        with signals_kept(), ended_after(120):
            torchrun(["--standalone", "--nproc-per-node", "2", str(SCRIPT), str(folder)])
    return {**json.loads((folder / "told.json").read_text()), "folder": folder, "script": script}


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_two_processes_equal_one(told, tmp_path, name):
    settings = {"sgd": told["script"].SGD, "adam": told["script"].ADAM}[name]
    task = SmallTask(filtered=name == "sgd")
    alone = fit(task, settings, tmp_path, "cpu", Progress())
    losses, weights, norm = told[name]
    assert len(losses) == 12
    np.testing.assert_allclose(losses, losses_of(alone.history), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(weights, told["script"].flat(task.network), rtol=0, atol=TOLERANCE)
    assert norm == "BatchNorm3d"
    assert losses[-1] != losses[0]


def test_what_one_began_two_finish_and_the_other_way_round(told, tmp_path):
    whole = fit(SmallTask(), told["script"].SGD, tmp_path, "cpu", Progress())
    losses, weights, notes = told["half"]
    np.testing.assert_allclose(losses, losses_of(whole.history), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(weights, told["script"].flat(whole.network), rtol=0, atol=TOLERANCE)
    assert losses[:6] == losses_of(whole.history)[:6]
    assert any("From step 6 on 2 process(es) worked instead of 1" in note for note in notes)

    assert "after step 4 of 12" in told["stopped"]
    back = fit(SmallTask(), told["script"].SGD, told["folder"] / "stopped", "cpu", Progress(), resume=True)
    np.testing.assert_allclose(losses_of(back.history), losses_of(whole.history), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(
        told["script"].flat(back.network), told["script"].flat(whole.network), rtol=0, atol=TOLERANCE
    )


def test_values_come_together_in_the_order_of_the_batch(told):
    numbers = list(range(7))
    assert told["gathered"] == [numbers, numbers, numbers, list(range(14)), [n % 3 == 0 for n in numbers]]


def test_normalisation_is_that_of_the_whole_batch(told):
    assert told["normalised"] < 2e-5


def test_only_the_first_process_reports(told):
    everyones, of_the_first = told["reports"]
    assert everyones == of_the_first
    assert min(of_the_first) > 0


def test_errors_say_what_to_do(told):
    small, full = told["errors"]
    assert small == "UsageError: A batch of 1 is too small for 2 processes."
    assert full.startswith("DeviceError: The memory of process 0 is full. Set “accumulate” to 2")


def test_one_process_needs_nobody():
    with Processes.join("cpu") as processes:
        assert (processes.rank, processes.world, processes.is_main) == (0, 1, True)
        values = torch.ones(3, requires_grad=True)
        assert not processes.gather(values).requires_grad
        assert torch.equal(processes.own(processes.gather(values)), values)
        assert processes.share_json({"a": 1}) == {"a": 1}
        processes.barrier()


@pytest.mark.parametrize(
    ("environment", "said"), [({"WORLD_SIZE": "2"}, "start it with torchrun"), ({"WORLD_SIZE": "two"}, "no number")]
)
def test_an_environment_that_torchrun_did_not_make(monkeypatch, environment, said):
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=said), Processes.join("cpu"):
        pass
