"""From slices to boxes, fast: on a CPU each part of the network only where its result is asked for, in bfloat16 where there is AMX."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
import numpy.typing as npt
import torch

from ..device import full_precision, is_out_of_memory, narrow_format, out_of_memory
from ..workers import Workers
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
            return self._in_batches(inputs, limits)
        return self._by_threads(inputs, limits)

    def _by_threads(self, inputs: npt.NDArray[np.float32], limits: Limits) -> list[SliceBoxes]:
        if len(inputs) < 2:
            return [self._alone(one[None], limits) for one in inputs]
        with Workers(self._device, len(inputs)) as workers:
            running = [workers.submit(lazy_boxes, self._lean, one[None], limits) for one in inputs]
            found = [_unless_memory_full(each) for each in running]
        # Where two slices at once were too many, one may fit.
        return [
            self._alone(one[None], limits) if each is None else each for one, each in zip(inputs, found, strict=True)
        ]

    def _alone(self, one: npt.NDArray[np.float32], limits: Limits) -> SliceBoxes:
        try:
            return lazy_boxes(self._lean, one, limits)
        except Exception as error:
            if is_out_of_memory(error):
                raise out_of_memory(self._device) from error
            raise

    def _in_batches(self, inputs: npt.NDArray[np.float32], limits: Limits) -> list[SliceBoxes]:
        try:
            found = batch_boxes(self._lean, inputs, limits) if self._lean.is_narrow else None
            if found is not None:
                return found
            # Asked for, or the network's values are too large for float16.
            with full_precision(self._device):
                return batch_boxes(self._in_float32(), inputs, limits) or []
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if len(inputs) < 2:
                raise out_of_memory(self._device) from error
        half = len(inputs) // 2
        return self._in_batches(inputs[:half], limits) + self._in_batches(inputs[half:], limits)

    def _in_float32(self) -> LeanNetwork:
        if self._wide is None:
            self._wide = LeanNetwork(self._network, self._device, torch.float32)
        return self._wide


def _chosen(device: torch.device) -> torch.dtype:
    return torch.float16 if device.type == "cuda" else narrow_format(device) or torch.float32


def _unless_memory_full(running: Future[SliceBoxes]) -> SliceBoxes | None:
    error = running.exception()
    if error is not None and not is_out_of_memory(error):
        raise error
    return None if error is not None else running.result()
