"""From slices to boxes, fast: each part of the network only where its result is asked for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..device import is_out_of_memory, out_of_memory
from .engine_boxes import Limits, SliceBoxes, Window
from .engine_plain import plain_boxes
from .network import UniversalNetwork

__all__ = ["Limits", "SliceBoxes", "SliceEngine", "Window", "plain_boxes"]


class SliceEngine:
    """A trained network, ready for slices.

    Args:
        precision: of convolutions: ``auto``, ``float32``, ``bf16`` or ``fp16``.
    """

    def __init__(self, network: UniversalNetwork, device: torch.device, precision: str = "auto") -> None:
        self._device = device
        self._network = network.eval().to(device)

    def run(self, inputs: npt.NDArray[np.float32], limits: Limits) -> list[SliceBoxes]:
        """The boxes of each slice.

        Args:
            inputs: float32 [n, 3, h, w] in [-1, 1]; h and w are multiples of the architecture's ``multiple``.

        Raises:
            DeviceError: the memory is full even with a single slice.
        """
        try:
            return plain_boxes(self._network, inputs, limits)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if len(inputs) < 2:
                raise out_of_memory(self._device) from error
        half = len(inputs) // 2
        return self.run(inputs[:half], limits) + self.run(inputs[half:], limits)
