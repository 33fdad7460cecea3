"""From slices to boxes, fast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..device import narrow_format
from ..folding import for_inference
from .boxes import Limits, Rectangle, SliceBoxes
from .network import FasterRcnn, LiverNetwork, boxes_of

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
        narrow = torch.float16 if device.type == "cuda" else narrow_format(device) or torch.float32
        self.number = narrow if precision == "auto" else PRECISIONS[precision]
        self._device = device
        self._lean = for_inference(network, device)

    def run(
        self, inputs: npt.NDArray[np.float32], limits: Limits, within: Sequence[Rectangle | None] | None = None
    ) -> list[SliceBoxes]:
        """The boxes of each slice.

        Args:
            inputs: float32 [n, 3, h, w] in [-1, 1]; h and w as the architecture wants them.
            within: of each slice edges in pixels; only proposals whose centre lies in them are judged. The single-box
                detectors, which propose nothing, look at all of the slice.

        Raises:
            DeviceError: the memory is full even with a single slice.
        """
        found = []
        for n, one in enumerate(inputs):
            slices = torch.from_numpy(one[None]).to(self._device)
            with torch.inference_mode():
                if isinstance(self._lean, FasterRcnn):
                    ((boxes, chance),) = self._lean.find(slices, limits, None if within is None else [within[n]])
                else:
                    boxes = boxes_of(self._lean(slices), slices.shape[3])
                    chance = torch.ones(1)
            found.append(SliceBoxes(boxes.double().cpu().numpy(), chance.double().cpu().numpy()))
        return found
