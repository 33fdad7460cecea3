"""``nodule-ct`` beside MONAI's LUNA16 RetinaNet, both fitted on the same phantoms for the same seconds on one device.

    python Testing/benchmarks/nodule_ct_beside_retinanet.py --fit --test --bundle MODEL --seconds 150 --output FILE

Network, anchors, matcher, sampler, losses and selection of boxes come from MONAI's wheel, set as in its LUNA16 tutorial
(Project-MONAI/tutorials, ``detection``; the model zoo's ``lung_nodule_ct_detection``). Patches, the schedule over elapsed
time and the scoring are ours. ``nodule_ct_beside_retinanet.md`` has the figures and what they say. ``--smoke`` tries
everything in about a minute on a CPU, with a network too small to find anything.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import choose_device, describe_device
from LesionDetectionLib.methods.nodule_ct.detector import create
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings, settings_for
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.froc import CPM_RATES, cpm, froc, match_scan, sensitivity_at
from LesionTrainingLib.evaluation.froc_bootstrap import bootstrap_froc
from LesionTrainingLib.learning.nodule_ct.scans import SCAN, TrainingScan, grid_settings, scan_from
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

AIR_HU, WINDOW_HU = -1024, (-1024.0, 300.0)
SIZE_DIVISIBLE = (16, 16, 8)
"""The strides (x, y, z) of the coarsest feature map: 2, 2, 1 of the first convolution, 2 of its pooling, 2, 2."""
ANCHORS = ((6, 8, 4), (8, 6, 5), (10, 10, 6))
"""Voxels (x, y, z) on the finest feature map; doubled on each coarser one."""
WARM_UP_SHARE = 0.1
"""Of the time: the learning rate rises, as MONAI's does over its first ten epochs."""
MOST_GRADIENT = 100.0
"""The gradient's norm (at first about 50) is clipped here, which MONAI leaves out: a warm-up of seconds must not end a run."""
UNCOUNTED_STEPS, TRIES = 3, 5
"""Before fitting, with as many algorithms tried of each convolution."""
GIB = 2**30


@dataclass(frozen=True)
class Peer:
    """MONAI's values. ``layers``, ``widths``: blocks and channels of the ResNet's stages (after the second none is used).

    Attributes:
        pyramid: channels of the feature pyramid and of the heads.
        patch_xyz, batch: what a step is fitted on.
        window_xyz: a scan of as many voxels or more is seen through sliding windows of this size; a smaller one whole.
    """

    block: str = "bottleneck"
    layers: tuple[int, ...] = (3, 4, 6, 3)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    pyramid: int = 256
    patch_xyz: tuple[int, int, int] = (192, 192, 80)
    window_xyz: tuple[int, int, int] = (512, 512, 192)
    batch: int = 4


SMOKE = Peer("basic", (1, 1, 1, 1), (8, 16, 32, 64), 16, (64, 64, 32), (480, 384, 128), 2)


class InHalf(nn.Module):
    """The network in half precision on a GPU (bfloat16 to fit, which needs no loss scaling, float16 to detect, as MONAI),
    with float32 outputs: MONAI makes its anchors in the type of these, and bfloat16 has no odd numbers above 256."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        for name in ("spatial_dims", "num_classes", "num_anchors", "size_divisible", "cls_key", "box_reg_key"):
            setattr(self, name, getattr(network, name))

    def forward(self, images: Tensor) -> dict[str, list[Tensor]]:
        half = torch.bfloat16 if self.training else torch.float16
        with torch.autocast(images.device.type, half, enabled=images.is_cuda):
            outputs = self.network(images)
        return {name: [level.float() for level in levels] for name, levels in outputs.items()}


def require_monai() -> None:
    """Ends the program with a sentence where MONAI, or torchvision, which parts of it are made of, is not installed."""
    for name in ("monai", "torchvision"):
        if find_spec(name) is None:
            raise SystemExit(
                f"{name} is missing: it is a peer of this comparison, no dependency; “pip install --no-deps {name}” gets it."
            )


def make_detector(peer: Peer, device: torch.device) -> Any:
    """MONAI's ``RetinaNetDetector`` with everything set as in its LUNA16 tutorial."""
    from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
    from monai.apps.detection.networks.retinanet_network import RetinaNet
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
    from monai.networks.blocks.backbone_fpn_utils import BackboneWithFPN
    from monai.networks.nets.resnet import ResNet

    backbone = ResNet(
        peer.block, [*peer.layers], [*peer.widths], 3, 1, conv1_t_size=(7, 7, 7), conv1_t_stride=(2, 2, 1)
    )
    first = backbone.in_planes // 8  # channels that leave the first stage: 256
    features = BackboneWithFPN(backbone, {"layer1": "0", "layer2": "1"}, [first, 2 * first], peer.pyramid, 3)
    network = InHalf(RetinaNet(3, 1, len(ANCHORS), features, SIZE_DIVISIBLE))
    network.to(device, memory_format=torch.channels_last_3d if device.type == "cuda" else torch.preserve_format)
    detector = RetinaNetDetector(network, AnchorGeneratorWithAnchorShape((1, 2, 4), ANCHORS)).to(device)
    detector.set_target_keys(box_key="box", label_key="label")
    detector.set_atss_matcher(num_candidates=4, center_in_gt=False)
    detector.set_hard_negative_sampler(batch_size_per_image=64, positive_fraction=0.3, pool_size=20, min_neg=16)
    # LUNA16 counts 100 marks a scan. Losses are the tutorial's, which are the detector's defaults: BCE and smooth L1.
    detector.set_box_selector_parameters(
        score_thresh=0.02, topk_candidates_per_level=1000, nms_thresh=0.22, detections_per_img=100
    )
    detector.set_sliding_window_inferer(roi_size=peer.window_xyz, overlap=0.25, sw_batch_size=1, mode="constant")
    return detector


