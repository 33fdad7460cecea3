"""What lung nodule detection costs on a whole scan: seconds by stage, memory, and how near it is to the machine's floor.

    python Testing/benchmarks/nodule_ct_inference.py SCAN [--widths demo|paper] [--threads N]

The networks have random weights: time does not hang on what they find, as the number of candidates is fixed. The floor
is the number of operations that the searched places need, once each, at the speed of the machine's own matrix product.
The plain ways are measured in the same run, on a part of the scan, and scaled up: one pass over the box without tiles,
folding or memory layout, and one patch a place.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import torch
from LesionDetectionLib.io.files import read_image
from LesionDetectionLib.methods.device import describe_device
from LesionDetectionLib.methods.nodule_ct.network import (
    SCREENING_INPUT_ZYX,
    ReductionArchitecture,
    ReductionResNet,
    ScreeningArchitecture,
    ScreeningFCN,
    screening_mapping,
)
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan, prepare
from LesionDetectionLib.methods.nodule_ct.reduction import classify
from LesionDetectionLib.methods.nodule_ct.screening import screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

ARCHITECTURES = {
    "demo": (
        ScreeningArchitecture(widths=(16, 16, 16, 48)),
        ReductionArchitecture(trunk_widths=(16, 16, 16), widths=(32, 64), hidden=64),
    ),
    "paper": (ScreeningArchitecture(), ReductionArchitecture()),
}
CPU = torch.device("cpu")
CANDIDATES = 200
PLAIN_SLICES, PLAIN_PATCHES = 8, 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--widths", choices=ARCHITECTURES, default="demo")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    screening, reduction = networks(*ARCHITECTURES[options.widths])
    image = read_image(options.scan)
    print(f"{'x'.join(map(str, image.shape_kji[::-1]))} voxels, {options.widths} widths, {describe_device(CPU)}")
    start = time.perf_counter()
    print(f"memory before: {peak_mib():.0f} MiB, of which the scan {image.voxels.nbytes / 2**20:.0f}")

    seconds, prepared = timed(lambda: prepare(image, NoduleSettings()))
    print(f"preparation  {seconds:7.2f} s   grid {prepared.voxels.shape}, searched {prepared.search.mean():.0%} of it")
    settings = NoduleSettings(candidate_threshold=0.0, most_candidates=CANDIDATES)
    with FlopCounterMode(display=False) as counter:
        screening_s, candidates = timed(lambda: screen(prepared, screening, settings, CPU))
    operations = counter.get_total_flops()
    print(
        f"screening    {screening_s:7.2f} s   {operations / 1e12:.2f} TFLOP, {operations / screening_s / 1e9:.0f} GFLOP/s"
    )
    with FlopCounterMode(display=False) as counter:
        seconds, _ = timed(lambda: classify(prepared, reduction, candidates, CPU))
    print(
        f"reduction    {seconds:7.2f} s   {len(candidates)} candidates, {counter.get_total_flops() / seconds / 1e9:.0f} GFLOP/s"
    )
    print(
        f"all three    {time.perf_counter() - start:7.2f} s by the clock on the wall; peak memory {peak_mib():.0f} MiB"
    )

    speed = matrix_product_speed()
    floor = searched_places(prepared, screening) * operations_a_place(screening) / speed
    print(
        f"matrix product {speed / 1e9:.0f} GFLOP/s: least time of screening {floor:.2f} s, ratio {screening_s / floor:.2f}"
    )
    plain = plain_pass(prepared, screening)
    print(f"one plain pass (scaled from {PLAIN_SLICES} slices): {plain:.0f} s, {plain / screening_s:.1f} times as long")
    plain = plain_patches(prepared, screening)
    print(f"patch by patch (scaled from {PLAIN_PATCHES}): {plain:.0f} s, {plain / screening_s:.0f} times as long")


def networks(first: ScreeningArchitecture, second: ReductionArchitecture) -> tuple[ScreeningFCN, ReductionResNet]:
    torch.manual_seed(0)
    screening = ScreeningFCN(first).eval()
    for layer in screening.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
    return screening, ReductionResNet(second).eval()


def timed(work):
    """Processor seconds over threads, which other programs on the machine disturb least, and the result."""
    start = time.process_time()
    result = work()
    return (time.process_time() - start) / torch.get_num_threads(), result


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def matrix_product_speed(size: int = 2048, repeats: int = 5) -> float:
    """Operations a second of the best of some float32 matrix products."""
    matrix = torch.rand(size, size)
    return 2 * size**3 / min(timed(lambda: matrix @ matrix)[0] for _ in range(repeats))


def searched_places(prepared: PreparedScan, network: ScreeningFCN) -> int:
    z, y, x = screening_mapping(network).stride_zyx
    return int(np.count_nonzero(prepared.search[::z, ::y, ::x]))


def operations_a_place(network: ScreeningFCN) -> int:
    """Multiplications and additions for one more score of a large volume; C1 has four outputs for each."""
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv3d)]
    products = [layer.weight.numel() for layer in convolutions]
    return 2 * (4 * products[0] + sum(products[1:]))


def plain_pass(prepared: PreparedScan, network: ScreeningFCN) -> float:
    """Seconds of one pass over the whole box, from one over a few slices."""
    window = SCREENING_INPUT_ZYX
    depth, height, width = prepared.voxels.shape
    slab = prepared.box((depth // 2, -14, -14), (PLAIN_SLICES + window[0] - 1, height + 28, width + 28))
    with torch.inference_mode():
        seconds, _ = timed(lambda: network(torch.from_numpy(slab)[None, None]))
    # The first slices of a pass cost more than one each; a whole pass has this margin once.
    return seconds * (depth + window[0] - 1) / (PLAIN_SLICES + window[0] - 1)


def plain_patches(prepared: PreparedScan, network: ScreeningFCN) -> float:
    """Seconds of one patch for each searched place, from some."""
    patches = torch.rand(PLAIN_PATCHES, 1, 1, *SCREENING_INPUT_ZYX)
    with torch.inference_mode():
        network(patches[0])
        seconds, _ = timed(lambda: [network(patch) for patch in patches])
    return seconds / PLAIN_PATCHES * searched_places(prepared, network)


if __name__ == "__main__":
    main()
