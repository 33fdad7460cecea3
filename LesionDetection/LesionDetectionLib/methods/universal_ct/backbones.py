"""VGG-19 and ResNet-50 as feature extractors of any width; their layers are named as in torchvision, whose weights fit at full
width. What a network needs of them are the five stages C1 to C5 at strides 2 to 32."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .architecture import RESNET50, VGG19_BN

_VGG_LAYERS = (2, 2, 4, 4, 4)
_VGG_WIDTHS = (1, 2, 4, 8, 8)
_RESNET_BLOCKS = (3, 4, 6, 3)
_EXPANSION = 4


class Vgg19(nn.Module):
    """Simonyan & Zisserman 2015, configuration E without its last layers; C1 to C5 are the outputs of pool 1 to 5.

    Attributes:
        widths: channels of C1 to C5.
    """

    def __init__(self, base: int, normalised: bool) -> None:
        super().__init__()
        self.widths = tuple(base * factor for factor in _VGG_WIDTHS)
        layers: list[nn.Module] = []
        before = 3
        for width, count in zip(self.widths, _VGG_LAYERS, strict=True):
            for _ in range(count):
                layers.append(nn.Conv2d(before, width, 3, padding=1))
                if normalised:
                    layers.append(nn.BatchNorm2d(width))
                layers.append(nn.ReLU(inplace=True))
                before = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        _initialise(self)

    def forward(self, slices: Tensor) -> list[Tensor]:
        """[n, 3, h, w] -> C1 to C5."""
        stages = []
        for layer in self.features:
            slices = layer(slices)
            if isinstance(layer, nn.MaxPool2d):
                stages.append(slices)
        return stages


class _Bottleneck(nn.Module):
    """He et al. 2016, with the stride in the 3 x 3 convolution, as torchvision has it."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = width * _EXPANSION
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample: nn.Module | None = None
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """He et al. 2016 without its last layer; C1 is the first convolution's output, C2 to C5 those of the four groups.

    Attributes:
        widths: channels of C1 to C5.
    """

    def __init__(self, base: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, base, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(base)
        before, groups = base, []
        for n, count in enumerate(_RESNET_BLOCKS):
            width = base * 2**n
            strides = [1 if n == 0 else 2] + [1] * (count - 1)
            ins = [before] + [width * _EXPANSION] * (count - 1)
            groups.append(
                nn.Sequential(*(_Bottleneck(i, width, stride) for i, stride in zip(ins, strides, strict=True)))
            )
            before = width * _EXPANSION
        self.layer1, self.layer2, self.layer3, self.layer4 = groups
        self.widths = (base, *(base * 2**n * _EXPANSION for n in range(4)))
        _initialise(self)

    def forward(self, slices: Tensor) -> list[Tensor]:
        """[n, 3, h, w] -> C1 to C5."""
        stages = [functional.relu(self.bn1(self.conv1(slices)))]
        x = functional.max_pool2d(stages[0], 3, 2, 1)
        for group in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = group(x)
            stages.append(x)
        return stages


def make_backbone(name: str, base: int) -> Vgg19 | ResNet50:
    return ResNet50(base) if name == RESNET50 else Vgg19(base, normalised=name == VGG19_BN)


def _initialise(network: nn.Module) -> None:
    """He et al. 2015, as for any stack of ReLUs."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