@dataclass(frozen=True, eq=False)
class Volume:
    """A training scan where it is fitted: ``hu`` [x, y, z] int16; nodules, [N, 3] (x, y, z) each, in voxels."""

    hu: Tensor
    centers: np.ndarray
    sides: np.ndarray


def on_device(scan: TrainingScan, device: torch.device) -> Volume:
    hu = torch.from_numpy(np.array(scan.hu)).to(device).permute(2, 1, 0)
    sides = scan.diameters_mm[:, None] / scan.spacing_zyx[::-1]
    return Volume(hu, np.array(scan.nodules_zyx)[:, ::-1], sides)


def scaled(hu: Tensor) -> Tensor:
    low, high = WINDOW_HU
    return ((hu.float() - low) / (high - low)).clamp_(0, 1)


def crop(volume: Volume, patch_xyz: tuple[int, ...], random: np.random.Generator) -> tuple[Tensor, np.ndarray]:
    """One patch [x, y, z] in [0, 1] and its boxes, [N, 6] voxels (low x, y, z, high x, y, z), of the nodules whose centre
    it holds. Half of the patches hold a whole nodule. Augmented as MONAI does, but for tilts and blur."""
    patch = np.array(patch_xyz)
    size = np.round(patch / random.uniform(0.7, 1.4)).astype(int) if random.random() < 0.2 else patch
    most = np.maximum(np.array(volume.hu.shape) - size, 0)
    start = random.integers(0, most + 1)
    if len(volume.centers) and random.random() < 0.5:
        n = random.integers(len(volume.centers))
        low = np.clip(np.ceil(volume.centers[n] + volume.sides[n] / 2).astype(int) - size + 1, 0, most)
        high = np.clip(np.floor(volume.centers[n] - volume.sides[n] / 2).astype(int), 0, most)
        start = random.integers(np.minimum(low, high), np.maximum(low, high) + 1)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(start, start + size, strict=True))
    hu = volume.hu[x, y, z]
    missing = [int(n) for n in size - np.array(hu.shape)]
    image = scaled(F.pad(hu, (0, missing[2], 0, missing[1], 0, missing[0]), value=AIR_HU))
    zoom = patch / size
    if (zoom != 1).any():
        image = F.interpolate(image[None, None], size=patch_xyz, mode="trilinear")[0, 0]
    centers, sides = (volume.centers - start + 0.5) * zoom - 0.5, volume.sides * zoom
    image, centers, sides = turned(image, centers, sides, random)
    image = varied(image, random)
    inside = ((centers >= 0) & (centers <= patch - 1)).all(axis=1)
    centers, half = centers[inside], sides[inside] / 2
    return image, np.concatenate([np.maximum(centers - half, 0), np.minimum(centers + half, patch)], axis=1)


