"""What lung nodule detection costs on a whole scan: our screening beside a plain tiled loop and MONAI, in one run.

    python Testing/benchmarks/nodule_ct_screening.py [SCAN] [--widths demo|middle|paper] [--device cpu|cuda] [--threads N]
        [--model BUNDLE]

Without SCAN a chest phantom is made. The networks have random weights: time does not hang on what they find. MONAI is a
peer and no part of this project: ``pip install --no-deps monai`` brings it in, and without it its rows are left out.

All routes run on the same part of the scan (``--slices``, on a GPU all), where their scores and candidates are compared;
ours runs on the whole scan too, and the others' times are scaled up to it, by the number of slices or of windows. Times are
processor seconds over threads on a CPU, which other programs disturb least, and seconds on the wall, median of several, on
a GPU. What all this means: nodule_ct_screening.md.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from pathlib import Path

# Threads that wait in a loop would count as working.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining"), str(Path(__file__).parent)]

import nodule_ct_plain as plain  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from LesionDetectionLib.core.bundle import Bundle  # noqa: E402
from LesionDetectionLib.core.image import Geometry, Image  # noqa: E402
from LesionDetectionLib.methods.device import choose_device, describe_device, narrow_format  # noqa: E402
from LesionDetectionLib.methods.nodule_ct import screening as screening_module  # noqa: E402
from LesionDetectionLib.methods.nodule_ct.layers import ScoringLayers  # noqa: E402
from LesionDetectionLib.methods.nodule_ct.model import load_networks  # noqa: E402
from LesionDetectionLib.methods.nodule_ct.network import (  # noqa: E402
    ReductionArchitecture,
    ReductionResNet,
    ScreeningArchitecture,
    ScreeningFCN,
)
from LesionDetectionLib.methods.nodule_ct.peaks import peaks  # noqa: E402
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan, prepare  # noqa: E402
from LesionDetectionLib.methods.nodule_ct.reduction import classify, patch_start  # noqa: E402
from LesionDetectionLib.methods.nodule_ct.screening import Candidates, score_volume, screen  # noqa: E402
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings, settings_for  # noqa: E402
from LesionDetectionLib.methods.nodule_ct.trunk import BLOCK_ZYX, STRIDE_ZYX, union  # noqa: E402
from torch import nn  # noqa: E402

ARCHITECTURES = {
    "demo": (
        ScreeningArchitecture(widths=(16, 16, 16, 48)),
        ReductionArchitecture(trunk_widths=(16, 16, 16), widths=(32, 64), hidden=64),
    ),
    "middle": (
        ScreeningArchitecture(widths=(32, 32, 32, 64)),
        ReductionArchitecture(trunk_widths=(32, 32, 32), widths=(32, 64), hidden=64),
    ),
    "paper": (ScreeningArchitecture(), ReductionArchitecture()),
}
SHARE_OF_CANDIDATES = 0.0005
"""Of the searched scores, that pass the threshold that is set: some hundreds of peaks, as from a trained network."""


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    clock = Clock(device, options.repeats)
    screening, reduction = networks(*ARCHITECTURES[options.widths])
    image = a_scan(options.scan)
    print(f"{image.name}: {'x'.join(map(str, image.shape_kji[::-1]))} voxels, {options.widths} widths")
    print(describe_device(device), f"PyTorch {torch.__version__}, {options.threads} threads; number format of the")
    print(f"first pass: {narrow_format(device)}; memory before: {peak_mib():.0f} MiB")
    seconds, prepared = Clock(torch.device("cpu"), 1)(lambda: prepare(image, NoduleSettings()))
    searched = np.count_nonzero(prepared.search[:, ::2, ::2])
    box = plain.searched_box(prepared)
    scores_in_box = int(np.prod([part.stop - part.start for part in box]))
    print(
        f"preparation {seconds:.2f} s; {searched} scores searched, {searched / scores_in_box:.0%} of the box around them"
    )

    ours_s, exact_s, settings, candidates = our_times(clock, prepared, screening, device)
    print_second_stage(clock, prepared, reduction, trained_candidates(prepared, options.model) or candidates, device)
    print_floor(clock, screening, device, searched, scores_in_box, ours_s, exact_s)
    print(f"peak memory {peak_mib():.0f} MiB" + gpu_memory(device))

    part = a_part(prepared, prepared.search.shape[0] if device.type == "cuda" else options.slices)
    depth = box[0].stop - box[0].start
    part_box = plain.searched_box(part)
    exact = score_volume(part, screening, device).logits
    found = screen(part, screening, settings, device)
    print(f"\nthe same part of {part.voxels.shape[0]} slices by all; scaled to the whole scan:")
    seconds, scores = clock(lambda: plain.plain_tiles(part, screening, device))
    report(f"plain loop of tiles {plain.TILE_ZYX}", seconds, scores, exact, found, part, settings)
    whole = seconds * depth / (part_box[0].stop - part_box[0].start)
    lungs = whole * plain.share_of_tiles_with_lungs(prepared)
    ratios("lungs' box", whole, ours_s, exact_s)
    ratios("only tiles that hold lungs", lungs, ours_s, exact_s)

    inferer = plain.monai_inferer()
    if inferer is None:
        print("MONAI is not here; pip install --no-deps monai brings it in.")
        return
    seconds, scores = clock(lambda: plain.monai_scores(part, screening, device, inferer))
    report(f"MONAI, windows {plain.ROI_ZYX}, overlap 0.25", seconds, scores, exact, found, part, settings)
    each = seconds / plain.box_windows(part)
    ratios("lungs' box", each * plain.box_windows(prepared), ours_s, exact_s)
    full = [
        round(n * mm / step) for n, mm, step in zip(image.shape_kji, image.spacing_mm[::-1], WORKING_MM, strict=True)
    ]
    ratios("whole scan", each * plain.windows(tuple(full)), ours_s, exact_s)


WORKING_MM = NoduleSettings().spacing_mm[::-1]


def our_times(
    clock: Clock, prepared: PreparedScan, network: ScreeningFCN, device: torch.device
) -> tuple[float, float, NoduleSettings, screening_module.Candidates]:
    """Seconds of screening as it is used and in float32 alone, the settings, and the candidates."""
    exact_s, exact = clock(lambda: score_volume(prepared, network, device))
    known = exact.logits[prepared.search[:, ::2, ::2]]
    threshold = float(1 / (1 + np.exp(-np.quantile(known.astype(np.float64), 1 - SHARE_OF_CANDIDATES))))
    settings = NoduleSettings(candidate_threshold=threshold)
    ours_s, candidates = clock(lambda: screen(prepared, network, settings, device))
    narrow = narrow_format(device)
    if narrow is not None:
        rough_s, rough = clock(lambda: score_volume(prepared, network, device, number=narrow))
        wrong = np.abs(rough.logits[prepared.search[:, ::2, ::2]] - known)
        print(
            f"scores, {str(narrow)[6:]:8}                 {rough_s:8.3f} s   "
            f"deviation from float32: largest {wrong.max():.4f}, mean {wrong.mean():.5f}; logits' deviation {known.std():.2f}"
        )
    routes = [type(layer).__name__[:-11] for layer in ScoringLayers(network, device).convolutions]
    print(f"scores, float32                  {exact_s:8.3f} s   {', '.join(routes)}")
    keep, screening_module.narrow_format = screening_module.narrow_format, lambda device: None
    plainly = screen(prepared, network, settings, device)
    screening_module.narrow_format = keep
    same = "the same" if np.array_equal(plainly.ijk, candidates.ijk) else "OTHERS"
    print(
        f"screening (scores to candidates) {ours_s:8.3f} s   {len(candidates)} candidates, {same} as by float32 alone"
    )
    return ours_s, exact_s, settings, candidates


def trained_candidates(prepared: PreparedScan, model: Path | None) -> Candidates | None:
    """Of a trained model, which lie further apart than those of random weights."""
    if model is None:
        return None
    bundle = Bundle.open(model)
    return screen(prepared, load_networks(bundle)[0], settings_for(bundle), torch.device("cpu"))


def print_second_stage(clock: Clock, prepared: PreparedScan, network: ReductionResNet, candidates, device) -> None:
    """Patch by patch, the trunk streamed, and by the rule: of all candidates, and of those of the highest scores."""
    ways = ("patches",) if device.type == "cuda" else ("patches", "streamed", "cheaper")
    for most in sorted({min(n, len(candidates)) for n in (25, 100, 200, len(candidates))}):
        some = Candidates(candidates.ijk[:most], candidates.ras_mm[:most], candidates.probability[:most])
        runs = [clock(lambda way=way, some=some: classify(prepared, network, some, device, way=way)) for way in ways]
        took = [seconds for seconds, _ in runs]
        print(f"second stage                     {took[-1]:8.3f} s   {most} candidates")
        if len(ways) == 1:
            continue
        places = patch_start(some.ijk) // STRIDE_ZYX
        share = union(places - places.min(axis=0)).sum() / (most * math.prod(BLOCK_ZYX))
        wrong = max(float(np.abs(found.probability - runs[0][1].probability).max()) for _, found in runs)
        print(
            f"  patch by patch {took[0]:.3f} s ({took[0] / took[-1]:.2f} times that), all streamed {took[1]:.3f} s; the union "
            f"holds {share:.0%} of the patches' places; probabilities differ by {wrong:.0e}"
        )


def print_floor(clock, network, device, searched, in_box, ours_s, exact_s) -> None:
    operations = operations_a_place(network)
    print(
        f"direct: {operations / 1e6:.3f} MFLOP a score; {operations * searched / 1e12:.2f} TFLOP for the searched, "
        f"{operations * in_box / 1e12:.2f} for their box"
    )
    for number, seconds in ((torch.float32, exact_s), (narrow_format(device), ours_s)):
        if number is not None:
            speed = matrix_product_speed(clock, device, number)
            floor = operations * searched / speed
            print(
                f"matrix product in {str(number)[6:]}: {speed / 1e9:.0f} GFLOP/s: direct floor {floor:.3f} s, "
                f"ours {seconds / floor:.2f} times that"
            )


def report(name, seconds, scores, exact, found, part: PreparedScan, settings: NoduleSettings) -> None:
    search = part.search[:, ::2, ::2]
    wrong = float(np.abs(scores[search] - exact[search]).max())
    threshold = float(np.log(settings.candidate_threshold / (1 - settings.candidate_threshold)))
    # Neighbours outside the search belong to a peak's test; the plain routes have them inside their box only.
    scores = np.where(np.isfinite(exact) & ~np.isfinite(scores), exact, scores)
    zyx = peaks(scores, search, threshold)
    volume = screening_module.ScoreVolume(scores, (1, 2, 2), (0.5, 0.5, 0.5))
    theirs = screening_module._apart(zyx, scores[tuple(zyx.T)], volume, part, settings)
    same = "the same" if np.array_equal(theirs.ijk, found.ijk) else "OTHERS"
    print(f"{name}: {seconds:.3f} s; scores differ by {wrong:.1e} at most, {len(theirs)} candidates: {same}")


def ratios(where: str, seconds: float, ours_s: float, exact_s: float) -> None:
    print(
        f"  {where:28} {seconds:8.2f} s: screening {seconds / ours_s:6.1f} times faster, float32 {seconds / exact_s:6.1f}"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", type=Path, nargs="?")
    parser.add_argument("--widths", choices=ARCHITECTURES, default="demo")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--model", type=Path, help="whose candidates the second stage is timed on, instead of random ones"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--slices", type=int, default=31, help="of the part that all routes run on, on a CPU")
    parser.add_argument("--repeats", type=int, default=5, help="of each measurement on a GPU; the median counts")
    return parser.parse_args()


def a_scan(path: Path | None) -> Image:
    if path is None:
        from LesionTrainingLib.cohorts.phantoms import chest

        return chest.make_chest(0, chest.PRESETS["default"]).image
    from LesionDetectionLib.io.files import read_image

    return read_image(path)


def a_part(prepared: PreparedScan, slices: int) -> PreparedScan:
    depth = prepared.search.shape[0]
    first = max(0, (depth - slices) // 2)
    inner = slice(first, first + slices)
    shape = prepared.voxels[inner].shape
    return PreparedScan(prepared.voxels[inner], Geometry(shape, prepared.geometry.ijk_to_ras), prepared.search[inner])


def networks(first: ScreeningArchitecture, second: ReductionArchitecture) -> tuple[ScreeningFCN, ReductionResNet]:
    torch.manual_seed(0)
    screening = ScreeningFCN(first).eval()
    for layer in screening.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
    return screening, ReductionResNet(second).eval()


class Clock:
    """Seconds of some work, and its result."""

    def __init__(self, device: torch.device, repeats: int) -> None:
        self._device, self._repeats = device, repeats

    def __call__(self, work):
        if self._device.type != "cuda":
            start = time.process_time()
            result = work()
            return (time.process_time() - start) / torch.get_num_threads(), result
        work()
        seconds = []
        for _ in range(self._repeats):
            torch.cuda.synchronize(self._device)
            start = time.perf_counter()
            result = work()
            torch.cuda.synchronize(self._device)
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds), result


def peak_mib() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def gpu_memory(device: torch.device) -> str:
    return f", GPU {torch.cuda.max_memory_allocated(device) / 2**20:.0f} MiB" if device.type == "cuda" else ""


def matrix_product_speed(clock: Clock, device: torch.device, number: torch.dtype) -> float:
    """Operations a second of the best of some products of large matrices."""
    size = 8192 if device.type == "cuda" else 2048
    matrix = torch.rand(size, size, device=device).to(number)
    return 2 * size**3 / min(clock(lambda: matrix @ matrix)[0] for _ in range(5))


def operations_a_place(network: ScreeningFCN) -> int:
    """Multiplications and additions for one more score of a large volume; C1 has four outputs for each."""
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv3d)]
    products = [layer.weight.numel() for layer in convolutions]
    return 2 * (4 * products[0] + sum(products[1:]))


if __name__ == "__main__":
    main()
