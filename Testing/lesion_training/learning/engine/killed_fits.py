"""Fits a network in a process that is killed with SIGKILL again and again, and goes on each time: ``killed_fits.py FOLDER``.

Prints as JSON how each process ended and how many steps the checkpoint then had. Torch is imported once; the processes
are forked, before anything was computed.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import safetensors.torch
import torch
import torch._dynamo  # an optimiser loads it when it is made, a second in each process
from engine_samples import SmallTask, quick
from LesionDetectionLib.core import atomic
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.learning.engine import checkpoints
from LesionTrainingLib.learning.engine.fit import fit

SETTINGS = quick(
    steps=40,
    checkpoint_steps=3,
    validate_every=5,
    monitor="noise",
    schedule="plateau",
    plateau_patience=1,
    factor=0.7,
    warmup_steps=4,
    clip_norm=1.0,
    weight_decay=1e-3,
)
SLOW = 0.01
"""Seconds that a step takes longer, so that kills are spread over the steps."""


def task() -> SmallTask:
    return SmallTask(dropout=0.3)


def kill_self(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def half_written(tensors, path):
    """A kill in the middle of the largest file of a checkpoint."""
    data = safetensors.torch.save(tensors)
    Path(path).write_bytes(data[: len(data) // 2])
    kill_self()


def kill_before_rename():
    atomic._move_in = kill_self


def kill_while_writing():
    safetensors.torch.save_file = half_written


@contextlib.contextmanager
def whole_folder_then_kill(path):
    with atomic.atomic_folder(path) as temporary:
        yield temporary
    kill_self()


def kill_after_rename():
    """Before older checkpoints are removed."""
    checkpoints.atomic_folder = whole_folder_then_kill


def run(folder: Path, prepare=None) -> tuple[int, int]:
    """Go on with the fit in a forked process; returns its id, and a pipe that gives a byte at each step."""
    steps, told = os.pipe()
    child = os.fork()
    if child:
        os.close(told)
        return child, steps
    try:
        torch.set_num_threads(1)
        if prepare:
            prepare()
        listeners = [lambda _: os.write(told, b"."), lambda _: time.sleep(SLOW)]
        fit(task(), SETTINGS, folder, "cpu", Progress(), resume=True, listeners=listeners)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


def main() -> None:
    folder, draw, told = Path(sys.argv[1]), random.Random(5), []
    kinds = [None, None, kill_while_writing, None, kill_before_rename, None, kill_after_rename, None]
    for prepare in [*kinds, "last"]:
        child, steps = run(folder, prepare if callable(prepare) else None)
        if prepare is None:
            for _ in range(draw.randint(5, 9)):
                os.read(steps, 1)
            time.sleep(draw.uniform(0, 2 * SLOW))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(steps)
        ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
        places = sorted(place.name for place in (folder / "checkpoints").glob("step-*"))
        told.append([ended, int(places[-1].split("-")[1]) if places else 0])
    print(json.dumps(told))


if __name__ == "__main__":
    main()
