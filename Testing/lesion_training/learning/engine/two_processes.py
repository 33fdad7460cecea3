"""What ``torchrun`` starts in the tests: two processes fit one network. ``two_processes.py FOLDER``

FOLDER/half holds a fit that one process began. Writes what the test compares to FOLDER/told.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from engine_samples import SmallTask, losses_of, quick
from LesionDetectionLib.core.errors import Cancelled, DeviceError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.fit import fit
from torch import nn

SGD = quick(optimizer="sgd", validate_every=5, monitor="accuracy")
ADAM = quick(learning_rate=1e-3, clip_norm=0.5, accumulate=2, batch=9)


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    with Processes.join("cpu") as processes:
        told = {"gathered": gathered(processes), "normalised": normalised(processes)}
        reports, heard = [], []
        progress = Progress(lambda fraction, text: reports.append(text))
        for name, settings in (("sgd", SGD), ("adam", ADAM)):
            task = SmallTask(
                seed=processes.rank, filtered=name == "sgd"
            )  # other first weights: those of process 0 count
            task.seed = 0
            fitted = fit(task, settings, folder / name, "cpu", progress, listeners=[heard.append])
            told[name] = [losses_of(fitted.history), flat(task.network), type(task.network.features[1]).__name__]
        fitted = fit(SmallTask(), SGD, folder / "half", "cpu", Progress(), resume=True)
        told["half"] = [losses_of(fitted.history), flat(fitted.network), list(fitted.notes)]
        told["stopped"] = stopped_by_the_second(folder / "stopped", processes)
        told["errors"] = errors(folder, processes)
        everyones = processes.sum(torch.tensor([float(len(reports)), float(len(heard))])).tolist()
        told["reports"] = [everyones, [len(reports), len(heard)]]
        if processes.is_main:
            (folder / "told.json").write_text(json.dumps(told))


def flat(network: nn.Module) -> list[float]:
    return torch.cat([tensor.double().flatten() for tensor in network.state_dict().values()]).tolist()


def gathered(processes: Processes) -> list:
    """Seven samples, four in the first process; each number is in its place again."""
    numbers = torch.arange(7)
    found = [
        processes.gather(processes.share.of(numbers).to(kind)) for kind in (torch.float32, torch.bfloat16, torch.int64)
    ]
    pairs = processes.gather(processes.share.of(torch.arange(14.0).view(7, 2)))
    flags = processes.gather(processes.share.of(numbers % 3 == 0))
    back = processes.own(pairs)
    assert torch.equal(back, processes.share.of(torch.arange(14.0).view(7, 2)))
    assert processes.any(processes.rank == 1)
    assert not processes.any(False)
    assert flags.dtype == torch.bool
    return [each.tolist() for each in found] + [pairs.flatten().tolist(), flags.tolist()]


def normalised(processes: Processes) -> float:
    """Largest difference of values, gradients and running statistics from torch's layer on the whole batch."""
    from LesionTrainingLib.learning.engine.synchronised_norm import synchronised

    torch.manual_seed(1)
    layers = nn.ModuleList([nn.BatchNorm3d(3), nn.BatchNorm3d(3, momentum=None)])
    whole = torch.randn(5, 3, 2, 3, 4) * 3 + 100
    slope = torch.randn(5, 3, 2, 3, 4)
    expected = nn.ModuleList([nn.BatchNorm3d(3), nn.BatchNorm3d(3, momentum=None)])
    worst = 0.0
    for layer, plain in zip(layers, expected, strict=True):
        for _ in range(2):
            own = processes.share.of(whole).clone().requires_grad_()
            all_of_it = whole.clone().requires_grad_()
            with synchronised(layers, processes.world):
                values = layer(own)
                (values * processes.share.of(slope)).sum().backward()
            wanted = plain(all_of_it)
            (wanted * slope).sum().backward()
            worst = max(worst, difference(values, processes.share.of(wanted)))
            worst = max(worst, difference(own.grad, processes.share.of(all_of_it.grad)))
        processes.add_gradients(layers.parameters())
        for mine, theirs in zip(layer.parameters(), plain.parameters(), strict=True):
            worst = max(worst, difference(mine.grad, theirs.grad) / 10)  # gradients of about 10
        for mine, theirs in zip(layer.buffers(), plain.buffers(), strict=True):
            worst = max(worst, difference(mine, theirs) / 100)  # means of about 100
        layers.zero_grad()
    return worst


def difference(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).detach().abs().max())


def stopped_by_the_second(folder: Path, processes: Processes) -> str:
    """The second process is cancelled after step 4."""
    progress = Progress()

    class Cancelling(SmallTask):
        def before_step(self, step, network, peers, inner):
            super().before_step(step, network, peers, inner)
            if step == 3 and processes.rank == 1:
                progress.cancel()
                inner(0, "A hook does not hear it")

    try:
        fit(Cancelling(), SGD, folder, "cpu", progress)
    except Cancelled as error:
        return str(error)
    return "went on"


def errors(folder: Path, processes: Processes) -> list[str]:
    class Full(SmallTask):
        def batch(self, step, size, share):
            raise MemoryError

    found = []
    for task, settings in ((SmallTask(), quick(batch=1)), (Full(), quick())):
        try:
            fit(task, settings, folder / "never", "cpu", Progress())
        except (UsageError, DeviceError) as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


if __name__ == "__main__":
    main()
