"""The training loop that all recipes share."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from LesionDetectionLib.core.errors import Cancelled, OutputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import describe_device, is_out_of_memory, out_of_memory
from torch import nn

from .checkpoints import CHECKPOINTS, has_checkpoint
from .distributed import Processes
from .fitting import Fitting
from .history import History, Listener
from .randomness import global_generators_kept
from .repeatable import repeatable
from .settings import EngineSettings
from .synchronised_norm import synchronised
from .task import Task


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network that was fitted.

    Attributes:
        network: in evaluation mode, on the device, with the best weights where a metric was watched, else the last.
        history: of the whole fit; empty in all processes but the first.
        steps: optimiser steps done.
        best_step: that the weights are of.
        best: the watched metric there; NaN where none was watched.
        seconds: of the whole fit, those before a resume included.
        stopped_early: whether patience ended it before ``settings.steps``.
        notes: sentences for the record: memory that was full, a damaged checkpoint.
        device: in words.
        precision: the number format, never ``auto``.
        world: processes at the end.
    """

    network: nn.Module
    history: History
    steps: int
    best_step: int
    best: float
    seconds: float
    stopped_early: bool
    notes: tuple[str, ...]
    device: str
    precision: str
    world: int

    def record(self) -> dict[str, Any]:
        """Plain JSON for a bundle's manifest; losses are means of ten equal parts."""
        found: dict[str, Any] = {
            "losses": self.history.parts(),
            "steps": self.steps,
            "stopped_early": self.stopped_early,
            "weights_of_step": self.best_step,
            "seconds": round(self.seconds),
            "device": self.device,
            "precision": self.precision,
            "processes": self.world,
            "notes": list(self.notes),
        }
        return found if self.best != self.best else {**found, "best": round(self.best, 6)}


def fit(
    task: Task[Any],
    settings: EngineSettings,
    folder: Path,
    device: str | torch.device,
    progress: Progress,
    resume: bool = False,
    listeners: Sequence[Listener] = (),
) -> Fitted:
    """Fit the network of ``task``.

    The same seed and settings give the same losses bit for bit on the same machine with the same number of threads (on a
    GPU with ``deterministic``), however often the process is killed and resumed. Started by ``torchrun``, each process
    calls this alike; see :mod:`.distributed`.

    Args:
        task: what is fitted; its network in place.
        settings: how.
        folder: gets checkpoints, ``history.jsonl`` and TensorBoard's events; one fit a folder.
        device: ``auto``, ``cpu``, ``cuda``.
        progress: told each step; cancelling writes a checkpoint first. With several processes it takes effect when a
            hook (mining, validation) is done.
        resume: go on from the newest checkpoint in ``folder``; begins at the start where there is none.
        listeners: told each record in this process (the first of several only).

    Raises:
        Cancelled: see ``progress``; the text says how to go on.
        OutputError: ``folder`` holds a fit already and ``resume`` is not set, or it cannot be written.
        UsageError: a resume with other settings, or a loss that is not finite.
        DeviceError: there is no such device, or not even one sample fits into its memory.
        InputError: every checkpoint is damaged.
    """
    folder = Path(folder)
    with contextlib.ExitStack() as stack:
        processes = stack.enter_context(Processes.join(device))
        if processes.is_main and not resume and has_checkpoint(folder):
            raise OutputError(f"{folder} holds a fit already. Resume it, or choose another folder.")
        stack.enter_context(global_generators_kept(processes.device))
        stack.enter_context(repeatable(settings.deterministic))
        stack.enter_context(synchronised(task.network, processes.world))
        fitting = Fitting(task, settings, folder, processes, listeners, resume)
        stack.callback(fitting.close)
        try:
            _loop(fitting, _for_hooks(progress, processes), progress)
        except Cancelled as stopped:
            fitting.save()
            raise Cancelled(_how_to_go_on(fitting)) from stopped
        except Exception as error:
            if is_out_of_memory(error):
                raise out_of_memory(processes.device) from error
            raise
        return _fitted(fitting)


def _loop(fitting: Fitting, hooks: Progress, progress: Progress) -> None:
    """Steps until all are done or patience is over. A resumed fit first makes up for a validation that was cut off."""
    steps = fitting.settings.steps
    while True:
        done = fitting.at.step / steps
        fitting.validate_if_due(hooks.part(done, done))
        fitting.save_if_due()
        if fitting.finished:
            return
        fitting.step(hooks.part(done, done))
        hooks(fitting.at.step / steps, f"Step {fitting.at.step} of {steps}, loss {fitting.loss:.4g}")
        if fitting.processes.any(progress.cancelled):
            raise Cancelled


def _for_hooks(progress: Progress, processes: Processes) -> Progress:
    """Of several processes only the first reports; and they stop together, between steps, or some would wait for ever:
    within a hook a cancel is not heard."""
    if processes.world == 1:
        return progress

    def report(fraction: float, text: str) -> None:
        with contextlib.suppress(Cancelled):
            progress(fraction, text)

    return Progress(report if processes.is_main else None)


def _how_to_go_on(fitting: Fitting) -> str:
    if not fitting.at.step:
        return "Cancelled before the first step. Nothing was written."
    return (
        f"Cancelled after step {fitting.at.step} of {fitting.settings.steps}. A checkpoint is in "
        f"{fitting.folder / CHECKPOINTS}: resume to go on from there."
    )


def _fitted(fitting: Fitting) -> Fitted:
    best, network = fitting.best, fitting.network
    if best.weights is not None:
        network.load_state_dict(best.weights)
    fitting.journal.flush()
    return Fitted(
        network=network.eval(),
        history=History.read(fitting.folder) if fitting.processes.is_main else History(fitting.folder),
        steps=fitting.at.step,
        best_step=best.step if best.weights is not None else fitting.at.step,
        best=best.value,
        seconds=fitting.journal.seconds,
        stopped_early=fitting.at.step < fitting.settings.steps,
        notes=tuple(fitting.journal.notes),
        device=describe_device(fitting.processes.device),
        precision=fitting.precision.name,
        world=fitting.processes.world,
    )
