"""A 3 x 3 convolution of upsampled maps beside others, without the upsampled maps: the same numbers from the small ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def beside_upsampled(layer: nn.Conv2d, maps: Tensor, coarse: Tensor) -> Tensor:
    """What ``layer`` gives for ``maps`` and ``coarse`` enlarged to their size, its nearest values repeated, channel after channel.

    Of 512 coarse channels on 512 x 512 places the enlarged maps are 512 MiB, and as much again for each gradient. In a 3 x 3
    window of them, each of the nine weights meets one coarse value; so the nine products are taken on the coarse map (one
    convolution of 1 x 1 with nine times the outputs), and added up at the places that need them. With blocks of 8 x 8 these
    are a 64th of the products. Gradients reach the layer's own weight.

    Args:
        layer: of 3 x 3 with padding 1, for the coarse channels first, then the others.
        maps: [n, c, y, x].
        coarse: [n, d, y / factor, x / factor]; the factor a whole number, at least 2.

    Returns:
        [n, outputs, y, x].
    """
    count, channels, factor = layer.out_channels, coarse.shape[1], maps.shape[3] // coarse.shape[3]
    weight, own = layer.weight[:, :channels], layer.weight[:, channels:]
    taps = weight.permute(2, 3, 0, 1).reshape(9 * count, channels, 1, 1)
    coarse_rows, coarse_columns = coarse.shape[2:]
    products = functional.conv2d(coarse, taps).reshape(len(coarse), 3, 3, count, coarse_rows, coarse_columns)
    found = _enlarged(_enlarged(products, -2, factor), -1, factor)
    return found + functional.conv2d(maps, own, layer.bias, padding=1)


def _enlarged(products: Tensor, dim: int, factor: int) -> Tensor:
    """Along one axis: what the products with a window's three weights add up to at each place of the enlarged map.

    At the first place of a block the window's first weight meets the block before; at the last place its last meets the block
    after; all else is in the block itself. Beyond the border there are zeros, as the layer pads.

    Args:
        products: [n, 3, ...], of each coarse place with the three weights.
        dim: -2 or -1, the axis.

    Returns:
        [n, ...], longer by ``factor`` along the axis.
    """
    before, here, after = products.unbind(1)
    size = here.shape[dim]
    nothing = torch.zeros_like(here.narrow(dim, 0, 1))
    inner = before + here + after
    first = torch.cat([nothing, before.narrow(dim, 0, size - 1)], dim) + here + after
    last = before + here + torch.cat([after.narrow(dim, 1, size - 1), nothing], dim)
    return torch.stack([first, *[inner] * (factor - 2), last], dim=dim).flatten(dim - 1, dim)
