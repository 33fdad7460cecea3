"""What all networks of this method are built of: pairs of convolutions, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

_CONVOLUTION: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
_NORMALISATION: dict[int, type[nn.Module]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_POOLING: dict[int, type[nn.Module]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


def convolution(inputs: int, outputs: int, side: int, dimensions: int = 2, *, bias: bool = True) -> nn.Module:
    """One convolution of ``side`` pixels that keeps the size; He initialisation, as for ReLUs."""
    layer = _CONVOLUTION[dimensions](inputs, outputs, side, padding=side // 2, bias=bias)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # type: ignore[arg-type]
    if bias:
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def head(inputs: int, outputs: int, dimensions: int = 2) -> nn.Module:
    """A 1 x 1 convolution to logits, which begin close to 0."""
    layer = _CONVOLUTION[dimensions](inputs, outputs, 1)
    nn.init.normal_(layer.weight, std=0.01)  # type: ignore[arg-type]
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def pair(inputs: int, outputs: int, normalised: bool, dimensions: int = 2) -> nn.Sequential:
    """Two convolutions of 3 x 3 (x 3), each with its normalisation, if any, and a ReLU."""
    layers: list[nn.Module] = []
    for before in (inputs, outputs):
        layers.append(convolution(before, outputs, 3, dimensions, bias=not normalised))
        if normalised:
            layers.append(_NORMALISATION[dimensions](outputs))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def pooling(dimensions: int = 2) -> nn.Module:
    """The highest of 2 x 2 (x 2)."""
    return _POOLING[dimensions](2)


class Blocks(nn.Module):
    """Eight convolutions in four blocks, each of which ends in a pooling (section 2)."""

    def __init__(self, inputs: int, widths: Sequence[int], normalised: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(*pair(before, width, normalised), pooling())
            for before, width in zip((inputs, *widths[:-1]), widths, strict=True)
        )

    def forward(self, views: Tensor) -> list[Tensor]:
        """[n, inputs, h, w] -> the output of each block: [n, width, h / 2, w / 2], then half of that, and so on."""
        maps = []
        for block in self.blocks:
            views = block(views)
            maps.append(views)
        return maps


def require_multiple(views: Tensor, of: int) -> None:
    """Raises ValueError where an input's sides are no multiples of ``of``: what a pooling drops would be seen by nobody."""
    if any(side % of for side in views.shape[2:]):
        sides = " x ".join(str(side) for side in views.shape[2:])
        raise ValueError(f"the network needs sides of a multiple of {of} pixels, not {sides}")


__all__ = ["Blocks", "convolution", "head", "pair", "pooling", "require_multiple"]
