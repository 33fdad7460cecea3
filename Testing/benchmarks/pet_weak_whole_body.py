"""What a whole-body PET of 400 x 400 x 650 voxels costs `pet-weak`, from the volume to outlined tumours, beside a 3D U-Net.

    python Testing/benchmarks/pet_weak_whole_body.py [--threads 2] [--rounds 3] [--device cpu|cuda] [--short] [--bundle BUNDLE]

In one run on the same PET of ellipsoids and noise, with three tumours: this method as users have it (one pass over the volume for
both projections, the network, back-projection and outlines in the boxes that can matter) at the paper's widths, at a fourth of them,
and with the bundle's network where one is given; the plain way (the volume resampled to 2 mm, projected, the maps' minimum as an array
of the volume's size, labelled); and a U-Net of 16 to 128 channels in three dimensions on the same PET resampled to 4 mm, as small as
such networks are. Networks have random weights, which cost what trained ones do; the maps that follow are replaced by ones that point
at the three tumours, and, once, by ones that point everywhere. Seconds on the wall, the best of the rounds (one of what takes many
seconds), and those of the processor over threads; operations as PyTorch counts them; the floor, by the memory's and the matrix
product's own speed in this run; memory over what the process holds before. What it means: pet_weak_whole_body.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

# Threads that wait in a loop would count as working.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle  # noqa: E402
from LesionDetectionLib.core.image import PET, SUV_BW, Image  # noqa: E402
from LesionDetectionLib.imaging.pet_focus import focus_at, point_through  # noqa: E402
from LesionDetectionLib.methods.device import choose_device, describe_device, number_format  # noqa: E402
from LesionDetectionLib.methods.folding import for_inference  # noqa: E402
from LesionDetectionLib.methods.pet_weak.architecture import PetWeakArchitecture  # noqa: E402
from LesionDetectionLib.methods.pet_weak.back_projection import back_project  # noqa: E402
from LesionDetectionLib.methods.pet_weak.detector import PetWeakDetector  # noqa: E402
from LesionDetectionLib.methods.pet_weak.looking import Looker  # noqa: E402
from LesionDetectionLib.methods.pet_weak.model import load_network, weights_of  # noqa: E402
from LesionDetectionLib.methods.pet_weak.network import make_network  # noqa: E402
from LesionDetectionLib.methods.pet_weak.placing import Placing  # noqa: E402
from LesionDetectionLib.methods.pet_weak.projections import network_views, project  # noqa: E402
from LesionDetectionLib.methods.pet_weak.segmentation_networks import UNet  # noqa: E402
from LesionDetectionLib.methods.pet_weak.settings import PetWeakSettings  # noqa: E402
from scipy import ndimage  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

SHAPE, SPACING_MM = (650, 400, 400), 1.65
UNET_WIDTHS, UNET_MM = (16, 32, 64, 128), 4.0
FULL, FOURTH = (32, 64, 128, 256), (8, 16, 32, 64)
TUMOURS = (((70.0, -10.0, 150.0), 40.0, 9.0), ((-60.0, 20.0, 180.0), 22.0, 6.0), ((0.0, -30.0, 240.0), 28.0, 12.0))
"""Centre (RAS mm), diameter, SUV."""
ORGANS = (
    ((0, 0, 0), (340, 220, 1020), 0.9),  # body
    ((0, 10, 460), (130, 160, 100), 10.0),  # brain
    ((75, 0, 150), (125, 170, 260), 0.5),  # lungs
    ((-75, 0, 150), (125, 170, 260), 0.5),
    ((-40, 30, 110), (80, 80, 85), 7.0),  # heart
    ((70, 0, -10), (170, 160, 150), 2.3),  # liver
    ((55, -60, -60), (50, 45, 100), 12.0),  # kidneys
    ((-55, -60, -60), (50, 45, 100), 12.0),
    ((0, 20, -330), (85, 70, 65), 25.0),  # bladder
)


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    print(f"{describe_device(device)}, PyTorch {torch.__version__}", end="")
    print(f"; load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
    pet = a_pet()
    print(
        f"PET of {' x '.join(map(str, SHAPE[::-1]))} voxels of {SPACING_MM} mm: {pet.voxels.nbytes / 2**20:.0f} MiB of float32\n"
    )
    speeds = Speeds(pet, device)
    routes = ours(pet, device, options)
    if not options.short:
        routes |= {
            "the plain way, the paper's widths": plain_way(pet, device),
            "3D U-Net at 4 mm, whole": unet(pet, device),
        }
    compared(routes, speeds, options.rounds)
    clicked(pet, options.rounds)


def ours(pet: Image, device: torch.device, options: argparse.Namespace) -> dict:
    named = {"the paper's widths": FULL, "a fourth of them": FOURTH}
    routes = {}
    for name, widths in named.items():
        network = make_network(PetWeakArchitecture(widths=widths))
        routes[f"pet-weak, {name}"] = detection(pet, network, device)
    routes["pet-weak, a fourth of them, a diffuse map"] = detection(pet, network, device, diffuse=True)
    if options.bundle is not None:
        network = load_network(Bundle.open(options.bundle))
        routes[f"pet-weak, {options.bundle.name}"] = detection(pet, network, device)
    return routes


class Pointing:
    """A network's work, then maps that point at the tumours (or, diffuse, everywhere), on the canvas of the last PET."""

    def __init__(self, looker: Looker, placing: Placing, diffuse: bool) -> None:
        self._looker, self._placing, self._diffuse = looker, placing, diffuse

    def look(self, inputs: np.ndarray):
        looked = self._looker.look(inputs)
        own = np.ones_like(looked.maps) if self._diffuse else pointed(looked.maps.shape, self._placing)
        odds = dict.fromkeys(looked.probabilities, 0.0) | {looked.kind: 1.0}
        return replace(looked, maps=own, probabilities=odds)


