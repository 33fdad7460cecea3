"""What a slice of 512 x 512 pixels costs `liver-ct`'s Faster R-CNN, from the network's input to boxes, beside torchvision's.

    python Testing/benchmarks/liver_ct_slices.py [--threads 2] [--rounds 3] [--device cpu|cuda] [--short]
    python Testing/benchmarks/liver_ct_slices.py --bundle BUNDLE --cohort SPEC [--slices 50]

The first form, in one run on the same slice of a body phantom: torchvision's `fasterrcnn_resnet50_fpn` (random weights) as it is,
which enlarges the slice to 800 pixels, and with `min_size=512`; this network the plain way, and by the engine in float32 and in 16
bits with 300, 100, 50 and 10 proposals a slice. Weights are random, the last layers spread out so that as many proposals survive as
are asked for. All routes take turns, some rounds of them, and the best of each is told: seconds of the processor over threads on a
CPU, which other programs disturb least, and on the wall on a GPU; how many times as fast as torchvision's at 512 that is; operations
as PyTorch counts them; and the floor, these at the speed of the machine's own matrix product in the same format in the same run. Then
both by part. What it means: liver_ct_slices.md.

The second form says of a trained model how many lesions its proposals hold, and how many it finds, by the number of proposals.
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
from LesionDetectionLib.core.image import CT  # noqa: E402
from LesionDetectionLib.imaging.geometry import to_axial  # noqa: E402
from LesionDetectionLib.imaging.rectangles import iou  # noqa: E402
from LesionDetectionLib.methods.device import choose_device, describe_device  # noqa: E402
from LesionDetectionLib.methods.liver_ct.architecture import ALIGN, LiverArchitecture  # noqa: E402
from LesionDetectionLib.methods.liver_ct.boxes import Limits  # noqa: E402
from LesionDetectionLib.methods.liver_ct.engine import SliceEngine  # noqa: E402
from LesionDetectionLib.methods.liver_ct.model import load_network  # noqa: E402
from LesionDetectionLib.methods.liver_ct.network import FasterRcnn  # noqa: E402
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings, settings_for  # noqa: E402
from LesionDetectionLib.methods.slices.preprocessing import network_input, planes_at  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}
PROPOSALS = (10, 25, 50, 100, 300, 1000)
REFERENCE = "torchvision at 512, float32"


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = choose_device(options.device)
    if options.bundle is not None:
        by_proposals(options, device)
        return
    one = a_slice()
    print(f"slice of a body phantom; {describe_device(device)}, PyTorch {torch.__version__}", end="")
    print(f"; load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
    network = spread(LiverArchitecture(), one).to(device)
    routes = {**torchvisions(one, device), **ours(network, one, device, options.short)}
    compared(routes, device, options)
    parts(network, one, device)


def compared(routes: dict, device: torch.device, options: argparse.Namespace) -> None:
    """All routes in turn, and the products that the floor is made of."""
    numbers = {number for _, number in routes.values()}
    sides = (2048, 4096) if device.type == "cuda" else (1024, 2048)
    squares = {(number, side): torch.rand(side, side, device=device).to(number) for number in numbers for side in sides}
    best = dict.fromkeys((*routes, *squares), float("inf"))
    operations = {name: counted(work) for name, (work, _) in routes.items()}  # and all are warm
    for _ in range(options.rounds):
        for name, (work, _) in routes.items():
            best[name] = min(best[name], timed(work, device))
        for key, square in squares.items():
            best[key] = min(best[key], *(timed(lambda square=square: square @ square, device) for _ in range(4)))
    speed = {
        number: max(2 * side**3 / best[number, side] for side in sides) for number in sorted(numbers, key=NAMES.get)
    }
    for number, rate in speed.items():
        print(f"matrix product in {NAMES[number]}: {rate / 1e9:.0f} GFLOP/s")
    print(f"\n{'':48}{'seconds':>9} {'times':>6} {'GFLOP':>7} {'floor':>7} {'over it':>7}")
    for name, (_, number) in routes.items():
        floor = operations[name] / speed[number]
        print(
            f"{name:48}{best[name]:9.3f} {best[REFERENCE] / best[name]:6.2f} {operations[name] / 1e9:7.1f} {floor:7.3f} "
            f"{best[name] / floor:7.2f}",
            flush=True,
        )


def torchvisions(one: np.ndarray, device: torch.device) -> dict:
    from torchvision.models.detection import fasterrcnn_resnet50_fpn

    image = torch.from_numpy((one[0] + 1) / 2).to(device)
    narrow = torch.float16 if device.type == "cuda" else torch.bfloat16
    found = {}
    for size in (800, 512):
        network = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, min_size=size).eval().to(device)

        def run(network=network):
            with torch.inference_mode():
                return network([image])

        def by_autocast(run=run):
            with torch.autocast(device.type, dtype=narrow):
                return run()

        found[f"torchvision at {size}, float32"] = (run, torch.float32)
        found[f"torchvision at {size}, {NAMES[narrow]} by autocast"] = (by_autocast, narrow)
    return found


def ours(network: FasterRcnn, one: np.ndarray, device: torch.device, short: bool) -> dict:
    def plainly():
        return network.find(torch.from_numpy(one).to(device), Limits())

    found = {} if short else {"ours plainly, float32, 300 proposals": (plainly, torch.float32)}
    narrow = "fp16" if device.type == "cuda" else "bf16"
    for precision, counts in (("float32", (300, 50)), (narrow, (300, 100, 50, 10))):
        engine = SliceEngine(network, device, precision)
        for count in counts:
            name = f"ours, {NAMES[engine.number]}, {count} proposals"
            found[name] = (lambda engine=engine, count=count: engine.run(one, Limits(proposals=count)), engine.number)
    aligned = SliceEngine(spread(replace(network.architecture, roi_pooling=ALIGN), one).to(device), device, narrow)
    name = f"ours, {NAMES[aligned.number]}, 300 proposals, align"
    found[name] = (lambda: aligned.run(one, Limits()), aligned.number)
    return found


def parts(network: FasterRcnn, one: np.ndarray, device: torch.device) -> None:
    """Operations of each part, the plain way and the engine's."""
    lean = SliceEngine(network, device, "float32")._lean
    slices = torch.from_numpy(one).to(device)
    with torch.inference_mode():
        c4 = network.features(slices)
        proposals = network.proposals(c4, *network.propose(c4), 300)
        maps = c4.contiguous(memory_format=torch.channels_last)
        rows = {
            "ResNet-50 to C4": (lambda: network.features(slices), lambda: lean.network.features(slices)),
            "first stage": (lambda: network.propose(c4), lambda: lean._propose(maps)),
            "second stage, 300 regions": (
                lambda: network.judge(c4, proposals),
                lambda: lean._regions.judge(maps, proposals),
            ),
        }
        print(f"\n{'GFLOP of':32}{'plainly':>8} {'engine':>8}")
        for name, (plain, engine) in rows.items():
            print(f"{name:32}{counted(plain) / 1e9:8.1f} {counted(engine) / 1e9:8.1f}")


