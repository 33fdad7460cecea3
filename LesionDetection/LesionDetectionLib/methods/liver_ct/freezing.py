"""What of a network stays as it is while the rest learns: normalisations and first stages that come from elsewhere."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from ..backbones.resnet import ResNet50
from ..backbones.vgg import Vgg


class Freezable(nn.Module):
    """A network parts of which stay in evaluation mode even while it learns.

    Attributes:
        backbone: None of one without.
        still: names of these parts.
    """

    backbone: Vgg | ResNet50 | None

    def __init__(self) -> None:
        super().__init__()
        self.still: tuple[str, ...] = ()

    def train(self: Own, mode: bool = True) -> Own:
        super().train(mode)
        for name in self.still:
            self.get_submodule(name).eval()
        return self


Own = TypeVar("Own", bound=Freezable)


def freeze(network: Freezable, batch_norm: bool, stages: int) -> None:
    """Keep parts as they are, for training from others' weights with few slices at a time.

    Args:
        batch_norm: normalise with the statistics that there are, everywhere, and learn no scale and shift either.
        stages: of the backbone so many, the first, do not learn; of ResNet-50 C1 to C5, of VGG-16 its five.

    Raises:
        ValueError: there are not so many stages.
    """
    still = [name for name, part in network.named_modules() if batch_norm and isinstance(part, nn.BatchNorm2d)]
    parts = {name: part for name, part in network.named_modules() if name}
    first = _first_stages(network.backbone, stages)
    still += [name for name, part in parts.items() if any(part is one for one in first) and name not in still]
    for name in still:
        parts[name].requires_grad_(False)
    network.still = tuple(still)
    network.train(network.training)


def stage_layers(backbone: Vgg) -> list[nn.Sequential]:
    """The layers of each stage of VGG, the last of each its pooling or what stands in its place."""
    ends = [n + 1 for n, layer in enumerate(backbone.features) if isinstance(layer, (nn.MaxPool2d, nn.Identity))]
    return [backbone.features[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _first_stages(backbone: Vgg | ResNet50 | None, stages: int) -> list[nn.Module]:
    groups: list[list[nn.Module]] = []
    if isinstance(backbone, Vgg):
        groups = [list(layers) for layers in stage_layers(backbone)]
    elif backbone is not None:
        groups = [[backbone.conv1, backbone.bn1]]
        groups += [[group] for group in (backbone.layer1, backbone.layer2, backbone.layer3, backbone.layer4)]
    if not 0 <= stages <= len(groups):
        raise ValueError(f"the backbone has {len(groups)} stages; {stages} cannot stay as they are")
    return [layer for group in groups[:stages] for layer in group]
