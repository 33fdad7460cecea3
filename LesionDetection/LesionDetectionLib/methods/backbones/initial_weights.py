"""A backbone's weights from elsewhere (ImageNet), in a safetensors file with torchvision's names."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from LesionDetectionLib.core.errors import InputError

from .resnet import ResNet50
from .vgg import Vgg

_LAST = ("classifier.", "fc.")
"""Layers of the whole classifier that a feature extractor does not have."""


def load_backbone(backbone: Vgg | ResNet50, path: Path) -> None:
    """Fill the backbone from a file; all of it or, where an error is raised, nothing.

    Raises:
        InputError: it cannot be read, or is of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} cannot be read as weights: {error}. It must be a safetensors file; files of PyTorch (.pth) can run "
            "code, and are not opened."
        ) from error
    own = backbone.state_dict()
    # torchvision's classifier keeps its features under “features.”; alone they were saved without it.
    found = {_named(name, own): value for name, value in weights.items() if not name.startswith(_LAST)}
    missing = [name for name in own if name not in found and not name.endswith("num_batches_tracked")]
    if missing:
        raise InputError(f"{path} has no “{missing[0]}”: it is not of this backbone.")
    for name, value in own.items():
        if name in found and found[name].shape != value.shape:
            raise InputError(
                f"“{name}” in {path} has the shape {tuple(found[name].shape)}, and the network {tuple(value.shape)}: weights "
                "from elsewhere need the full width (“base” 64)."
            )
    if not all(torch.isfinite(found[name]).all() for name in own if name in found):
        raise InputError(f"{path} holds values that are not numbers.")
    nn.Module.load_state_dict(backbone, {name: found.get(name, value) for name, value in own.items()})


def _named(name: str, own: dict[str, torch.Tensor]) -> str:
    return name if name in own or f"features.{name}" not in own else f"features.{name}"
