"""VGG-16 and VGG-19 (Simonyan & Zisserman 2015, configurations D and E) without their last layers, of any width."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from .initialisation import initialise

VGG16_LAYERS, VGG19_LAYERS = (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)
"""Convolutions of each stage."""
_WIDTHS = (1, 2, 4, 8, 8)


class Vgg(nn.Module):
    """Five stages of 3 x 3 convolutions with ReLU, a pooling after each; layers are named as in torchvision.

    Args:
        layers: convolutions of each stage.
        base: channels of the first stage; 64 for weights from elsewhere.
        normalised: with batch normalisation after every convolution.
        pools: so many stages end in a pooling; the others keep their pixels.

    Attributes:
        widths: channels of each stage.
    """

    def __init__(self, layers: tuple[int, ...], base: int, normalised: bool = False, pools: int = 5) -> None:
        super().__init__()
        self.widths = tuple(base * factor for factor in _WIDTHS)
        plan: list[str | int] = []
        for width, count in zip(self.widths, layers, strict=True):
            plan += [*[width] * count, "M"]
        features = make_layers(plan, normalised)
        ends = [n for n, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)]
        for n in ends[pools:]:
            features[n] = nn.Identity()
        self.features = features
        self._ends = frozenset(ends)
        initialise(self)

    def forward(self, slices: Tensor, stages: int = 5) -> list[Tensor]:
        """[n, 3, h, w] -> the outputs of the first ``stages`` stages, after their pooling."""
        found: list[Tensor] = []
        for n, layer in enumerate(self.features):
            slices = layer(slices)
            if n in self._ends:
                found.append(slices)
                if len(found) == stages:
                    break
        return found
