"""What a network makes of a patient's two views: a map of each, and of what kind the tumour is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from LesionDetectionLib.core.errors import DeviceError

from ..device import full_precision, is_out_of_memory, out_of_memory
from ..folding import for_inference
from .architecture import NONE
from .maps import class_activation_map
from .network import CamNetwork, PetWeakNetwork
from .placing import VIEWS


@dataclass(frozen=True, eq=False)
class Looked:
    """What the two views show.

    Attributes:
        maps: float32 [2, h, w] in 0 to 1, of the coronal and the sagittal view.
        kind: the most probable kind of tumour, whose map it is; empty for a network that tells none apart.
        probabilities: of each class, by name, of both views together: the softmax of the mean of their logits [choice].
        of_view: the same of each view alone.
    """

    maps: npt.NDArray[np.float32]
    kind: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    of_view: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def tumour(self) -> float:
        """The probability of a tumour of any kind; 1 of a network that cannot say none."""
        return 1 - self.probabilities.get(NONE, 0.0)

    @property
    def says_none(self) -> bool:
        """Whether none is at least as probable as any tumour."""
        return self.tumour <= 0.5


class Looker:
    """A network of one bundle on one device, made lean."""

    def __init__(self, network: PetWeakNetwork, device: torch.device) -> None:
        self._network, self._device = for_inference(network, device), device

    def look(self, inputs: npt.NDArray[np.float32]) -> Looked:
        """[2, 1, h, w] both views of one patient. Raises DeviceError where the memory is full.

        In float32 on a GPU, too: two pictures are soon looked at, and values too large for 16 bits would leave empty maps, which say
        that there is no tumour.
        """
        try:
            with torch.inference_mode(), full_precision(self._device):
                views = torch.from_numpy(inputs).to(self._device, memory_format=torch.channels_last)
                return self._looked(views)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            failure: DeviceError = out_of_memory(self._device)
            raise failure from error

    def _looked(self, views: torch.Tensor) -> Looked:
        if not isinstance(self._network, CamNetwork):
            return Looked(self._network(views)[:, 0].sigmoid().cpu().numpy())
        architecture = self._network.architecture
        logits, activations = (found.cpu() for found in self._network(views))
        both = torch.cat([logits, logits.mean(dim=0, keepdim=True)]).softmax(dim=1).tolist()
        *single, together = (dict(zip(architecture.classes, row, strict=True)) for row in both)
        kind = max(architecture.tumour_classes, key=lambda name: together[name])
        maps = class_activation_map(activations[:, architecture.classes.index(kind)])
        return Looked(maps.numpy(), kind, together, dict(zip(VIEWS, single, strict=True)))
