"""What the response of the high-uptake network at every pixel of a slice costs: patch by patch, and by the dense engine.

    python Testing/benchmarks/high_uptake_ct_dense.py [--model BUNDLE] [--scan SCAN] [--threads N] [--device cpu|cuda] [--full]

In one run, on one slice: literally patch by patch and in batches of 256 (on a sample, scaled up to the slice; --full takes all),
the dense engine directly and by Fourier transform, coarse to fine, and each of the last inside the lungs' hull. For each:
operations as counted, the floor (these operations at the speed of the machine's own matrix product), deviation from the patch
network, and peak memory. Without --scan the slice is a chest phantom's, 512 x 512 pixels; without --model the network has the
paper's widths, 512 and 512 hidden units and random weights. Seconds are the processor's over threads on a CPU, which other
programs disturb least, with those on the wall behind them, and on the wall on a GPU; the best of some. What all this means:
high_uptake_ct_dense.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

# Threads that wait in a loop would count as working.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from LesionDetectionLib.core.bundle import Bundle  # noqa: E402
from LesionDetectionLib.core.image import Image  # noqa: E402
from LesionDetectionLib.methods.device import choose_device, describe_device  # noqa: E402
from LesionDetectionLib.methods.high_uptake_ct.dense import DenseSimilarity  # noqa: E402
from LesionDetectionLib.methods.high_uptake_ct.model import load_network  # noqa: E402
from LesionDetectionLib.methods.high_uptake_ct.network import PatchNetwork  # noqa: E402
from LesionDetectionLib.methods.high_uptake_ct.patches import patch_by_patch, patches_at  # noqa: E402
from LesionDetectionLib.methods.high_uptake_ct.preprocessing import prepare  # noqa: E402
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings, settings_for  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

BATCH = 256
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Taken:
    """Seconds (of the processor over threads; on the wall) and the peak of memory in MiB, above what was there before."""

    seconds: float
    wall: float
    peak_mib: float


class Meter:
    """Of some work on one device: the best of some runs."""

    def __init__(self, device: torch.device, repeats: int) -> None:
        self._device, self._repeats = device, repeats

    def __call__(self, work, repeats: int | None = None):
        """What was taken, and the result."""
        best, worst_peak, result = None, 0.0, None
        for _ in range(self._repeats if repeats is None else repeats):
            before = self._start_peak()
            self._wait()
            processor, wall = time.process_time(), time.perf_counter()
            result = work()
            self._wait()
            wall = time.perf_counter() - wall
            seconds = wall if self._gpu else (time.process_time() - processor) / torch.get_num_threads()
            worst_peak = max(worst_peak, self._peak() - before)
            if best is None or seconds < best[0]:
                best = (seconds, wall)
        return Taken(*best, worst_peak), result

    @property
    def _gpu(self) -> bool:
        return self._device.type == "cuda"

    def _wait(self) -> None:
        if self._gpu:
            torch.cuda.synchronize(self._device)

    def _start_peak(self) -> float:
        """Forget the peak so far; memory in use now."""
        if self._gpu:
            torch.cuda.reset_peak_memory_stats(self._device)
            return torch.cuda.memory_allocated(self._device) / 2**20
        if STATUS.exists():
            Path("/proc/self/clear_refs").write_text("5")
            return _status("VmRSS")
        return float("nan")

    def _peak(self) -> float:
        if self._gpu:
            return torch.cuda.max_memory_allocated(self._device) / 2**20
        return _status("VmHWM") if STATUS.exists() else float("nan")


def _status(key: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(key))
    return float(line.split()[1]) / 1024


class Report:
    """Lines of one table."""

    def __init__(self, pixels: int, speed: float) -> None:
        """``speed``: of a matrix product, operations a second."""
        self._pixels, self._speed = pixels, speed
        self.reference = float("nan")
        print(
            f"\n{'':44}{'seconds':>9} {'wall':>8} {'times':>7} {'GFLOP':>8} {'floor':>8} {'over it':>7} {'off by':>8} MiB"
        )

    def line(self, name: str, taken: Taken, operations: float, scale: float = 1.0, off: float | None = None) -> None:
        """``scale``: to the whole slice, where only a part of it was run. ``off``: largest deviation from the patch network."""
        seconds, floor = taken.seconds * scale, operations / self._speed
        deviation = "" if off is None else f"{off:.1e}"
        print(
            f"{name:44}{seconds:9.3f} {taken.wall * scale:8.3f} {self.reference / seconds:7.1f} {operations / 1e9:8.1f} "
            f"{floor:8.3f} {seconds / floor:7.2f} {deviation:>8} {taken.peak_mib:.0f}",
            flush=True,
        )


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    meter = Meter(device, options.repeats)
    network = a_network(options.model).to(device)
    stack, hull, name = a_slice(options.scan, options.model)
    height, width = hull.shape
    pixels = height * width
    hidden = network.architecture.hidden
    print(
        f"{name}: {height} x {width} pixels, of which {hull.sum()} inside the lungs' hull; hidden units {hidden}, ",
        end="",
    )
    print("random weights" if options.model is None else f"weights of {options.model.name}")
    print(f"{describe_device(device)}, PyTorch {torch.__version__}, {options.threads} threads", end="")
    print(f"; load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
    speed = matrix_product_speed(meter, device)
    print(f"matrix product in float32: {speed / 1e9:.0f} GFLOP/s")

    report = Report(pixels, speed)
    rng = np.random.default_rng(0)
    sample = np.argwhere(np.ones_like(hull)) if options.full else rng.integers(0, hull.shape, (options.sample, 2))
    sample = np.concatenate([sample, corners(hull)])
    a_patch = counted(lambda: network(patches_at(stack, sample[:1]).to(device)))
    few = sample[: options.sample // 16]
    one_by_one, _ = meter(lambda: patch_by_patch(network, stack, few, batch=1), repeats=2)
    batches, expected = meter(lambda: patch_by_patch(network, stack, sample, BATCH), repeats=1 if options.full else 3)
    report.reference = batches.seconds * pixels / len(sample)
    report.line(f"patch by patch ({len(few)}, scaled)", one_by_one, a_patch * pixels, pixels / len(few))
    of = "all" if options.full else f"{len(sample)}, scaled"
    report.line(f"patches in batches of {BATCH} ({of})", batches, a_patch * pixels, pixels / len(sample))
    where = tuple(sample.T)

    def run(name: str, make, wanted=None, repeats: int | None = None):
        """The engine that ``make`` makes, its slice, and a line on it; peak memory is that of making it and the first call."""
        made: list[DenseSimilarity] = []
        first, _ = meter(lambda: (made.append(make()), made[0](stack, wanted)), repeats=1)
        engine = made[0]
        taken, found = meter(lambda: engine(stack, wanted), repeats)
        known = np.ones_like(hull) if wanted is None else wanted
        compared = known[where] & ((expected > 0) | (engine._exact_from <= -1))
        off = np.abs(found[where] - expected)[compared].max(initial=0.0)
        taken = replace(taken, peak_mib=first.peak_mib)
        report.line(name, taken, counted(lambda: engine(stack, wanted)), off=float(off))
        return found

    def coarse() -> DenseSimilarity:
        return DenseSimilarity(network, device, exact_from=0.0)

    directly = run("dense, directly", lambda: DenseSimilarity(network, device, "direct"), repeats=1)
    found = run("dense, by Fourier transform", lambda: DenseSimilarity(network, device))
    fine = run("coarse to fine (exact where R > 0)", coarse)
    run("dense inside the lungs' hull", lambda: DenseSimilarity(network, device), hull)
    run("coarse to fine inside the lungs' hull", coarse, hull)
    if device.type == "cuda":
        for number in (torch.float16, torch.bfloat16):
            name = f"dense, directly, {str(number)[6:]}"
            run(name, lambda number=number: DenseSimilarity(network, device, number=number))
    compare(directly, found, fine)
    if options.large:
        flat_memory(meter, DenseSimilarity(network, device), stack)


def compare(directly, found, fine) -> None:
    """Of all pixels of the slice."""
    print(f"\nFourier from direct, all pixels: {np.abs(found - directly).max():.1e}; R > 0 at {(found > 0).mean():.2%}")
    positive = found > 0
    same = "the same" if np.array_equal(positive, fine > 0) else f"OTHERS ({np.count_nonzero(positive != (fine > 0))})"
    off, below = np.abs(fine - found)[positive].max(initial=0), (found - fine).max()
    print(
        f"coarse to fine: pixels with R > 0 are {same}, their R differs by {off:.1e}; elsewhere R is {below:.1e} above it at most"
    )


def flat_memory(meter: Meter, engine: DenseSimilarity, stack) -> None:
    for times in (1, 2, 3):
        larger = np.tile(stack, (1, times, times))
        engine(larger)
        taken, _ = meter(lambda larger=larger: engine(larger), repeats=1)
        print(
            f"{larger.shape[1]} x {larger.shape[2]} pixels: {taken.wall:.2f} s, resident {_status('VmHWM'):.0f} MiB at most"
        )


def counted(work) -> float:
    """Operations of matrix products and convolutions; in one thread, as PyTorch counts them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            work()
    finally:
        torch.set_num_threads(threads)
    return float(counter.get_total_flops())