def pointed(shape: tuple[int, ...], placing: Placing) -> np.ndarray:
    """[2, h, w] as a trained network's: a cell or two wide around each tumour."""
    _, h, w = shape
    stride = placing.height // h
    rows, columns = np.mgrid[:h, :w] * stride + (stride - 1) / 2
    maps = np.zeros(shape, np.float32)
    for center, *_ in TUMOURS:
        for own, (row, column) in zip(maps, placing.pixel_of(center), strict=True):
            mm2 = ((rows - row) ** 2 + (columns - column) ** 2) * 4.0
            np.maximum(own, np.exp2(-mm2 / 40.0**2), out=own)
    return maps / maps.max(axis=(1, 2), keepdims=True)


def detection(pet: Image, network: torch.nn.Module, device: torch.device, diffuse: bool = False) -> dict:
    """The method as users have it."""
    placing = network_views(project(pet), PetWeakSettings()).placing
    detector = PetWeakDetector(a_bundle(network), device, Pointing(Looker(network, device), placing, diffuse))
    settings = PetWeakSettings()

    def run() -> tuple[int, dict[str, float]]:
        found = detector.detect({PET: pet}, settings)
        return len(found.lesions), found.provenance["seconds"]

    views = torch.from_numpy(network_views(project(pet), settings).inputs)
    return {"work": run, "flop": counted(lambda: network.eval()(views)), "bytes": pet.voxels.nbytes, "once": diffuse}


