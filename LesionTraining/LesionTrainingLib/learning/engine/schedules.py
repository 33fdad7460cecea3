"""The learning rate of a step: a function of the step, and for ``plateau`` of how validations went."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .settings import EngineSettings


@dataclass
class Schedule:
    """See ``EngineSettings.schedule``.

    Attributes:
        settings: what was chosen.
        falls: how often a plateau lowered the rate.
        stale: validations without a better metric since the last better one or the last fall.
    """

    settings: EngineSettings
    falls: int = 0
    stale: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of ``step``, counted from 0."""
        settings = self.settings
        warmup = min(settings.warmup_steps, settings.steps)
        if step < warmup:
            return settings.learning_rate * (step + 1) / warmup
        if settings.schedule == "cosine":
            here = (step - warmup) / (settings.steps - warmup)
            fall = 0.5 * (1 + math.cos(math.pi * here))
            return settings.learning_rate * (settings.final_share + (1 - settings.final_share) * fall)
        falls = self.falls
        if settings.schedule == "step":
            falls = (step - warmup) // settings.step_every
        return settings.learning_rate * settings.factor**falls

    def observe(self, better: bool) -> None:
        """Take the outcome of a validation; only ``plateau`` heeds it."""
        self.stale = 0 if better else self.stale + 1
        if self.settings.schedule == "plateau" and self.stale >= self.settings.plateau_patience:
            self.falls += 1
            self.stale = 0

    def state(self) -> dict[str, Any]:
        return {"falls": self.falls, "stale": self.stale}

    def restore(self, state: dict[str, Any]) -> None:
        self.falls, self.stale = int(state["falls"]), int(state["stale"])
