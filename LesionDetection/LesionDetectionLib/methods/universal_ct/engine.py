"""From slices to boxes, fast: on a CPU each part of the network only where its result is asked for, in bfloat16 where there is AMX."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..device import full_precision, narrow_format
from ..slices.at_once import by_threads, in_batches
from .engine_boxes import Limits, SliceBoxes, Window
from .engine_cuda import batch_boxes
from .engine_lazy import lazy_boxes
from .engine_network import LeanNetwork
from .engine_plain import plain_boxes
from .network import UniversalNetwork

__all__ = ["PRECISIONS", "Limits", "SliceBoxes", "SliceEngine", "Window", "plain_boxes"]

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class SliceEngine:
    """A trained network, ready for slices.

    Args:
        network: stays as it is.
        precision: of convolutions: ``float32``, ``bf16``, ``fp16``, or ``auto``: float16 on a GPU, bfloat16 on CPUs with AMX,
            float32 on others. Last layers' biases, offsets and boxes are float32 in any case.

    Attributes:
        number: the format that was chosen.
    """

    def __init__(self, network: UniversalNetwork, device: torch.device, precision: str = "auto") -> None:
        self.number = _chosen(device) if precision == "auto" else PRECISIONS[precision]
        self._device = device
        self._network = network
        self._lean = LeanNetwork(network, device, self.number)
        self._wide = None if self._lean.is_narrow else self._lean

    def run(self, inputs: npt.NDArray[np.float32], limits: Limits) -> list[SliceBoxes]:
        """The boxes of each slice.

        On a CPU each thread has slices of its own, which wait for nobody; a single one is divided among the threads.

        Args:
            inputs: float32 [n, 3, h, w] in [-1, 1]; h and w are multiples of the architecture's ``multiple``.

        Raises:
            DeviceError: the memory is full even with a single slice.
        """
        inputs = np.ascontiguousarray(inputs, dtype=np.float32)
        if self._device.type == "cuda":
            return in_batches(self._device, len(inputs), lambda some: self._batch(inputs[some], limits))
        return by_threads(self._device, len(inputs), lambda n: lazy_boxes(self._lean, inputs[n : n + 1], limits))

    def _batch(self, inputs: npt.NDArray[np.float32], limits: Limits) -> list[SliceBoxes]:
        found = batch_boxes(self._lean, inputs, limits) if self._lean.is_narrow else None
        if found is not None:
            return found
        # Asked for, or the network's values are too large for float16.
        with full_precision(self._device):
            return batch_boxes(self._in_float32(), inputs, limits) or []

    def _in_float32(self) -> LeanNetwork:
        if self._wide is None:
            self._wide = LeanNetwork(self._network, self._device, torch.float32)
        return self._wide


def _chosen(device: torch.device) -> torch.dtype:
    return torch.float16 if device.type == "cuda" else narrow_format(device) or torch.float32
