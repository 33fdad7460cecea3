"""Several processes, on one machine or many, that fit one network together: ``torchrun`` starts them.

Each process works on its share of every global batch. Gradients, the sums and counts of a loss, and the statistics of
batch normalisation are added over all processes, so that the result is that of one process with the same batch, but for
the order of additions (differences of about 1e-7 a step). Processes talk through NCCL about what lies on a GPU, and
through Gloo about the rest.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed
from LesionDetectionLib.core.errors import DeviceError, UsageError
from LesionDetectionLib.methods.device import choose_device
from torch import Tensor, nn

from .task import Peers

Plain = TypeVar("Plain")

PATIENCE = timedelta(hours=12)
"""A process waits this long for another, which may be at work alone: mining, validating, writing."""
BUCKET = 2**24
"""So many numbers of the gradient are added over the processes at once (64 MiB)."""


@dataclass(frozen=True)
class Processes(Peers):
    """This process among those that fit together; alone where ``world`` is 1.

    Attributes:
        device: where this process computes.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @staticmethod
    @contextlib.contextmanager
    def join(device: str | torch.device = "auto") -> Iterator[Processes]:
        """Meet the other processes that ``torchrun`` started, if it did; leave them at the end of the block.

        Within another such block the same processes are given again.

        Args:
            device: ``auto``, ``cpu``, ``cuda``; of several processes on a machine each gets its own GPU.

        Raises:
            DeviceError: there is no such device, or there are fewer GPUs than processes.
            UsageError: an environment that ``torchrun`` did not make.
        """
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
            yield Processes(rank, world, choose_device(str(device)))
            return
        world = _number("WORLD_SIZE", 1)
        if world == 1:
            yield Processes(device=choose_device(str(device)))
            return
        if not {"RANK", "MASTER_ADDR", "MASTER_PORT"} <= set(os.environ):
            raise UsageError("WORLD_SIZE is set but RANK, MASTER_ADDR or MASTER_PORT is not: start it with torchrun.")
        own = _own_device(choose_device(str(device)))
        # Its functions take the group of the moment it is loaded as a default, which optimisers cause. Loaded later, it
        # would keep the group's threads alive until the interpreter ends, and the process could end in an abort.
        importlib.import_module("torch.distributed.nn.functional")

        backend = "gloo"
        if own.type == "cuda":
            torch.cuda.set_device(own)
            backend = "cpu:gloo,cuda:nccl"
        torch.distributed.init_process_group(backend, timeout=PATIENCE)
        try:
            yield Processes(_number("RANK", 0), world, own)
        finally:
            torch.distributed.destroy_process_group()

    @property
    def count(self) -> int:
        return self.world

    @property
    def is_main(self) -> bool:
        """Whether this is the one process that writes files and reports."""
        return self.rank == 0

    def gather(self, values: Tensor) -> Tensor:
        values = values.detach()
        if self.world == 1:
            return values
        sizes = [int(size) for size in self._all(torch.tensor([len(values)]))]
        kind = values.dtype
        sent = values.to(_CARRIED.get(kind, kind)).contiguous()
        padded = sent.new_zeros((max(sizes), *sent.shape[1:]))
        padded[: len(sent)] = sent
        received = self._all(padded)
        joined = torch.cat([part[:size] for part, size in zip(received, sizes, strict=True)])
        # Sample n of process r is number n * world + r of the global batch: see Share.
        numbers = torch.cat([torch.arange(size) * self.world + rank for rank, size in enumerate(sizes)])
        return joined[torch.argsort(numbers).to(joined.device)].to(kind)

    def _all(self, values: Tensor) -> list[Tensor]:
        received = [torch.empty_like(values) for _ in range(self.world)]
        torch.distributed.all_gather(received, values)
        return received

    def sum(self, values: Tensor) -> Tensor:
        values = values.detach()
        if self.world > 1:
            values = values.clone()
            torch.distributed.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        return flag if self.world == 1 else bool(self.sum(torch.tensor([float(flag)])).item())

    def barrier(self) -> None:
        """Wait until all processes are here."""
        self.any(False)

    def share_bytes(self, data: bytes | None) -> bytes | None:
        """What process 0 gives, in every process."""
        if self.world == 1:
            return data
        length = torch.tensor([-1 if data is None else len(data)])
        torch.distributed.broadcast(length, 0)
        if length.item() < 0:
            return None
        content = torch.empty(int(length), dtype=torch.uint8)
        if self.is_main and data:
            content = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        torch.distributed.broadcast(content, 0)
        return content.numpy().tobytes()

    def share_json(self, values: Plain) -> Plain:
        """What process 0 gives, in every process: plain values that JSON can hold."""
        if self.world == 1:
            return values
        data = self.share_bytes(json.dumps(values).encode() if self.is_main else None)
        shared: Plain = json.loads(data or b"null")
        return shared

    def share_network(self, network: nn.Module) -> None:
        """Make parameters and buffers those of process 0."""
        if self.world > 1:
            for tensor in network.state_dict().values():
                plain = tensor.contiguous()
                torch.distributed.broadcast(plain, 0)
                tensor.copy_(plain)

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Each gradient becomes the sum over all processes; one that no process has stays None."""
        if self.world == 1:
            return
        parameters = list(parameters)
        has = torch.tensor([float(parameter.grad is not None) for parameter in parameters])
        torch.distributed.all_reduce(has)
        wanted = [parameter for parameter, count in zip(parameters, has.tolist(), strict=True) if count]
        for bucket in _buckets(wanted):
            for parameter in bucket:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
            gradients = [parameter.grad for parameter in bucket if parameter.grad is not None]
            flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
            torch.distributed.all_reduce(flat)
            parts = torch.split(flat, [gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view(gradient.shape))


_CARRIED = {torch.bool: torch.uint8, torch.bfloat16: torch.float32}
"""Types that Gloo does not carry, and as what they go."""


def _buckets(parameters: list[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Runs of parameters of one type with at most ``BUCKET`` numbers, or one parameter."""
    bucket: list[nn.Parameter] = []
    for parameter in parameters:
        full = sum(each.numel() for each in bucket) + parameter.numel() > BUCKET
        if bucket and (full or bucket[0].dtype != parameter.dtype):
            yield bucket
            bucket = []
        bucket.append(parameter)
    if bucket:
        yield bucket


def _own_device(device: torch.device) -> torch.device:
    if device.type != "cuda":
        return device
    local, there = _number("LOCAL_RANK", 0), torch.cuda.device_count()
    if local >= there:
        raise DeviceError(
            f"This machine has {there} GPU(s) but more processes: give torchrun --nproc-per-node {there}."
        )
    return torch.device("cuda", local)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdigit():
        raise UsageError(f"The environment variable {name} is “{text}”, no number: start it with torchrun.")
    return int(text)