def by_proposals(options: argparse.Namespace, device: torch.device) -> None:
    """Of lesions in slices: those that a proposal holds, and those that a box of each number of proposals finds."""
    bundle = Bundle.open(options.bundle)
    network, method = load_network(bundle), settings_for(bundle)
    if not isinstance(network, FasterRcnn):
        sys.exit("Only Faster R-CNN has proposals.")
    slices, truths = labelled(options.cohort, method, options.slices)
    lean = SliceEngine(network, device, "float32")._lean
    engine = SliceEngine(network, device)
    print(f"{len(slices)} slices, {sum(map(len, truths))} lesions; {describe_device(device)}, {NAMES[engine.number]}")
    print("recall of proposals, then sensitivity of boxes and false positives a slice, from the probability .5 on")
    print(f"{'proposals':>9} {'IoU .5':>7} {'IoU .1':>7} {'boxes .5':>9} {'boxes .1':>9} {'FP .5':>6} {'seconds':>8}")
    proposed = []
    with torch.inference_mode():
        for one in slices:
            c4 = lean.network.features(torch.from_numpy(one[None]).to(device))
            found = lean.network.proposals(c4, *lean._propose(c4), max(PROPOSALS))
            proposed.append(found[0].double().cpu().numpy())
    for count in PROPOSALS:
        limits = Limits(0.5, count, method.nms_iou, method.most_boxes)
        begun = time.process_time()
        boxes = [engine.run(one[None], limits)[0].boxes for one in slices]
        seconds = (time.process_time() - begun) / torch.get_num_threads() / len(slices)
        first = [one[:count] for one in proposed]
        told = [
            recall(first, truths, 0.5),
            recall(first, truths, 0.1),
            recall(boxes, truths, 0.5),
            recall(boxes, truths, 0.1),
        ]
        wrong = sum(
            int((iou(one, truth).max(axis=1, initial=0) < 0.5).sum()) for one, truth in zip(boxes, truths, strict=True)
        )
        print(
            f"{count:9} {told[0]:7.3f} {told[1]:7.3f} {told[2]:9.3f} {told[3]:9.3f} {wrong / len(slices):6.2f} {seconds:8.3f}"
        )


