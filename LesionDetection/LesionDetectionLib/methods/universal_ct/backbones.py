"""The backbone of an architecture: the five stages C1 to C5 at strides 2 to 32; of VGG-19 the outputs of pool 1 to 5."""

from __future__ import annotations

from ..backbones.resnet import ResNet50
from ..backbones.vgg import VGG19_LAYERS, Vgg
from .architecture import RESNET50, VGG19_BN


def make_backbone(name: str, base: int) -> Vgg | ResNet50:
    return ResNet50(base) if name == RESNET50 else Vgg(VGG19_LAYERS, base, normalised=name == VGG19_BN)
