"""The best weights so far, by the metric that the settings name, and how long nothing better came."""

from __future__ import annotations

import math
from typing import Any

from LesionDetectionLib.core.errors import UsageError
from torch import Tensor, nn

from .settings import EngineSettings


class Best:
    """Keeps the weights of the best validation.

    Attributes:
        step: of the best weights; 0 before the first validation.
        value: of the metric there.
        stale: validations since then.
        weights: by name, on the processor; None where no metric is watched or none was measured.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._name, self._higher, self._patience = settings.monitor, settings.higher_is_better, settings.patience
        self.step, self.value, self.stale = 0, math.nan, 0
        self.weights: dict[str, Tensor] | None = None

    @property
    def exhausted(self) -> bool:
        """Whether the patience is over."""
        return self._patience > 0 and self.stale >= self._patience

    def observe(self, metrics: dict[str, float], step: int, network: nn.Module) -> bool:
        """Take a validation; returns whether it is the best so far. A metric that is not a number is not better.

        Raises:
            UsageError: the watched metric is not among them.
        """
        if not self._name:
            return False
        if self._name not in metrics:
            known = ", ".join(metrics) or "none"
            raise UsageError(f"“monitor” is “{self._name}”, but the validation gives {known}.")
        value = metrics[self._name]
        risen = value > self.value if self._higher else value < self.value
        if not (risen or (math.isnan(self.value) and not math.isnan(value))):
            self.stale += 1
            return False
        self.step, self.value, self.stale = step, value, 0
        self.weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        return True

    def state(self) -> dict[str, Any]:
        return {"step": self.step, "value": None if math.isnan(self.value) else self.value, "stale": self.stale}

    def restore(self, state: dict[str, Any], weights: dict[str, Tensor]) -> None:
        self.step, self.stale = int(state["step"]), int(state["stale"])
        self.value = math.nan if state["value"] is None else float(state["value"])
        self.weights = weights or None