def recall(boxes: list[np.ndarray], truths: list[np.ndarray], least: float) -> float:
    """Of all lesions, the share that a box overlaps so much."""
    hits = [iou(truth, one).max(axis=1, initial=0) >= least for one, truth in zip(boxes, truths, strict=True)]
    return float(np.concatenate(hits).mean()) if hits else float("nan")


def labelled(spec: str, method: LiverSettings, most: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """[3, s, s] inputs of the cohort's slices that show lesions, and the lesions' boxes."""
    from LesionTrainingLib.cohorts.spec import open_cohort
    from LesionTrainingLib.learning.slices.settings import SelectionSettings
    from LesionTrainingLib.learning.slices.slices import Wanted, prepare_slices

    slices, truths = [], []
    low, high = method.window_hu
    for case in open_cohort(spec).cases:
        prepared = prepare_slices(case.images()[CT], case.truth(), Wanted.of(method, SelectionSettings()), case.id)
        for n in range(len(prepared)):
            if len(own := prepared.lesions(n)):
                slices.append(((prepared.planes[n] - low) / (high - low) * 2 - 1).astype(np.float32))
                truths.append(prepared.boxes[own])
        if len(slices) >= most:
            break
    return slices[:most], truths[:most]


def spread(architecture: LiverArchitecture, one: np.ndarray) -> FasterRcnn:
    """Random weights, but statistics of normalisation that fit, and last layers of the first stage whose results differ."""
    torch.manual_seed(0)
    network = FasterRcnn(architecture).requires_grad_(False)
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
            layer.weight.fill_(0.2 if name.endswith("bn3") else 1.0)
    c4 = network.train().features(torch.from_numpy(one))
    head = network.rpn.head
    for layer, deviation in ((head.cls_logits, 2.0), (head.bbox_pred, 0.3)):
        layer.weight.mul_(deviation / layer(head.conv(c4)).std())
    network.judge(c4, [torch.tensor([[50.0, 50.0, 130.0, 150.0], [200.0, 200.0, 240.0, 260.0]])])
    return network.eval()


def a_slice() -> np.ndarray:
    """[1, 3, 512, 512] of a body phantom."""
    from LesionTrainingLib.cohorts.phantoms.body import SLAB, make_body

    axial, settings = to_axial(make_body(0, SLAB).image), LiverSettings()
    planes = planes_at(axial, axial.shape_kji[0] // 2, settings.slice_distance_mm)
    return network_input(planes, settings)[0][None]


def timed(work, device: torch.device) -> float:
    """Seconds of the processor over threads; on a GPU on the wall."""
    gpu = device.type == "cuda"
    if gpu:
        torch.cuda.synchronize()
    wall, processor = time.perf_counter(), time.process_time()
    work()
    if gpu:
        torch.cuda.synchronize()
        return time.perf_counter() - wall
    return (time.process_time() - processor) / torch.get_num_threads()


def counted(work) -> float:
    """Operations of matrix products and convolutions, as PyTorch counts them."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--cohort", default="phantoms:body?seeds=5000-5029&protocol=liver")
    parser.add_argument("--slices", type=int, default=50)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="without our plain way")
    return parser.parse_args()


if __name__ == "__main__":
    main()
