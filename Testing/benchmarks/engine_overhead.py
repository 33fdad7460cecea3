"""What the training engine costs beside the network: seconds a step against a bare PyTorch loop, and a checkpoint.

    python Testing/benchmarks/engine_overhead.py [--steps N] [--widths 16,32] [--threads N]

Both loops fit the same small 3D network on the same samples and end with the same weights; the engine writes its history
and TensorBoard's events at each step. The loops take turns, in short runs; told is the least processor time of each, which
other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import describe_device
from LesionTrainingLib.learning.engine.checkpoints import CHECKPOINTS, TENSORS
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.fit import fit
from LesionTrainingLib.learning.engine.fitting import Fitting
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.engine.task import Task, Term
from torch import nn
from torch.nn import functional

SIDE, ROUNDS = 16, 5


class Cubes(Task):
    """Bright cubes and dark ones, made beforehand, so that only the loop is measured."""

    def __init__(self, widths: tuple[int, ...], batch: int) -> None:
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for before, after in zip((1, *widths), widths, strict=False):
            layers += [nn.Conv3d(before, after, 3, bias=False), nn.BatchNorm3d(after), nn.ReLU()]
        self.network = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(widths[-1], 2))
        self.labels = torch.arange(batch) % 2
        self.voxels = torch.randn(batch, 1, SIDE, SIDE, SIDE) + self.labels.view(-1, 1, 1, 1, 1)

    def batch(self, step, size, share):
        return share.of(self.voxels), share.of(self.labels)

    def loss(self, network, batch, peers):
        voxels, labels = batch
        losses = functional.cross_entropy(network(voxels), labels, reduction="none")
        return {"classification": Term(losses.sum(), len(losses))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60, help="of each of the runs (default 60)")
    parser.add_argument("--widths", default="8,16", help="channels of the convolutions (default 8,16)")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    widths = tuple(int(width) for width in options.widths.split(","))
    settings = EngineSettings(steps=options.steps, batch=options.batch, checkpoint_seconds=0.0, tensorboard=False)
    kinds = {"engine": settings, "engine with TensorBoard": replace(settings, tensorboard=True)}
    seconds: dict[str, list[float]] = {"bare": [], **{name: [] for name in kinds}}
    bare(Cubes(widths, options.batch), 5)
    for _ in range(ROUNDS):
        plain = Cubes(widths, options.batch)
        seconds["bare"].append(bare(plain, options.steps))
        for name, its in kinds.items():
            task = Cubes(widths, options.batch)
            seconds[name].append(engine(task, its))
            check_same(plain.network, task.network)
    numbers = sum(parameter.numel() for parameter in plain.network.parameters())
    device = describe_device(torch.device("cpu"))
    print(f"{numbers} parameters, batch {options.batch} of {SIDE}^3 voxels, {ROUNDS} x {options.steps} steps, {device}")
    for name, runs in seconds.items():
        print(f"{name:24} {1e3 * min(runs):8.2f} ms a step   ratio {min(runs) / min(seconds['bare']):.3f}")
    for millions in (1, 10):
        took, size = checkpoint(millions * 10**6)
        print(f"checkpoint, {millions} million parameters with Adam: {took:.2f} s, {size / 2**20:.0f} MiB")


def bare(task: Cubes, steps: int) -> float:
    """Processor seconds a step of the least that a training loop does."""
    optimizer = torch.optim.Adam(task.network.parameters(), 1e-3)
    task.network.train()
    start = time.process_time()
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(task.network(task.voxels), task.labels)
        loss.backward()
        optimizer.step()
        loss.item()
    return (time.process_time() - start) / steps


def engine(task: Cubes, settings: EngineSettings) -> float:
    """Processor seconds from the first step's record to the last's, over the steps between: no start, no checkpoint."""
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        fit(task, settings, Path(folder), "cpu", Progress(), listeners=[lambda _: times.append(time.process_time())])
    return (times[-1] - times[0]) / (len(times) - 1)


def check_same(first: nn.Module, second: nn.Module) -> None:
    """Both loops did the same work."""
    for one, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def checkpoint(numbers: int) -> tuple[float, int]:
    """Seconds and bytes of one checkpoint of a network of so many parameters and its two Adam moments."""
    task = Cubes((8, 16), 8)
    task.network.extra = nn.Linear(1000, numbers // 1000, bias=False)
    task.loss = lambda network, batch, peers: {"all": Term(network.extra.weight.sum(), 1)}
    settings = EngineSettings(steps=2, tensorboard=False, checkpoint_seconds=0.0)
    with tempfile.TemporaryDirectory() as name:
        fitting = Fitting(task, settings, Path(name), Processes(), (), resume=False)
        fitting.step(Progress())
        start = time.perf_counter()
        fitting.save()
        took = time.perf_counter() - start
        fitting.journal.close()
        return took, next((Path(name) / CHECKPOINTS).glob(f"*/{TENSORS}")).stat().st_size


if __name__ == "__main__":
    main()
