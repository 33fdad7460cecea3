"""The optimiser, and its moments as tensors by the names of the parameters that they belong to."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .settings import EngineSettings


def make_optimizer(network: nn.Module, settings: EngineSettings) -> torch.optim.Optimizer:
    """The optimiser that the settings name, over the parameters that need a gradient."""
    parameters = [parameter for _, parameter in fitted_parameters(network)]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=settings.momentum, weight_decay=decay)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, rate, weight_decay=decay)


def fitted_parameters(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """Names and parameters of what is fitted; frozen ones are left out."""
    return [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def optimizer_state(optimizer: torch.optim.Optimizer, network: nn.Module) -> dict[str, Tensor]:
    """``NAME/SLOT`` -> tensor, as ``conv.weight/exp_avg``. What is no tensor, as a momentum not yet begun, is left out."""
    return {
        f"{name}/{slot}": value
        for name, parameter in fitted_parameters(network)
        for slot, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, network: nn.Module, state: dict[str, Tensor]) -> None:
    """Take up what :func:`optimizer_state` gave.

    Raises:
        KeyError: of a parameter that the network does not have.
    """
    parameters = dict(fitted_parameters(network))
    optimizer.state.clear()
    for key, value in state.items():
        name, _, slot = key.rpartition("/")
        optimizer.state[parameters[name]][slot] = _placed(slot, value, parameters[name])


def _placed(slot: str, value: Tensor, parameter: nn.Parameter) -> Tensor:
    """Moments lie where the parameter is, laid out in memory as it; Adam's step count stays on the processor."""
    if slot == "step":
        return value.clone()
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value).detach()