def plain_way(pet: Image, device: torch.device) -> dict:
    """As the paper tells it: resample, project, look, back-project, threshold; each step on the whole."""
    settings, network = PetWeakSettings(), make_network(PetWeakArchitecture()).eval().requires_grad_(False)
    network = network.to(device)
    placing = network_views(project(pet), settings).placing

    def run() -> tuple[int, dict[str, float]]:
        laps = Laps()
        ratio = np.array(pet.spacing_mm[::-1]) / settings.pixel_mm
        resampled = ndimage.zoom(pet.voxels, ratio, order=0)
        resampled = np.clip(resampled, 0, settings.most_suv) / settings.most_suv
        views = [resampled.max(axis=1)[::-1], resampled.max(axis=2)[::-1]]
        laps("projections")
        side = [-(-max(one.shape[n] for one in views) // 16) * 16 for n in (0, 1)]
        inputs = np.zeros((2, 1, *side), np.float32)
        for own, one in zip(inputs, views, strict=True):
            own[0, : one.shape[0], : one.shape[1]] = one
        with torch.inference_mode(), number_format(device):
            network(torch.from_numpy(inputs).to(device)).logits.float().cpu()
        laps("network")
        back = back_project(pointed((2, placing.height // 16, placing.width // 16), placing), placing)
        volume = np.minimum(back.coronal[:, None, :], back.sagittal[:, :, None])
        laps("back-projection")
        labels, count = ndimage.label(volume >= settings.map_share)
        mask = np.zeros(labels.shape, dtype=bool)
        for number, box in enumerate(ndimage.find_objects(labels), 1):
            own, suv = labels[box] == number, pet.voxels[box]
            mask[box] |= own & (suv >= settings.uptake_share * suv[own].max())
        laps("uptake")
        return count, laps.seconds

    shape = np.round(np.array(SHAPE) * SPACING_MM / settings.pixel_mm).astype(int)
    side = [-(-int(n) // 16) * 16 for n in (shape[0], shape[1:].max())]
    flop = counted(lambda: network(torch.zeros(2, 1, *side, device=device)))
    # The PET, twice the resampled one, the map, labels, and comparisons: what a pass over each reads and writes at least.
    return {"work": run, "flop": flop, "bytes": 6 * pet.voxels.nbytes, "once": True}


def unet(pet: Image, device: torch.device) -> dict:
    """A mask of the whole PET at 4 mm, in one tile; folded and channels-last as ours."""
    network = for_inference(UNet(UNET_WIDTHS, dimensions=3), device)
    size = [max(8, -(-round(n * SPACING_MM / UNET_MM) // 8) * 8) for n in SHAPE]

    def run() -> tuple[int, dict[str, float]]:
        laps = Laps()
        volume = torch.from_numpy(np.array(pet.voxels))[None, None].to(device)
        small = torch.nn.functional.interpolate(volume, size=size, mode="trilinear")
        small = small.clamp(0, 30) / 30
        laps("resampling")
        with torch.inference_mode(), number_format(device):
            mask = network(small.contiguous(memory_format=torch.channels_last_3d)) > 0
            mask = mask.cpu()
        laps("network")
        return int(mask.any()), laps.seconds

    flop = counted(lambda: network(torch.zeros(1, 1, *size, device=device)))
    return {"work": run, "flop": flop, "bytes": pet.voxels.nbytes, "once": True}


class Speeds:
    """Of memory and of a matrix product, measured in turn with all else: the best."""

    def __init__(self, pet: Image, device: torch.device) -> None:
        self._voxels = torch.from_numpy(np.array(pet.voxels))
        number = torch.float16 if device.type == "cuda" else torch.float32
        self._square, self._device = torch.rand(2048, 2048, device=device).to(number), device
        self.memory = self.product = 0.0

    def measure(self) -> None:
        begun = time.perf_counter()
        self._voxels.sum()
        self.memory = max(self.memory, self._voxels.nbytes / (time.perf_counter() - begun))
        for _ in range(3):
            begun = time.perf_counter()
            self._square @ self._square
            if self._device.type == "cuda":
                torch.cuda.synchronize()
            self.product = max(self.product, 2 * 2048**3 / (time.perf_counter() - begun))


def compared(routes: dict, speeds: Speeds, rounds: int) -> None:
    best = dict.fromkeys(routes, float("inf"))
    processor, stages, memory, found = dict(best), {}, {}, {}
    for turn in range(rounds + 1):
        speeds.measure()
        for name, route in routes.items():
            if route.get("once") and turn < rounds:
                continue  # so slow that one is enough
            with Memory() as own:
                begun, worked = time.perf_counter(), time.process_time()
                count, laps = route["work"]()
                seconds, worked = time.perf_counter() - begun, time.process_time() - worked
            if turn == 0:
                continue  # the first of each loads and plans
            processor[name] = min(processor[name], worked / torch.get_num_threads())
            memory[name], found[name] = max(memory.get(name, 0), own.peak), count
            if seconds < best[name]:
                best[name], stages[name] = seconds, laps
    print(f"memory read at {speeds.memory / 1e9:.1f} GB/s, matrix product at {speeds.product / 1e9:.0f} GFLOP/s\n")
    first = next(iter(routes))
    print(
        f"{'':44}{'seconds':>8} {'of CPU':>7} {'times':>6} {'GFLOP':>7} {'GB':>5} {'floor':>6} {'MiB':>6}  found, stages"
    )
    for name, route in routes.items():
        floor = route["flop"] / speeds.product + route["bytes"] / speeds.memory
        told = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in stages[name].items())
        print(
            f"{name:44}{best[name]:8.3f} {processor[name]:7.3f} {best[name] / best[first]:6.1f} {route['flop'] / 1e9:7.1f} "
            f"{route['bytes'] / 1e9:5.2f} {floor:6.3f} {memory[name] / 2**20:6.0f}  {found[name]}; {told}",
            flush=True,
        )


def clicked(pet: Image, rounds: int) -> None:
    """A point on a projection, and what lies there."""
    print("\nby a click on the coronal projection, seconds:")
    for center, diameter, suv in TUMOURS:
        best = float("inf")
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            lesion = focus_at(pet, point_through(pet, (center[0], 0.0, center[2]), "coronal"))
            best = min(best, time.perf_counter() - begun)
        told = lesion.measurements["equivalent_diameter_mm"]
        print(f"  a tumour of {diameter:.0f} mm and SUV {suv:g}: {best:.3f} ({told:.0f} mm)")


class Laps:
    def __init__(self) -> None:
        self.seconds, self._since = dict[str, float](), time.perf_counter()

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self._since = now - self._since, now


class Memory:
    """The most that the process holds meanwhile beyond what it held, bytes; looked at every 2 ms. What an
    earlier route left for reuse counts as held."""

    def __enter__(self) -> Memory:
        self.peak, self._done, self._before = 0, threading.Event(), resident()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def _look(self) -> None:
        while not self._done.wait(0.002):
            self.peak = max(self.peak, resident() - self._before)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()


def resident() -> int:
    """Bytes; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def a_bundle(network: torch.nn.Module) -> Bundle:
    settings = {"operating_points": {"all": 0.0}}
    manifest = Manifest("pet-weak", "random", "1", asdict(network.architecture), settings, {}, True)
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder) / "it", manifest, weights_of(network), "")
        return Bundle.open(Path(folder) / "it")


def a_pet() -> Image:
    """Ellipsoids of uptake in air, slice by slice, blurred at their borders by 3 mm; noise of 10 %."""
    matrix = np.diag([-SPACING_MM, -SPACING_MM, SPACING_MM, 1.0])
    matrix[:3, 3] = -np.diag(matrix)[:3] * (np.array(SHAPE[::-1]) - 1) / 2
    r, a, s = (matrix[n, n] * np.arange(SHAPE[2 - n]) + matrix[n, 3] for n in range(3))
    voxels = np.zeros(SHAPE, np.float32)
    random = np.random.default_rng(0)
    parts = [*ORGANS, *((center, (diameter,) * 3, suv) for center, diameter, suv in TUMOURS)]
    for plane, height in zip(voxels, s, strict=True):
        for center, diameters, suv in parts:
            beyond = (2 * (height - center[2]) / diameters[2]) ** 2
            if beyond > 1.3:
                continue
            radius = np.sqrt(
                (2 * (r - center[0]) / diameters[0]) ** 2 + (2 * (a[:, None] - center[1]) / diameters[1]) ** 2 + beyond
            )
            inside = 1 / (1 + np.exp(np.clip((radius - 1) * min(diameters) / 3, -30, 30)))
            plane += inside * (suv - plane)
        plane *= 1 + 0.1 * random.standard_normal(plane.shape, dtype=np.float32)
    return Image(np.maximum(voxels, 0, out=voxels), matrix, PET, SUV_BW, "PET")


def counted(work) -> float:
    """Operations of matrix products and convolutions, as PyTorch counts them."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        work()
    return float(counter.get_total_flops())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="this method alone")
    return parser.parse_args()


if __name__ == "__main__":
    main()
