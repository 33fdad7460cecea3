"""Number formats: float32, or PyTorch's autocast to bfloat16 or float16, the latter with a scaled loss."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """How the forward pass counts, and the optimiser step that goes with it.

    float16 ends at 6e-8: the loss is multiplied by a scale that PyTorch's GradScaler finds, and a step whose gradient
    has overflown is left out.

    Args:
        name: see ``EngineSettings.precision``.
        device: where the network is.

    Attributes:
        name: the format in use, never ``auto``.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = _choose(device) if name == "auto" else name
        self._device = device
        self._scaler = _scaler(device) if self.name == "fp16" else None

    def format(self) -> contextlib.AbstractContextManager[object]:
        """The context that the loss is computed in."""
        if self.name == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=FORMATS[self.name])

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of ``loss``, scaled where the format needs it."""
        torch.autograd.backward(loss if self._scaler is None else self._scaler.scale(loss))

    def descend(
        self, optimizer: torch.optim.Optimizer, parameters: Sequence[nn.Parameter], clip_norm: float
    ) -> Tensor | None:
        """One optimiser step with gradients of at most ``clip_norm``.

        Returns:
            The norm of the gradient before it was clipped, scalar; None without clipping.
        """
        norm = None
        if self._scaler is not None:
            self._scaler.unscale_(optimizer)
        if clip_norm > 0:
            norm = nn.utils.clip_grad_norm_(parameters, clip_norm)
        if self._scaler is None:
            optimizer.step()
        else:
            self._scaler.step(optimizer)
            self._scaler.update()
        return norm

    def may_overflow(self) -> bool:
        """Whether a gradient that is not finite is nothing to worry about: its step is left out, the scale falls."""
        return self._scaler is not None

    def state(self) -> dict[str, float]:
        return {} if self._scaler is None else {name: float(value) for name, value in self._scaler.state_dict().items()}

    def restore(self, state: dict[str, float]) -> None:
        if self._scaler is not None:
            whole = {"growth_interval", "_growth_tracker"}
            self._scaler.load_state_dict({name: int(v) if name in whole else v for name, v in state.items()})


def _choose(device: torch.device) -> str:
    if device.type != "cuda":
        return "float32"
    return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp16"


def _scaler(device: torch.device) -> Any:
    """PyTorch before 2.3 has the scaler for a GPU only, under another name."""
    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler(device.type)
    return torch.cuda.amp.GradScaler()


def is_finite(values: Sequence[float]) -> bool:
    return all(math.isfinite(value) for value in values)
