"""What can be set of a fit; plain values, so that they can come from JSON or YAML (``methods/plain_values``)."""

from __future__ import annotations

from dataclasses import dataclass

from LesionDetectionLib.core.errors import UsageError

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "cosine", "step", "plateau")
PRECISIONS = ("auto", "float32", "bf16", "fp16")


@dataclass(frozen=True)
class EngineSettings:
    """How one network is fitted. 0 switches off what has "0" named below.

    Attributes:
        steps: optimiser steps at most.
        batch: samples a step, over all processes.
        accumulate: each batch is worked on in this many parts, one after another, to save memory; the engine raises it
            by itself when the memory is full.
        optimizer: ``sgd`` (with ``momentum``), ``adam`` or ``adamw``.
        learning_rate: the highest, before ``schedule``.
        momentum: of sgd.
        weight_decay: added to the gradient (sgd, adam), or taken off the weights (adamw).
        clip_norm: gradients are scaled to at most this Euclidean norm over all weights; 0: not.
        schedule: ``constant``; ``cosine``, half a cosine down to ``final_share`` of the rate; ``step``, times ``factor``
            every ``step_every`` steps; ``plateau``, times ``factor`` after ``plateau_patience`` validations without a
            better ``monitor``.
        warmup_steps: the rate rises in this many equal steps to the highest first; 0: not.
        final_share, step_every, factor, plateau_patience: see ``schedule``.
        precision: ``float32``; ``bf16`` or ``fp16`` where PyTorch's autocast allows (weights stay float32); ``auto`` is
            bf16, or fp16 where that is missing, on a GPU, and float32 elsewhere.
        validate_every: steps between validations, one more being after the last step; 0: no validation.
        monitor: the metric of the validation that decides which weights are kept; empty: the last ones are.
        higher_is_better: of ``monitor``.
        patience: stop after so many validations without a better ``monitor``; 0: never.
        checkpoint_steps, checkpoint_seconds: a checkpoint is written when either has passed since the last; 0: not.
        log_every: one line of the history for so many steps; it holds the values of its own step.
        tensorboard: write event files for TensorBoard too.
        deterministic: only algorithms that give the same bits each time. A CPU needs no such setting; a GPU gets
            slower, and a few layers are refused.
        seed: of everything random.
    """

    steps: int = 1000
    batch: int = 8
    accumulate: int = 1
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    schedule: str = "constant"
    warmup_steps: int = 0
    final_share: float = 0.0
    step_every: int = 0
    factor: float = 0.1
    plateau_patience: int = 2
    precision: str = "auto"
    validate_every: int = 0
    monitor: str = ""
    higher_is_better: bool = True
    patience: int = 0
    checkpoint_steps: int = 0
    checkpoint_seconds: float = 300.0
    log_every: int = 1
    tensorboard: bool = True
    deterministic: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense, alone or together."""
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise UsageError(f"There is no {name} “{getattr(self, name)}”. Choose one of {', '.join(known)}.")
        for name in ("steps", "batch", "accumulate", "log_every", "plateau_patience"):
            if getattr(self, name) < 1:
                raise UsageError(f"“{name}” must be at least 1, not {getattr(self, name)}.")
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise UsageError(f"“{name}” must not be negative, as {getattr(self, name)} is.")
        if not self.learning_rate > 0:
            raise UsageError(f"“learning_rate” must be more than 0, not {self.learning_rate}.")
        if self.batch < self.accumulate:
            raise UsageError(f"A batch of {self.batch} cannot be worked on in {self.accumulate} parts.")
        if self.schedule == "step" and self.step_every < 1:
            raise UsageError("The schedule “step” needs “step_every”, the steps between two falls of the rate.")
        if (self.schedule == "plateau" or self.patience) and not self.monitor:
            raise UsageError("“patience” and the schedule “plateau” need “monitor”, the metric that they watch.")
        if self.monitor and not self.validate_every:
            raise UsageError(f"To watch “{self.monitor}”, “validate_every” must be set.")


_NOT_NEGATIVE = (
    "momentum",
    "weight_decay",
    "clip_norm",
    "warmup_steps",
    "final_share",
    "step_every",
    "factor",
    "validate_every",
    "patience",
    "checkpoint_steps",
    "checkpoint_seconds",
    "seed",
)
