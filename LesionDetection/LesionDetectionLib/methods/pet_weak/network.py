"""The networks of this method: the paper's classifier with its class activation map, and those that it is compared with."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from .architecture import FCN, STRIDE, PetWeakArchitecture
from .layers import Blocks, require_multiple
from .segmentation_networks import Fcn, UNet


class Scored(NamedTuple):
    """What the classifier makes of n views.

    Attributes:
        logits: [n, classes]; a softmax makes them probabilities.
        activations: [n, classes, h / 16, w / 16]; w_c . f of Eq. 1, neither clipped nor divided, without the bias: their mean
            over all places, and the bias, are the logits.
    """

    logits: Tensor
    activations: Tensor


class CamNetwork(nn.Module):
    """Eight convolutions, global average pooling and a linear layer (section 2, Fig. 2). One for both views, with the same weights
    [choice]."""

    def __init__(self, architecture: PetWeakArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.features = Blocks(1, architecture.widths, architecture.normalised)
        self.classification = nn.Linear(architecture.widths[-1], len(architecture.classes))

    def forward(self, views: Tensor) -> Scored:
        """[n, 1, h, w] in 0 to 1, sides of a multiple of 16 -> classes and where they come from."""
        require_multiple(views, STRIDE)
        # Linear, so that it may stand before the mean: one map a class is all that is left to average.
        activations = functional.conv2d(self.features(views)[-1], self.classification.weight[:, :, None, None])
        return Scored(activations.mean(dim=(2, 3)) + self.classification.bias, activations)


class SegmentationNetwork(nn.Module):
    """A network that says of each pixel of a view whether it shows a tumour: ``fcn`` or ``unet``."""

    def __init__(self, architecture: PetWeakArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        kind = Fcn if architecture.kind == FCN else UNet
        self.layers = kind(architecture.widths, normalised=architecture.normalised)

    def forward(self, views: Tensor) -> Tensor:
        """[n, 1, h, w] in 0 to 1, sides of a multiple of 16 -> [n, 1, h, w] logits."""
        require_multiple(views, STRIDE)
        logits: Tensor = self.layers(views)
        return logits


PetWeakNetwork = CamNetwork | SegmentationNetwork


def make_network(architecture: PetWeakArchitecture) -> PetWeakNetwork:
    """The network, with random weights. Raises ValueError where there is none of this kind."""
    if problem := architecture.problem():
        raise ValueError(problem)
    return SegmentationNetwork(architecture) if architecture.segmenting else CamNetwork(architecture)
