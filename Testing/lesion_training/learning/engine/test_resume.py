"""A fit that is killed or cancelled, however often, gives the same bits as one that is not."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from engine_samples import SmallTask, losses_of, quick
from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.learning.engine.checkpoints import CHECKPOINTS, STATE, TENSORS, read_checkpoint
from LesionTrainingLib.learning.engine.fit import fit
from LesionTrainingLib.learning.engine.history import History

HERE = Path(__file__).parent
PATHS = [str(HERE), *(path for path in sys.path if path)]


def stopping_at(step):
    """A progress that is cancelled once ``step`` steps are done."""
    progress = Progress(lambda fraction, text: progress.cancel() if text.startswith(f"Step {step} ") else None)
    return progress


def same_bits(first, second):
    """Whether two checkpoints hold the same tensors."""
    assert first.tensors.keys() == second.tensors.keys()
    differing = [name for name in first.tensors if not torch.equal(first.tensors[name], second.tensors[name])]
    assert differing == []


def without_times(folder):
    """All records but what depends on the clock."""
    return [
        (r.kind, r.step, {name: v for name, v in r.values.items() if name != "samples_per_second"})
        for r in History.read(folder).records
    ]


def test_killed_at_any_moment_and_resumed_gives_the_same_bits(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(HERE / "killed_fits.py"), str(tmp_path / "killed")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [ended for ended, _ in told].count("signal 9") >= 6, told
    assert told[-1] == ["exit 0", 40]
    assert len({steps for _, steps in told}) >= 4  # the kills were spread over the fit

    spec = importlib.util.spec_from_file_location("killed_fits", HERE / "killed_fits.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    fit(script.task(), script.SETTINGS, tmp_path / "whole", "cpu", Progress())
    assert without_times(tmp_path / "killed") == without_times(tmp_path / "whole")
    killed, whole = (read_checkpoint(tmp_path / name)[0] for name in ("killed", "whole"))
    same_bits(killed, whole)
    assert any("exp_avg_sq" in name for name in whole.tensors)
    assert any("running_var" in name for name in whole.tensors)
    for name in ("at", "schedule", "best", "task"):
        assert killed.values[name] == whole.values[name]
    assert whole.values["schedule"]["falls"] > 0
    left = [path.name for path in (tmp_path / "killed").rglob(".partial*")]
    assert left == []


@pytest.mark.parametrize(
    "settings",
    [
        quick(optimizer="sgd", momentum=0.9, schedule="cosine", final_share=0.1, accumulate=2),
        quick(optimizer="adamw", weight_decay=0.01, precision="bf16", schedule="step", step_every=4),
        quick(precision="fp16", validate_every=3, monitor="noise", deterministic=True),
    ],
    ids=["sgd", "adamw bf16", "fp16"],
)
def test_cancelled_and_resumed_gives_the_same_bits(tmp_path, settings):
    whole = fit(SmallTask(0.2), settings, tmp_path / "whole", "cpu", Progress())
    for step in (1, 5, 9):
        with pytest.raises(Cancelled, match=rf"after step {step} of 12.*resume"):
            fit(SmallTask(0.2), settings, tmp_path / "cut", "cpu", stopping_at(step), resume=True)
    torch.rand(3)  # what else draws random numbers in this process does not matter
    fitted = fit(SmallTask(0.2), settings, tmp_path / "cut", "cpu", Progress(), resume=True)
    assert losses_of(fitted.history) == losses_of(whole.history)
    assert len(losses_of(whole.history)) == 12
    same_bits(*(read_checkpoint(tmp_path / name)[0] for name in ("cut", "whole")))
    weights, expected = fitted.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_a_cancel_within_a_hook_loses_nothing(tmp_path):
    class Interrupted(SmallTask):
        def __init__(self, where):
            super().__init__()
            self.where = where

        def before_step(self, step, network, peers, progress):
            if (self.where, step) == ("mining", 4):
                progress.cancel()
                progress(0, "Mining")
            super().before_step(step, network, peers, progress)

        def validate(self, network, peers, progress):
            if self.where == "validation":
                progress.cancel()
                progress(0, "Validating")
            return super().validate(network, peers, progress)

    settings = quick(validate_every=6, monitor="accuracy")
    whole = fit(SmallTask(), settings, tmp_path / "whole", "cpu", Progress())
    for where, step in (("mining", 4), ("validation", 6)):
        with pytest.raises(Cancelled, match=f"after step {step} "):
            fit(Interrupted(where), settings, tmp_path / "cut", "cpu", Progress(), resume=True)
    fitted = fit(SmallTask(), settings, tmp_path / "cut", "cpu", Progress(), resume=True)
    assert without_times(tmp_path / "cut") == without_times(tmp_path / "whole")
    assert fitted.best == whole.best


def test_a_finished_fit_is_taken_as_it_is(tmp_path):
    task = SmallTask()
    first = fit(task, quick(), tmp_path, "cpu", Progress())
    again = SmallTask(seed=0)
    again.batch = None  # nothing is drawn any more
    second = fit(again, quick(), tmp_path, "cpu", Progress(), resume=True)
    assert losses_of(second.history) == losses_of(first.history)
    assert all(torch.equal(a, b) for a, b in zip(task.network.parameters(), again.network.parameters(), strict=True))


def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(tmp_path):
    settings = quick(checkpoint_steps=4)
    whole = fit(SmallTask(), settings, tmp_path, "cpu", Progress())
    newest = sorted((tmp_path / CHECKPOINTS).iterdir())[-1] / TENSORS
    data = bytearray(newest.read_bytes())
    data[-5] ^= 1
    newest.write_bytes(data)
    fitted = fit(SmallTask(), settings, tmp_path, "cpu", Progress(), resume=True)
    assert losses_of(fitted.history) == losses_of(whole.history)
    assert any("step-00000012" in note and "damaged" in note for note in fitted.notes)
    assert read_checkpoint(tmp_path)[1] == []  # it was written anew
    for place in (tmp_path / CHECKPOINTS).iterdir():
        (place / STATE).write_text("{}")
    with pytest.raises(InputError, match="All checkpoints"):
        fit(SmallTask(), settings, tmp_path, "cpu", Progress(), resume=True)


def test_another_fit_is_not_resumed(tmp_path):
    fit(SmallTask(), quick(steps=2), tmp_path, "cpu", Progress())
    with pytest.raises(OutputError, match="holds a fit already"):
        fit(SmallTask(), quick(steps=2), tmp_path, "cpu", Progress())
    for settings, task, said in (
        (quick(steps=2, learning_rate=0.5), SmallTask(), "learning_rate was 0.02, not 0.5"),
        (quick(steps=2), SmallTask(seed=3), "its “seed” was another"),
    ):
        with pytest.raises(UsageError, match=said):
            fit(task, settings, tmp_path, "cpu", Progress(), resume=True)
    other = SmallTask()
    other.network.classify = torch.nn.Linear(8, 5)
    with pytest.raises(UsageError, match="another network"):
        fit(other, quick(steps=2), tmp_path, "cpu", Progress(), resume=True)
    allowed = replace(quick(steps=2), checkpoint_steps=1, log_every=2)
    assert fit(SmallTask(), allowed, tmp_path, "cpu", Progress(), resume=True).steps == 2
