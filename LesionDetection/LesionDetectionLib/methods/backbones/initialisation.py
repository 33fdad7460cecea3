"""How a backbone begins without weights from elsewhere."""

from __future__ import annotations

from torch import nn


def initialise(network: nn.Module) -> None:
    """He et al. 2015, as for any stack of ReLUs."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
