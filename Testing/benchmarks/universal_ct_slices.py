"""What a slice of 512 x 512 pixels costs `universal-ct`, from the network's input to boxes and masks, beside torchvision's RetinaNet.

    python Testing/benchmarks/universal_ct_slices.py [--model BUNDLE] [--threads N] [--device cpu|cuda] [--slices 200] [--short]

In one run, on the same slice of a body phantom: torchvision's `retinanet_resnet50_fpn` (random weights, its own thresholds and
post-processing, `min_size=max_size=512`, so that it does not enlarge the slice to 800), and this network at full width the plain
way, by the engine in float32 and in 16 bits, with ResNet-50, and at a quarter of the width. What the engine leaves out depends on
how many anchors reach the least probability: it is set here so that all, 0.5 % and 0.01 % do, as random weights say nothing of it;
with --model a trained network is run at its own probabilities. For each: seconds, those of torchvision over them, operations as
counted, and the floor (these at the speed of the machine's own matrix product in the same format). Then: how far 16 bits are from
float32, and the memory of a stream of slices. Seconds are the processor's over threads on a CPU, which other programs disturb
least, with those on the wall behind them, and on the wall on a GPU; the best of some. What all this means: universal_ct_slices.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

# Threads that wait in a loop would count as working.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from LesionDetectionLib.core.bundle import Bundle  # noqa: E402
from LesionDetectionLib.imaging.geometry import to_axial  # noqa: E402
from LesionDetectionLib.imaging.rectangles import iou  # noqa: E402
from LesionDetectionLib.methods.device import choose_device, describe_device  # noqa: E402
from LesionDetectionLib.methods.slices.preprocessing import network_input, planes_at  # noqa: E402
from LesionDetectionLib.methods.universal_ct.architecture import ROWS, scaled  # noqa: E402
from LesionDetectionLib.methods.universal_ct.engine import Limits, SliceEngine, plain_boxes  # noqa: E402
from LesionDetectionLib.methods.universal_ct.model import load_network  # noqa: E402
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork  # noqa: E402
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

SHARES = {"all anchors": 1.0, "0.5 % of the anchors": 0.005, "0.01 % of the anchors": 0.0001}
NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}
STATUS = Path("/proc/self/status")


class Timer:
    """Of work on one device: the best of some runs."""

    def __init__(self, device: torch.device, repeats: int) -> None:
        self._gpu, self._repeats = device.type == "cuda", repeats

    def __call__(self, work, repeats: int | None = None) -> tuple[float, float]:
        """Seconds of the processor over threads (on a GPU: on the wall), and on the wall."""
        work()
        best = (float("inf"), float("inf"))
        for _ in range(repeats or self._repeats):
            self._wait()
            processor, wall = time.process_time(), time.perf_counter()
            work()
            self._wait()
            wall = time.perf_counter() - wall
            taken = wall if self._gpu else (time.process_time() - processor) / torch.get_num_threads()
            best = min(best, (taken, wall))
        return best

    def _wait(self) -> None:
        if self._gpu:
            torch.cuda.synchronize()


class Report:
    """Lines of the table; each as soon as it is measured."""

    def __init__(self, timer: Timer, device: torch.device) -> None:
        self._timer = timer
        numbers = [torch.float32, torch.float16 if device.type == "cuda" else torch.bfloat16]
        self._speed = {number: product_speed(timer, device, number) for number in numbers}
        for number, speed in self._speed.items():
            print(f"matrix product in {NAMES[number]}: {speed / 1e9:.0f} GFLOP/s")
        self._reference = float("nan")
        print(f"\n{'':58}{'seconds':>9} {'wall':>8} {'times':>6} {'GFLOP':>7} {'floor':>7} {'over it':>7}", flush=True)

    def line(self, name: str, work, number: torch.dtype = torch.float32) -> None:
        seconds, wall = self._timer(work)
        if not self._reference > 0:
            self._reference = seconds
        operations = counted(work)
        floor = operations / self._speed[number]
        print(
            f"{name:58}{seconds:9.3f} {wall:8.3f} {self._reference / seconds:6.2f} {operations / 1e9:7.1f} {floor:7.3f} "
            f"{seconds / floor:7.2f}",
            flush=True,
        )


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = choose_device(options.device)
    slices = some_slices()
    one = slices[len(slices) // 2 :][:1]
    print(f"body phantom, {len(slices)} slices; {describe_device(device)}, PyTorch {torch.__version__}", end="")
    print(f"; load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
    timer = Timer(device, options.repeats)
    report = Report(timer, device)
    torchvisions(report, one, device)
    full = ROWS["attention"]
    network = UniversalNetwork(full).eval()
    ours("VGG-19", network, report, one, device, plain=True, float32=True)
    if not options.short:
        ours("ResNet-50", UniversalNetwork(replace(full, backbone="resnet50")).eval(), report, one, device)
    quarter = UniversalNetwork(replace(scaled(full, 0.25), backbone="vgg19_bn")).eval()
    ours("quarter of the width", quarter, report, one, device, float32=True)
    if options.model is not None:
        quarter = trained(options.model, report, slices, one, device)
    streamed("VGG-19", network, slices, device, 8 if options.short else 24)
    streamed("quarter of the width", quarter, slices, device, options.slices)


def torchvisions(report: Report, one: np.ndarray, device: torch.device) -> None:
    from torchvision.models.detection import retinanet_resnet50_fpn

    network = retinanet_resnet50_fpn(weights=None, weights_backbone=None, min_size=512, max_size=512).eval().to(device)
    image = torch.from_numpy(one[0]).to(device)

    def run():
        with torch.inference_mode():
            return network([image])

    def narrow():
        with torch.autocast(device.type, dtype=number):
            return run()

    report.line("torchvision, float32", run)
    number = torch.float16 if device.type == "cuda" else torch.bfloat16
    report.line(f"torchvision, {NAMES[number]} by autocast", narrow, number)


def ours(name, network, report, one, device, plain=False, float32=False) -> None:
    """Every route of one network with random weights."""
    with torch.inference_mode():
        probabilities = torch.sigmoid(network(torch.from_numpy(one)).logits)
    ordered = probabilities.flatten().sort(descending=True).values
    limits = {
        label: Limits(least_probability=float(ordered[max(1, int(share * len(ordered))) - 1]))
        for label, share in SHARES.items()
    }
    if plain:
        network.to(device)
        report.line(f"{name}, float32, plainly", lambda: plain_boxes(network, one, Limits()))
        network.cpu()
    for precision in (("float32",) if float32 else ()) + ("fp16" if device.type == "cuda" else "bf16",):
        engine = SliceEngine(network, device, precision)
        for label, some in limits.items():
            report.line(
                f"{name}, {NAMES[engine.number]}, {label}",
                lambda engine=engine, some=some: engine.run(one, some),
                engine.number,
            )


def trained(model: Path, report: Report, slices: np.ndarray, one: np.ndarray, device: torch.device) -> UniversalNetwork:
    network = load_network(Bundle.open(model)).eval()
    with torch.inference_mode():
        probabilities = torch.sigmoid(network(torch.from_numpy(one)).logits)
    precision = "fp16" if device.type == "cuda" else "bf16"
    for least in (0.001, 0.05, 0.3):
        engine = SliceEngine(network, device, precision)
        share = float((probabilities >= least).float().mean())
        report.line(
            f"trained, {NAMES[engine.number]}, p >= {least:g} ({share:.3%} of the anchors)",
            lambda engine=engine, least=least: engine.run(one, Limits(least_probability=least)),
            engine.number,
        )
    agreement(network, slices[:: max(1, len(slices) // 8)], device, precision)
    return network


def agreement(network: UniversalNetwork, slices: np.ndarray, device: torch.device, precision: str) -> None:
    """Of the boxes of both formats: those that have a partner of IoU .9, and how far both are apart."""
    wide = SliceEngine(network, device, "float32").run(slices, Limits())
    narrow = SliceEngine(network, device, precision).run(slices, Limits())
    for least in (0.001, 0.05, 0.3):
        count = partners = 0
        off, edges, masks = [0.0], [0.0], [0.0]
        for one, other in zip(wide, narrow, strict=True):
            overlaps = iou(one.boxes, other.boxes)
            for n in np.flatnonzero(one.probability >= least):
                count += 1
                m = int(overlaps[n].argmax()) if len(other.boxes) else 0
                if len(other.boxes) == 0 or overlaps[n, m] < 0.9:
                    continue
                partners += 1
                off.append(abs(one.probability[n] - other.probability[m]))
                edges.append(np.abs(one.boxes[n] - other.boxes[m]).max())
                if one.windows and one.windows[n].probability.shape == other.windows[m].probability.shape:
                    masks.append(np.abs(one.windows[n].probability - other.windows[m].probability).max())
        print(
            f"  {precision} beside float32, {len(slices)} slices, p >= {least:g}: {partners} of {count} boxes have a partner (IoU .9); "
            f"probabilities differ by {max(off):.3f} (mean {np.mean(off):.4f}), edges by {max(edges):.2f} pixels, masks by {max(masks):.2f}"
        )


def streamed(name: str, network: UniversalNetwork, slices: np.ndarray, device: torch.device, count: int) -> None:
    """Two slices at a time, again and again; and what memory they take."""
    engine, limits, done = SliceEngine(network, device), Limits(), 0
    at_once = 8 if device.type == "cuda" else torch.get_num_threads()
    begun, processor, first = time.perf_counter(), time.process_time(), 0.0
    while done < count:
        engine.run(slices[np.arange(done, done + at_once) % len(slices)], limits)
        done += at_once
        if not first:
            first = resident(device)
    wall, processor = time.perf_counter() - begun, time.process_time() - processor
    print(
        f"stream, {name}, {NAMES[engine.number]}: {done} slices by {at_once}, {wall / done:.3f} s each on the wall, "
        f"{processor / torch.get_num_threads() / done:.3f} s of each core; peak memory {first:.0f} MiB after the first, {resident(device):.0f} MiB after all"
    )


def resident(device: torch.device) -> float:
    """The largest memory so far, MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if not STATUS.exists():
        return float("nan")
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) / 1024


def counted(work) -> float:
    """Operations of matrix products and convolutions, as PyTorch counts them."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def some_slices() -> np.ndarray:
    """[n, 3, 512, 512] of a body phantom."""
    from LesionTrainingLib.cohorts.phantoms.body import SLAB, make_body

    axial, settings = to_axial(make_body(0, SLAB).image), UniversalSettings()
    count = axial.shape_kji[0]
    return np.stack([network_input(planes_at(axial, k, settings.slice_distance_mm), settings)[0] for k in range(count)])


def product_speed(timer: Timer, device: torch.device, number: torch.dtype) -> float:
    """Operations a second of the best of some products."""
    best = 0.0
    for rows, units in ((4096, 512), (2048, 2048), (8192, 8192))[: 3 if device.type == "cuda" else 2]:
        left = torch.rand(rows, units, device=device).to(number)
        right = torch.rand(units, units, device=device).to(number)
        best = max(best, 2 * rows * units**2 / timer(lambda left=left, right=right: left @ right)[0])
    return best


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--slices", type=int, default=200, help="of the stream at a quarter of the width")
    parser.add_argument("--short", action="store_true", help="without ResNet-50, and a shorter stream at full width")
    return parser.parse_args()


if __name__ == "__main__":
    main()