def corners(hull) -> np.ndarray:
    """The slice's, and pixels beside them."""
    height, width = hull.shape
    rows, columns = (0, 1, height - 2, height - 1), (0, 1, width - 2, width - 1)
    return np.array([(row, column) for row in rows for column in columns])


def a_network(model: Path | None) -> PatchNetwork:
    if model is not None:
        return load_network(Bundle.open(model)).eval()
    torch.manual_seed(0)
    return PatchNetwork().eval()


def a_slice(path: Path | None, model: Path | None):
    """A stack of five slices on the scan's own grid, in the model's range of values; the lungs' hull and a name."""
    image = a_phantom() if path is None else a_scan(path)
    settings = HighUptakeSettings() if model is None else settings_for(Bundle.open(model))
    prepared = prepare(image, replace(settings, spacing_mm=(0.0, 0.0, 0.0), lungs_only=True))
    k = int(prepared.search.sum(axis=(1, 2)).argmax())
    return prepared.stack(k), prepared.search[k], f"{image.name}, slice {k}"


def a_phantom() -> Image:
    from LesionTrainingLib.cohorts.phantoms import chest

    return chest.make_chest(0, replace(chest.DEFAULT, shape_ijk=(512, 512, 24), nodules=(3, 3), mimics=(0, 0))).image


def a_scan(path: Path) -> Image:
    from LesionDetectionLib.io.files import read_image

    return read_image(path)


def matrix_product_speed(meter: Meter, device: torch.device) -> float:
    """Operations a second of the best of some products of the second hidden layer's size and larger."""
    best = 0.0
    for rows, units in ((4096, 512), (2048, 2048), (8192, 8192)):
        if device.type == "cpu" and units > 2048:
            continue
        left, right = torch.rand(rows, units, device=device), torch.rand(units, units, device=device)
        out = torch.empty(rows, units, device=device)
        taken, _ = meter(lambda: [torch.mm(left, right, out=out) for _ in range(5)], repeats=5)  # noqa: B023
        best = max(best, 5 * 2 * rows * units**2 / taken.seconds)
    return best


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sample", type=int, default=1024, help="patches, of which a sixteenth go one by one")
    parser.add_argument("--full", action="store_true", help="all patches of the slice in batches: minutes")
    parser.add_argument("--large", action="store_true", help="larger slices, too: how much memory they take")
    return parser.parse_args()


if __name__ == "__main__":
    main()
