"""The gradient of one step: of the whole batch, whatever the number of processes and parts it is worked on in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .ahead import Ahead
from .distributed import Processes
from .precision import Precision
from .randomness import seed_everything
from .settings import EngineSettings
from .task import Share, Task, Term


def add_up_gradient(
    task: Task[Any],
    settings: EngineSettings,
    precision: Precision,
    processes: Processes,
    step: int,
    parts: int,
    batches: Ahead | None = None,
) -> dict[str, Tensor]:
    """Leave in the network the gradient of the loss of ``step``, scaled as ``precision`` wants it.

    With one part it is the gradient of sum(total) / sum(count) exactly. With several each part is weighted with its
    samples: the same for terms that count every sample, a mean of means for others (positives, kept samples).

    Args:
        batches: of the task; may make the next while this one is worked on. None: each is made when it is needed.

    Returns:
        The terms of the loss over the whole batch, scalars on the device; their sum is the loss.
    """
    network = task.network
    network.zero_grad(set_to_none=True)
    told: dict[str, Tensor] = {}
    batches = batches or Ahead(task, torch.device("cpu"))

    def share_of(part: int) -> Share:
        # Every parts-th sample is in this part, and of these every world-th is this process's: see Processes.gather.
        return Share(part + parts * processes.rank, parts * processes.world)

    for part in range(parts):
        seed_everything(settings.seed, "step", step, part, processes.rank)
        weight = Share(part, parts).size(settings.batch) / settings.batch
        batch = batches.batch(step, settings.batch, share_of(part))
        if part + 1 < parts or step + 1 < settings.steps:
            following = (step, part + 1) if part + 1 < parts else (step + 1, 0)
            batches.announce(following[0], settings.batch, share_of(following[1]))
        with precision.format():
            loss, means = mean_loss(task.loss(network, batch, processes), processes)
        del batch
        if loss.requires_grad:
            precision.backward(loss * weight if parts > 1 else loss)
        for name, mean in means.items():
            told[name] = told[name] + mean * weight if name in told else mean * weight
    processes.add_gradients(parameter for parameter in network.parameters() if parameter.requires_grad)
    return told


def mean_loss(terms: Mapping[str, Term], processes: Processes) -> tuple[Tensor, dict[str, Tensor]]:
    """The own share of the loss, whose gradients add up over processes to that of the whole.

    Returns:
        The sum over terms of own total / count of all; and each term's mean over all, without gradient, float64.
    """
    totals = torch.stack([term.total.float() for term in terms.values()])
    counts = [
        torch.as_tensor(term.count, dtype=torch.float64, device=totals.device).detach() for term in terms.values()
    ]
    sums = processes.sum(torch.cat([totals.detach().double(), torch.stack(counts)]))
    summed, counted = sums.split(len(counts))  # type: ignore[no-untyped-call]
    divisors = torch.where(counted > 0, counted, 1.0)
    means = dict(zip(terms, (summed / divisors).unbind(), strict=True))
    return (totals / divisors.to(totals.dtype)).sum(), means
