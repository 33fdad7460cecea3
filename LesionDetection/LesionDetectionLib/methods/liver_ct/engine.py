"""From slices to boxes, fast: in bfloat16 where there is AMX, and what regions share is computed once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..device import full_precision, narrow_format
from ..slices.at_once import by_threads, in_batches
from .boxes import Limits, Rectangle, SliceBoxes
from .engine_network import LeanNetwork, lean_network
from .network import LiverNetwork

__all__ = ["PRECISIONS", "Limits", "SliceBoxes", "SliceEngine"]

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class SliceEngine:
    """A trained network, ready for slices.

    Args:
        network: stays as it is.
        precision: of convolutions: ``float32``, ``bf16``, ``fp16``, or ``auto``: float16 on a GPU, bfloat16 on CPUs with AMX,
            float32 on others. Last layers and boxes are float32 in any case.

    Attributes:
        number: the format that was chosen.
    """

    def __init__(self, network: LiverNetwork, device: torch.device, precision: str = "auto") -> None:
        self.number = _chosen(device) if precision == "auto" else PRECISIONS[precision]
        self._device = device
        self._network = network
        self._lean = lean_network(network, device, self.number)
        self._wide = None if self.number != torch.float32 else self._lean

    def run(
        self, inputs: npt.NDArray[np.float32], limits: Limits, within: Sequence[Rectangle | None] | None = None
    ) -> list[SliceBoxes]:
        """The boxes of each slice.

        On a CPU each thread has slices of its own, which wait for nobody; a single one is divided among the threads.

        Args:
            inputs: float32 [n, 3, h, w] in [-1, 1]; h and w as the architecture wants them.
            within: of each slice edges in pixels; only proposals whose centre lies in them are judged. The single-box
                detectors, which propose nothing, look at all of the slice.

        Raises:
            DeviceError: the memory is full even with a single slice.
        """
        inputs = np.ascontiguousarray(inputs, dtype=np.float32)
        around = [None] * len(inputs) if within is None else list(within)
        if self._device.type == "cuda":
            return in_batches(self._device, len(inputs), lambda some: self._batch(inputs[some], limits, around[some]))

        def alone(n: int) -> SliceBoxes:
            return self._batch(inputs[n : n + 1], limits, around[n : n + 1])[0]

        return by_threads(self._device, len(inputs), alone)

    def _batch(
        self, inputs: npt.NDArray[np.float32], limits: Limits, within: Sequence[Rectangle | None]
    ) -> list[SliceBoxes]:
        found = None if self._lean is self._wide else self._lean.boxes(inputs, limits, within)
        if found is not None:
            return found
        # Asked for, or the network's values are too large for float16.
        with full_precision(self._device):
            return self._in_float32().boxes(inputs, limits, within) or []

    def _in_float32(self) -> LeanNetwork:
        if self._wide is None:
            self._wide = lean_network(self._network, self._device, torch.float32)
        return self._wide


def _chosen(device: torch.device) -> torch.dtype:
    return torch.float16 if device.type == "cuda" else narrow_format(device) or torch.float32