def turned(
    image: Tensor, centers: np.ndarray, sides: np.ndarray, random: np.random.Generator
) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Flipped along each axis or not, and turned in the slice by a multiple of 90 degrees (square patches only)."""
    last = np.array(image.shape) - 1
    for axis in np.flatnonzero(random.random(3) < 0.5):
        image = image.flip(int(axis))
        centers = np.where(np.arange(3) == axis, last - centers, centers)
    for _ in range(int(random.integers(1, 4)) if random.random() < 0.75 else 0):
        image = image.rot90(1, (0, 1))
        centers = np.stack([last[1] - centers[:, 1], centers[:, 0], centers[:, 2]], axis=1)
        sides = sides[:, [1, 0, 2]]
    return image, centers, sides


def varied(image: Tensor, random: np.random.Generator) -> Tensor:
    noise, scale, shift, gamma = random.random(4) < (0.1, 0.15, 0.15, 0.3)
    if noise:
        image = image + random.uniform(0, 0.1) * torch.randn_like(image)
    if scale:
        image = image * random.uniform(0.75, 1.25)
    if shift:
        image = image + random.uniform(-0.1, 0.1)
    return image.clamp(0, 1) ** random.uniform(0.7, 1.5) if gamma else image


def make_batch(
    volumes: list[Volume], peer: Peer, random: np.random.Generator
) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """[B, 1, x, y, z] patches of different scans, and targets as MONAI wants them."""
    chosen = random.choice(len(volumes), peer.batch, replace=len(volumes) < peer.batch)
    images, boxes = zip(*(crop(volumes[n], peer.patch_xyz, random) for n in chosen), strict=True)
    batch = torch.stack([image.contiguous() for image in images])[:, None]
    found = [torch.from_numpy(box).to(batch.device, torch.float32) for box in boxes]
    return batch, [{"box": box, "label": torch.zeros(len(box), dtype=torch.long, device=box.device)} for box in found]


def rate_share(elapsed: float) -> float:
    """Share of the learning rate after this share of the time: a linear warm-up, then half a cosine down to 0."""
    if elapsed < WARM_UP_SHARE:
        return max(elapsed, 1e-3) / WARM_UP_SHARE
    return 0.5 + 0.5 * float(np.cos(np.pi * min(1.0, (elapsed - WARM_UP_SHARE) / (1 - WARM_UP_SHARE))))


def fit(detector: Any, volumes: list[Volume], peer: Peer, options: argparse.Namespace, device: torch.device) -> dict:
    """Fit for ``options.seconds``. What comes before (upload, cuDNN trying its algorithms) is not counted."""
    random, network = np.random.default_rng(options.seed), detector.network
    detector.train()
    fresh = copy.deepcopy(network.state_dict())
    sgd = torch.optim.SGD(network.parameters(), 0.0, momentum=0.9, weight_decay=3e-5, nesterov=True)

    def step(share: float) -> Tensor:
        for group in sgd.param_groups:
            group["lr"] = share * options.learning_rate
        losses = detector(*make_batch(volumes, peer, random))
        loss = losses[network.cls_key] + losses[network.box_reg_key]
        sgd.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), MOST_GRADIENT)
        sgd.step()
        return loss.detach()

    for _ in range(UNCOUNTED_STEPS):
        step(0.0)
    network.load_state_dict(fresh)  # batch statistics too
    sgd.state.clear()
    reset_memory(device)
    begin, losses = now(device), []
    while (elapsed := now(device) - begin) < options.seconds:
        losses.append(float(step(rate_share(elapsed / options.seconds))))
        if len(losses) % 50 == 1:
            print(f"{elapsed:6.1f} s, step {len(losses)}: loss {np.mean(losses[-50:]):.4f}", flush=True)
    seconds, peak = now(device) - begin, peak_gib(device)
    held = sum(volume.hu.numel() * volume.hu.element_size() for volume in volumes) / GIB
    save_file({name: value.contiguous().cpu() for name, value in network.network.state_dict().items()}, options.weights)
    return {
        "training": options.training,
        "scans": len(volumes),
        "steps": len(losses),
        "batch": peer.batch,
        "seconds": round(seconds, 1),
        "samples_per_second": round(len(losses) * peer.batch / seconds, 2),
        "peak_gib": None if peak is None else round(peak - held, 2),
        "scans_gib": round(held, 2),
        "last_losses": [round(float(np.mean(part)), 4) for part in np.array_split(losses, min(10, len(losses)))],
    }


def peer_marks(detector: Any, scan: TrainingScan, peer: Peer, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Marks of one scan: centres [M, 3] in RAS mm, scores [M]. A scan for windows is padded behind to whole windows, so
    that all scans have windows of one size and the feature maps' strides divide what is padded."""
    image = scaled(torch.from_numpy(scan.hu).to(device).permute(2, 1, 0))
    windows = image.numel() >= np.prod(peer.window_xyz)
    least = peer.window_xyz if windows else SIZE_DIVISIBLE
    size = [max(m, -(-n // d) * d) for m, n, d in zip(least, image.shape, SIZE_DIVISIBLE, strict=True)]
    x, y, z = (wanted - n for wanted, n in zip(size, image.shape, strict=True))
    with torch.inference_mode():
        found = detector([F.pad(image, (0, z, 0, y, 0, x))[None]], use_inferer=bool(windows))[0]
        boxes, scores = found["box"].cpu().numpy(), found["label_scores"].cpu().numpy()
    ijk = (boxes[:, :3] + boxes[:, 3:]).astype(np.float64) / 2
    inside = (ijk <= np.array(image.shape) - 0.5).all(axis=1)
    return scan.geometry.ras_from_ijk(ijk[inside]), scores[inside].astype(np.float64)


def own_marks(detector: Any, scan: TrainingScan, settings: NoduleSettings) -> tuple[np.ndarray, np.ndarray, dict]:
    """The same of ``nodule-ct``, which finds the lungs itself; and its seconds by stage."""
    found = detector.detect({CT: image_of(scan)}, settings, Progress())
    centers = np.array([lesion.center_ras_mm for lesion in found.lesions], dtype=np.float64).reshape(-1, 3)
    scores = np.array([lesion.score for lesion in found.lesions], dtype=np.float64)
    return centers, scores, found.provenance["seconds"]


def image_of(scan: TrainingScan) -> Image:
    return Image(scan.hu, scan.geometry.ijk_to_ras, CT, HU, scan.name)


def in_search_region(scan: TrainingScan, centers_ras_mm: np.ndarray) -> np.ndarray:
    """[M] bool: which places ``nodule-ct`` would have looked at."""
    zyx = np.round(scan.geometry.ijk_from_ras(centers_ras_mm)).astype(int)[:, ::-1]
    return scan.search[tuple(np.clip(zyx, 0, np.array(scan.hu.shape) - 1).T)]


def measured(marks_of: Any, scans: list[TrainingScan], device: torch.device) -> tuple[list, dict]:
    """Marks of every scan; median seconds a scan from voxels in memory to marks, and the peak of the device's memory."""
    marks_of(scans[0])  # not counted: the first call loads kernels and lets cuDNN try its algorithms
    reset_memory(device)
    marks, seconds = [], []
    for scan in scans:
        begin = now(device)
        marks.append(marks_of(scan))
        seconds.append(now(device) - begin)
    peak = peak_gib(device)
    return marks, {
        "seconds_per_scan": round(float(np.median(seconds)), 3),
        "peak_gib": None if peak is None else round(peak, 2),
    }


def scored(scans: list[TrainingScan], marks: list) -> dict[str, Any]:
    """By the rules of LUNA16; the interval is that of 1000 bootstraps over scans."""
    matches = [match_scan(*m, s.nodules_ras_mm, s.diameters_mm) for s, m in zip(scans, marks, strict=True)]
    curve, spread = froc(matches), bootstrap_froc(matches, CPM_RATES, len(CPM_RATES)).mean_sensitivity
    return {
        "cpm": round(cpm(curve), 4),
        "cpm_95": [round(float(spread.lower), 4), round(float(spread.upper), 4)],
        "sensitivity": {f"{rate:g}": round(sensitivity_at(curve, rate), 4) for rate in CPM_RATES},
        "most_sensitivity": round(float(curve.sensitivity[-1]), 4),
        "most_false_per_scan": round(float(curve.false_positives_per_scan[-1]), 2),
    }


def test(scans: list[TrainingScan], peer: Peer, options: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """The rows of the table. Voxels are read into memory first."""
    scans = [replace(scan, hu=np.array(scan.hu)) for scan in scans]
    rows: dict[str, Any] = {}
    if options.bundle:
        bundle = Bundle.open(options.bundle)
        own, settings = create(bundle, str(device)), settings_for(bundle)
        every = replace(settings, measure=False, operating_point="0")
        marks, cost = measured(lambda scan: own_marks(own, scan, every), scans, device)
        parameters = sum(value.size for value in bundle.weights().values())
        stages = {name: round(float(np.median([m[2][name] for m in marks])), 3) for name in marks[0][2]}
        about = {"parameters": parameters, "stages_s": stages, "model": bundle.manifest.name}
        rows["nodule-ct"] = {**scored(scans, [m[:2] for m in marks]), **cost, **about}
        del own
    detector = make_detector(peer, device)
    detector.network.network.load_state_dict(load_file(options.weights))
    detector.eval()
    marks, cost = measured(lambda scan: peer_marks(detector, scan, peer, device), scans, device)
    cost["parameters"] = sum(value.numel() for value in detector.network.parameters())
    rows["RetinaNet (MONAI)"] = {**scored(scans, marks), **cost}
    with ThreadPoolExecutor(min(8, options.workers)) as threads:
        inside = list(threads.map(in_search_region, scans, [centers for centers, _ in marks]))
    kept = [(centers[which], scores[which]) for (centers, scores), which in zip(marks, inside, strict=True)]
    rows["RetinaNet (MONAI), marks in the lungs' region only"] = {**scored(scans, kept), **cost}
    return {"testing": options.testing, "scans": len(scans), "nodules": sum(len(s.diameters_mm) for s in scans), **rows}


def as_table(rows: dict[str, Any]) -> str:
    rates = " | ".join(f"{rate:g}" for rate in CPM_RATES)
    lines = [f"| | CPM (95 %) | {rates} | s a scan | GPU memory, GiB | parameters, M |", "|" + " --- |" * 12]
    for name, row in ((name, row) for name, row in rows.items() if isinstance(row, dict)):
        low, high = row["cpm_95"]
        found = " | ".join(f"{value:.3f}" for value in row["sensitivity"].values())
        memory = "-" if row["peak_gib"] is None else f"{row['peak_gib']:.2f}"
        cost = f"{row['seconds_per_scan']:.2f} | {memory} | {row['parameters'] / 1e6:.2f}"
        lines.append(f"| {name} | {row['cpm']:.3f} ({low:.3f} to {high:.3f}) | {found} | {cost} |")
    return "\n".join(lines)


def now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def reset_memory(device: torch.device) -> None:
    """Let go of what is no longer used, and forget the peak."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_gib(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated(device) / GIB if device.type == "cuda" else None


def prepared(spec: str, options: argparse.Namespace) -> list[TrainingScan]:
    """The cohort's scans on the working grid of ``nodule-ct``, from the cache that its training uses too."""
    cases, begin = open_cohort(spec).cases, time.perf_counter()
    cache = Cache(options.cache, round(options.cache_gb * 1e9))
    found, left_out = cache.prepare_all(cases, grid_settings(NoduleSettings()), SCAN, options.workers)
    print(f"{spec}: {len(found)} scans in {time.perf_counter() - begin:.1f} s, {len(left_out)} left out", flush=True)
    return [scan_from(entry) for _, entry in found]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--prepare", action="store_true", help="fill the cache, and no more unless the others are named"
    )
    parser.add_argument("--fit", action="store_true", help="fit MONAI's network and write --weights")
    parser.add_argument("--test", action="store_true", help="detect with --weights and --bundle, and score")
    parser.add_argument("--training", default="phantoms:chest?seeds=0-199&protocol=mixed", help="cohort to fit on")
    parser.add_argument("--testing", default="phantoms:chest?seeds=9000-9039", help="cohort to test on")
    parser.add_argument("--bundle", type=Path, help="the nodule-ct model to set beside it")
    parser.add_argument("--seconds", type=float, default=150.0, help="of fitting")
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--weights", type=Path, default=Path("retinanet.safetensors"))
    parser.add_argument(
        "--output", type=Path, help="JSON of all figures; what an earlier run wrote of other parts stays"
    )
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="folder of prepared scans")
    parser.add_argument("--cache-gb", type=float, default=50.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that prepare scans")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="a tiny network, tiny phantoms and few seconds")
    options = parser.parse_args()
    if options.smoke:
        options.training, options.testing = (f"phantoms:chest?seeds={n}&protocol=tiny" for n in ("0-1", "2-3"))
        options.seconds = min(options.seconds, 8.0)
    if not (options.prepare or options.fit or options.test):
        options.fit = options.test = True
    return options


def main() -> None:
    options = parse()
    if options.fit or options.test:
        require_monai()
    peer, device = SMOKE if options.smoke else Peer(), choose_device(options.device)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit = True, TRIES
    torch.manual_seed(options.seed)
    figures = json.loads(options.output.read_text()) if options.output and options.output.exists() else {}
    training = prepared(options.training, options) if options.prepare or options.fit else []
    testing = prepared(options.testing, options) if options.prepare or options.test else []
    versions = {"torch": torch.__version__, "device": describe_device(device), "smoke": options.smoke}
    if options.fit:
        detector, begin = make_detector(peer, device), time.perf_counter()
        with ThreadPoolExecutor(min(8, options.workers)) as threads:
            volumes = list(threads.map(lambda scan: on_device(scan, device), training))
        print(f"scans in the device's memory after {time.perf_counter() - begin:.1f} s", flush=True)
        figures["fit"] = {**fit(detector, volumes, peer, options, device), **versions}
        print(json.dumps(figures["fit"], indent=1), flush=True)
        del detector, volumes
    if options.test:
        figures["test"] = {**test(testing, peer, options, device), **versions}
        print(as_table(figures["test"]))
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
