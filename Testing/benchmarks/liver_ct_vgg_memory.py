"""Memory and time of `liver-ct`'s VGG variant at 512 x 512, with and without the upsampled feature volume.

    python Testing/benchmarks/liver_ct_vgg_memory.py [--px 512] [--threads 2] [--repeats 2] [--device cpu|cuda]

The paper concatenates 512 channels of 512 x 512 with the slices before the baseline's first convolution (section 4.2). *plainly*
does so; *bounded* is the network as it is, which computes the same from the small map. For each, in a process of its own: one
training step (batch 1, loss, gradients; VGG-16 learns), one with VGG-16 frozen, and inference; the largest resident memory above
what the process had before (on a GPU: the largest memory allocated), processor seconds over threads (on a GPU: on the wall), the
best of some, and operations as PyTorch counts them. The routes take turns, so that what else the machine does meets both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "LesionDetection"))

ROUTES = ("plainly", "bounded")
WORK = ("training step", "training step, VGG-16 frozen", "inference")
STATUS = Path("/proc/self/status")


def main() -> None:
    options = arguments()
    if options.route:
        print(json.dumps(measured(options)))
        return
    found = {work: {route: in_a_process(options, work, route) for route in ROUTES} for work in WORK}
    device = next(iter(found[WORK[0]].values()))["device"]
    print(f"{options.px} x {options.px} pixels, batch 1; {device}; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"{'':46}{'MiB':>8} {'less':>6} {'seconds':>8} {'times':>6} {'GFLOP':>8}")
    for work, routes in found.items():
        plain = routes[ROUTES[0]]
        for route, one in routes.items():
            print(
                f"{work + ', ' + route:46}{one['mib']:8.0f} {plain['mib'] / one['mib']:6.1f} {one['seconds']:8.2f} "
                f"{plain['seconds'] / one['seconds']:6.1f} {one['gflop']:8.1f}"
            )
        print(
            f"  results differ by {abs(plain['value'] - routes['bounded']['value']) / abs(plain['value']):.1e} of them"
        )
    first = found[WORK[-1]]["bounded"]["first_gflop"]
    print(f"the first convolution alone, GFLOP: {first['plainly']:.1f} plainly, {first['bounded']:.2f} bounded")


def in_a_process(options: argparse.Namespace, work: str, route: str) -> dict:
    """A fresh one, so that its largest memory is that of this work alone."""
    command = [sys.executable, __file__, "--route", route, "--work", work, "--px", str(options.px)]
    command += ["--threads", str(options.threads), "--repeats", str(options.repeats), "--device", options.device]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(told.splitlines()[-1])


def measured(options: argparse.Namespace) -> dict:
    import torch
    from LesionDetectionLib.methods.device import choose_device, describe_device
    from LesionDetectionLib.methods.liver_ct.architecture import VGG, LiverArchitecture
    from LesionDetectionLib.methods.liver_ct.network import freeze, make_network

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = choose_device(options.device)
    network = make_network(LiverArchitecture(detector=VGG, input_px=options.px, dropout=0.0)).to(device)
    network = network.to(memory_format=torch.channels_last)
    slices = (torch.rand(1, 3, options.px, options.px) * 2 - 1).to(device)
    if "frozen" in options.work:
        freeze(network, False, 5)
    forward = network if options.route == "bounded" else lambda given: plain_outputs(network, given)

    def work() -> float:
        if options.work == "inference":
            with torch.inference_mode():
                return float(forward(slices).square().sum())
        loss = forward(slices).square().sum()
        loss.backward()
        weight = network.baseline.first.weight.grad
        value = float(loss.detach()) + float(weight.abs().sum())
        network.zero_grad(set_to_none=True)
        return value

    before = memory(device)
    values = []
    gflop = counted(lambda: values.append(work()))
    mib = memory(device) - before
    seconds = min(timed(work, device, options.threads) for _ in range(options.repeats))
    return {
        "mib": mib,
        "seconds": seconds,
        "value": values[0],
        "gflop": gflop,
        "first_gflop": first_convolution(network, slices),
        "device": f"{describe_device(device)}, PyTorch {torch.__version__}",
    }


def plain_outputs(network, slices):
    """As the paper has it: all of VGG-16 kept for the gradients, its features enlarged and concatenated."""
    import torch
    from torch.nn import functional

    features = network.backbone(slices)[-1]
    enlarged = functional.interpolate(features, size=slices.shape[2:], mode="nearest")
    return network.baseline(torch.cat([enlarged, slices], dim=1))


def first_convolution(network, slices) -> dict[str, float]:
    import torch
    from LesionDetectionLib.methods.liver_ct.upsampled import beside_upsampled

    layer = network.baseline.first
    small = torch.zeros(1, layer.in_channels - 3, *(side // 8 for side in slices.shape[2:]), device=slices.device)
    places = slices.shape[2] * slices.shape[3]
    with torch.inference_mode():
        bounded = counted(lambda: beside_upsampled(layer, slices, small))
    return {"plainly": 2 * places * layer.weight.numel() / 1e9, "bounded": bounded}


def timed(work, device, threads: int) -> float:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        return time.perf_counter() - wall
    return (time.process_time() - processor) / threads


def memory(device) -> float:
    """The largest so far, MiB."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) / 1024


def counted(work) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 1e9


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--px", type=int, default=512)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--route", choices=ROUTES, help=argparse.SUPPRESS)
    parser.add_argument("--work", choices=WORK, default=WORK[0], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
