"""Trained networks made lean for inference: folded, in one number format but for the last layers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torchvision.models.detection.rpn import concat_box_prediction_layers

from ..convolution.winograd import use_winograd
from ..folding import for_inference
from .boxes import Limits, Rectangle, SliceBoxes
from .engine_regions import Regions
from .faster_rcnn import FasterRcnn, kept_boxes
from .network import LiverNetwork, SingleBoxNetwork, boxes_of

Network = TypeVar("Network", bound=nn.Module)


class LeanNetwork(Protocol):
    """A copy of a network on one device."""

    def boxes(
        self, inputs: npt.NDArray[np.float32], limits: Limits, within: Sequence[Rectangle | None]
    ) -> list[SliceBoxes] | None:
        """Of each slice of [n, 3, h, w]; None where float16 is too narrow for a value."""
        ...


def lean_network(network: LiverNetwork, device: torch.device, number: torch.dtype) -> LeanNetwork:
    """
    Args:
        number: format of weights and maps; last layers and boxes are float32.
    """
    if isinstance(network, FasterRcnn):
        return LeanRcnn(network, device, number)
    return LeanSingleBox(network, device, number)


class LeanSingleBox:
    def __init__(self, network: SingleBoxNetwork, device: torch.device, number: torch.dtype) -> None:
        self._device, self._number = device, number
        self._network = _narrowed(network, device, number, ("baseline.dense",))

    def boxes(
        self, inputs: npt.NDArray[np.float32], limits: Limits, within: Sequence[Rectangle | None]
    ) -> list[SliceBoxes] | None:
        with torch.inference_mode():
            baseline, slices = self._network.baseline, _on(inputs, self._device, self._number)
            features = baseline.features(self._network.first(slices))
            outputs = baseline.dense(features.float().flatten(1)).cpu()
        if self._number == torch.float16 and not bool(torch.isfinite(outputs).all()):
            return None
        edges = boxes_of(outputs, inputs.shape[3]).double().numpy()
        return [SliceBoxes(one[None], np.ones(1)) for one in edges]


class LeanRcnn:
    """Proposals and what is kept of them are found on the CPU: of a thousand boxes that takes less than a GPU's answers."""

    def __init__(self, network: FasterRcnn, device: torch.device, number: torch.dtype) -> None:
        self._device, self._number = device, number
        wide = ("rpn.head.cls_logits", "rpn.head.bbox_pred", "head.box_predictor")
        self.network = _narrowed(network, device, number, wide)
        self._regions = Regions(self.network)

    def boxes(
        self, inputs: npt.NDArray[np.float32], limits: Limits, within: Sequence[Rectangle | None]
    ) -> list[SliceBoxes] | None:
        size = (inputs.shape[2], inputs.shape[3])
        with torch.inference_mode():
            c4 = self.network.features(_on(inputs, self._device, self._number))
            logits, deltas = (one.cpu() for one in self._propose(c4))
            proposals = self.network.proposals(c4, logits, deltas, limits.proposals, within)
            outputs = self._regions.judge(c4, [one.to(self._device) for one in proposals])
            chances, offsets = (one.cpu() for one in outputs)
            if self._number == torch.float16 and not all(
                bool(torch.isfinite(one).all()) for one in (logits, deltas, chances, offsets)
            ):
                return None
            boxes, probability = self.network.head.decoded((chances, offsets), torch.cat(proposals))
            counts = [len(one) for one in proposals]
            each = zip(torch.split(boxes, counts), torch.split(probability, counts), strict=True)
            kept = [kept_boxes(own, chance, size, limits) for own, chance in each]
        return [SliceBoxes(own.double().numpy(), chance.double().numpy()) for own, chance in kept]

    def _propose(self, c4: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`.faster_rcnn.FasterRcnn.propose`, the last layers in float32."""
        head, hidden = self.network.rpn.head, self.network.rpn.head.conv(c4).float()
        logits, deltas = concat_box_prediction_layers([head.cls_logits(hidden)], [head.bbox_pred(hidden)])
        return logits.reshape(len(c4), -1), deltas.reshape(len(c4), -1, 4)


def _narrowed(network: Network, device: torch.device, number: torch.dtype, wide: Sequence[str]) -> Network:
    """A folded copy in a number format but for the layers that are named."""
    lean = for_inference(network, device)
    kept: dict[str, nn.Module] = {name: copy.deepcopy(lean.get_submodule(name)) for name in wide}
    lean.to(number)
    use_winograd(lean)
    for name, layer in kept.items():
        lean.set_submodule(name, layer)
    return lean


def _on(inputs: npt.NDArray[np.float32], device: torch.device, number: torch.dtype) -> Tensor:
    return torch.from_numpy(inputs).to(device, number).contiguous(memory_format=torch.channels_last)
