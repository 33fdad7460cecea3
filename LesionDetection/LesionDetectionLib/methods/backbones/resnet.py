"""ResNet-50 (He et al. 2016) without its last layer, of any width, made of torchvision's blocks and named as there."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import Bottleneck

from .initialisation import initialise

_BLOCKS = (3, 4, 6, 3)


class ResNet50(nn.Module):
    """C1 is the first convolution's output, C2 to C5 those of the four groups, at strides 2 to 32.

    Args:
        base: channels of C1; 64 for weights from elsewhere.

    Attributes:
        widths: channels of C1 to C5.
    """

    def __init__(self, base: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, base, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(base)
        before, groups = base, []
        for n, count in enumerate(_BLOCKS):
            group, before = _group(before, base * 2**n, count, 1 if n == 0 else 2)
            groups.append(group)
        self.layer1, self.layer2, self.layer3, self.layer4 = groups
        self.widths = (base, *(base * 2**n * Bottleneck.expansion for n in range(len(_BLOCKS))))
        initialise(self)

    def forward(self, slices: Tensor, stages: int = 5) -> list[Tensor]:
        """[n, 3, h, w] -> the first ``stages`` of C1 to C5."""
        found = [functional.relu(self.bn1(self.conv1(slices)))]
        x = functional.max_pool2d(found[0], 3, 2, 1)
        for group in (self.layer1, self.layer2, self.layer3, self.layer4)[: stages - 1]:
            x = group(x)
            found.append(x)
        return found


def _group(before: int, width: int, count: int, stride: int) -> tuple[nn.Sequential, int]:
    """Blocks of one group, and the channels that they give."""
    after = width * Bottleneck.expansion
    shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
    blocks = [Bottleneck(before, width, stride, shortcut), *(Bottleneck(after, width) for _ in range(count - 1))]
    return nn.Sequential(*blocks), after
