"""A fit in the making: a step, a validation, a checkpoint, and going on from one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from LesionDetectionLib.core.errors import DeviceError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import is_out_of_memory, out_of_memory
from torch import Tensor

from . import snapshot
from .ahead import Ahead
from .best import Best
from .checkpoints import Checkpoint, pack, read_checkpoint, unpack, write_checkpoint
from .distributed import Processes
from .gradient import add_up_gradient
from .history import STEP, VALIDATION, Listener
from .journal import Journal
from .memory import Buffers, less_at_once
from .optimisers import fitted_parameters, make_optimizer, optimizer_state, restore_optimizer, set_rate
from .precision import Precision, is_finite
from .randomness import seed_everything
from .schedules import Schedule
from .settings import EngineSettings
from .task import Task


@dataclass
class Position:
    """How far a fit is.

    Attributes:
        step: optimiser steps done.
        validated: steps done at the last validation.
        parts: each batch is worked on in so many parts.
    """

    step: int
    validated: int
    parts: int


class Fitting:
    """One fit: all that a checkpoint holds, and what is done with it.

    Attributes:
        loss: of the last step.
    """

    def __init__(
        self,
        task: Task[Any],
        settings: EngineSettings,
        folder: Path,
        processes: Processes,
        listeners: Sequence[Listener],
        resume: bool,
    ) -> None:
        self.task, self.settings, self.folder, self.processes = task, settings, folder, processes
        if settings.batch < processes.world * settings.accumulate:
            raise UsageError(f"A batch of {settings.batch} is too small for {processes.world} processes.")
        task.network.to(processes.device)
        self.network = task.network
        self.optimizer = make_optimizer(self.network, settings)
        self._parameters = [parameter for _, parameter in fitted_parameters(self.network)]
        self.precision = Precision(settings.precision, processes.device)
        self.schedule, self.best = Schedule(settings), Best(settings)
        self.at = Position(0, 0, settings.accumulate)
        self.loss = float("nan")
        saved, notes = self._newest() if resume else (None, [])
        values = self._restore(saved) if saved else {}
        processes.share_network(self.network)
        self.journal = Journal(
            folder if processes.is_main else None,
            listeners,
            self.at.step,
            values.get("history_bytes", 0),
            values.get("seconds", 0.0),
            settings.tensorboard,
        )
        self.journal.notes[:0] = values.get("notes", [])
        for text in [*notes, *self._changes(values)]:
            self.journal.note(text, self.at.step)
        self._buffers, self._batches = Buffers(self.network), Ahead(task, processes.device)
        self._saved, self._saved_at = (self.at.step, self.at.validated) if saved else (0, 0), time.monotonic()

    def close(self) -> None:
        """End what goes on beside the steps."""
        self._batches.close()
        self.journal.close()

    @property
    def finished(self) -> bool:
        return self.at.step >= self.settings.steps or self.best.exhausted

    # -- a step -------------------------------------------------------------------------------------------------------

    def step(self, progress: Progress) -> None:
        """The next optimiser step.

        Raises:
            UsageError: the loss is not finite.
            DeviceError: not even one sample fits into the memory.
        """
        step, settings = self.at.step, self.settings
        seed_everything(settings.seed, "before step", step)
        self.task.before_step(step, self.network, self.processes, progress)
        started = time.monotonic()
        rate = self.schedule.rate(step)
        set_rate(self.optimizer, rate)
        self.network.train()
        terms = self._gradient(step)
        norm = self.precision.descend(self.optimizer, self._parameters, settings.clip_norm)
        values = self._values(terms, norm)
        self.at.step, self.loss = step + 1, values["loss"]
        if self.at.step % settings.log_every == 0 or self.at.step == settings.steps:
            values |= {"rate": rate, "samples_per_second": settings.batch / (time.monotonic() - started)}
            self.journal.tell(STEP, self.at.step, values)

    def _gradient(self, step: int) -> dict[str, Tensor]:
        """The gradient and the terms of the loss; with less at a time when the memory is full."""
        while True:
            self._buffers.keep()
            try:
                return add_up_gradient(
                    self.task, self.settings, self.precision, self.processes, step, self.at.parts, self._batches
                )
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            # Only here, as the error holds on to what filled the memory.
            self._halve(step)

    def _halve(self, step: int) -> None:
        self.network.zero_grad(set_to_none=True)
        self._buffers.put_back()
        if self.processes.world > 1:  # the others are in the middle of the step and wait for this one
            raise DeviceError(
                f"The memory of process {self.processes.rank} is full. Set “accumulate” to {self.at.parts * 2} or more, "
                "or use more processes."
            )
        if self.at.parts == self.settings.batch:
            raise out_of_memory(self.processes.device)
        if self.processes.device.type == "cuda":
            torch.cuda.empty_cache()
        self.at.parts = min(2 * self.at.parts, self.settings.batch)
        self.journal.note(less_at_once(self.at.parts, step, self.settings), step)

    def _values(self, terms: dict[str, Tensor], norm: Tensor | None) -> dict[str, float]:
        """The values of the step's record; the one place in a step that waits for the GPU."""
        told = [*terms.values()] if norm is None else [*terms.values(), norm.detach().double()]
        numbers: list[float] = torch.stack(told).tolist()
        losses = dict(zip(terms, numbers, strict=False))
        checked = numbers[: len(losses)] if self.precision.may_overflow() else numbers
        if not is_finite(checked):
            raise self._not_finite(losses, numbers[len(losses) :])
        values = {"loss": sum(losses.values())}
        if len(losses) > 1:
            values |= {f"loss/{name}": value for name, value in losses.items()}
        if norm is not None:
            values["gradient_norm"] = numbers[-1]
        return values

    def _not_finite(self, losses: dict[str, float], norm: list[float]) -> UsageError:
        told = [f"{name} {value:g}" for name, value in losses.items()] + [f"gradient norm {value:g}" for value in norm]
        kept = f"The checkpoint of step {self._saved[0]} stays. " if self._saved[0] else ""
        return UsageError(
            f"The loss of step {self.at.step} is not a finite number ({', '.join(told)}). {kept}Look at the samples of "
            "that step, or try a smaller “learning_rate”, “clip_norm”, or the “precision” float32."
        )

    # -- a validation -------------------------------------------------------------------------------------------------

    def validate_if_due(self, progress: Progress) -> None:
        every, step = self.settings.validate_every, self.at.step
        due = every and step and (step % every == 0 or step == self.settings.steps)
        if not due or self.at.validated == step:
            return
        seed_everything(self.settings.seed, "validate", step)
        self.network.eval()
        with torch.no_grad():
            metrics = self.task.validate(self.network, self.processes, progress)
        metrics = self.processes.share_json({name: float(value) for name, value in metrics.items()})
        better = self.best.observe(metrics, step, self.network)
        self.schedule.observe(better)
        self.at.validated = step
        self.journal.tell(VALIDATION, step, metrics)

    # -- a checkpoint -------------------------------------------------------------------------------------------------

    def save_if_due(self) -> None:
        steps, seconds = self.settings.checkpoint_steps, self.settings.checkpoint_seconds
        passed = self.at.step - self._saved[0]
        late = time.monotonic() - self._saved_at >= seconds > 0
        if self.finished or late or (steps and passed >= steps):
            self.save()

    def save(self) -> None:
        """Write a checkpoint, if anything has changed since the last.

        Raises:
            OutputError: see :func:`.checkpoints.write_checkpoint`.
            UsageError: weights that are not finite; the checkpoint before stays.
        """
        if not self.processes.is_main or self._saved == (self.at.step, self.at.validated):
            return
        weights = self.network.state_dict()
        if not all(torch.isfinite(tensor).all() for tensor in weights.values() if tensor.is_floating_point()):
            raise self._not_finite({"weights": float("nan")}, [])
        plain, arrays = snapshot.split_state(self.task.state())
        self.journal.flush()
        values = {
            **self._described(),
            "at": vars(self.at),
            "schedule": self.schedule.state(),
            "best": self.best.state(),
            "scaler": self.precision.state(),
            "task": plain,
            "history_bytes": self.journal.position,
            "seconds": self.journal.seconds,
            "notes": self.journal.notes,
            "world": self.processes.world,
            "torch": torch.__version__,
        }
        tensors = {
            **snapshot.under("network", weights),
            **snapshot.under("optimizer", optimizer_state(self.optimizer, self.network)),
            **snapshot.under("best", self.best.weights or {}),
            **snapshot.under("task", arrays),
        }
        write_checkpoint(self.folder, self.at.step, self.at.validated, Checkpoint(values, tensors))
        self._saved, self._saved_at = (self.at.step, self.at.validated), time.monotonic()

    def _described(self) -> dict[str, Any]:
        return snapshot.described(self.settings, self.precision.name, self.task.identity())

    def _newest(self) -> tuple[Checkpoint | None, list[str]]:
        """Process 0 reads; the others get it from there, so that hosts need no common folder."""
        if self.processes.world == 1:
            return read_checkpoint(self.folder)
        found, notes = read_checkpoint(self.folder) if self.processes.is_main else (None, [])
        values, tensors = pack(found) if found else (None, None)
        values, tensors = self.processes.share_bytes(values), self.processes.share_bytes(tensors)
        return (unpack(values, tensors) if values and tensors else None), notes

    def _restore(self, saved: Checkpoint) -> dict[str, Any]:
        values, tensors = saved.values, saved.tensors
        snapshot.refuse_another(values, self._described())
        try:
            self.network.load_state_dict(snapshot.of("network", tensors))
            restore_optimizer(self.optimizer, self.network, snapshot.of("optimizer", tensors))
        except (RuntimeError, KeyError) as error:
            raise UsageError(
                f"The checkpoint in {self.folder} is of another network. Begin anew in another folder."
            ) from error
        self.at = Position(**values["at"])
        self.schedule.restore(values["schedule"])
        self.best.restore(values["best"], snapshot.of("best", tensors))
        self.precision.restore(values["scaler"])
        self.task.restore(snapshot.join_state(values["task"], snapshot.of("task", tensors)))
        return values

    def _changes(self, before: dict[str, Any]) -> list[str]:
        """What has changed since the checkpoint and may change the last digits."""
        notes = []
        if before and before["world"] != self.processes.world:
            notes.append(
                f"From step {self.at.step} on {self.processes.world} process(es) worked instead of {before['world']}."
            )
        if before and before["torch"] != torch.__version__:
            notes.append(f"From step {self.at.step} on PyTorch was {torch.__version__} instead of {before['torch']}.")
        return notes
